"""What holds for every command: help, examples, completion, log lines, silence, and lightness."""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.endpoints import use_sandbox
from tests.tables.test_bad_input import simulate
from wsanalytics.cli import main
from wsanalytics.cli.app import COMMANDS, build_app, command_in
from wsanalytics.cli.exit_codes import DONE, PARTLY, status_of
from wsanalytics.cli.logs import messages_shown
from wsanalytics.cli.option_table import Words, all_commands, all_tables
from wsanalytics.cli.parser import split, understand
from wsanalytics.cli.printing.console import note, warn
from wsanalytics.safe_text import is_quiet
from wsanalytics.sandbox.server import Sandbox

Capture = pytest.CaptureFixture[str]
HEAVY = {"numpy", "pandas", "pyarrow", "matplotlib", "boto3", "botocore", "holidays"}


def page_of(words: Words, capsys: Capture) -> str:
    with pytest.raises(SystemExit) as left:
        main([*words, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_a_help_page_shows_every_option_and_an_example_in_80_columns(
    capsys: Capture, words: Words
) -> None:
    page = page_of(words, capsys)
    assert page.startswith(f"Usage: wsanalytics {' '.join(words)}")
    assert max(map(len, page.splitlines())) <= 80
    for key in all_tables()[words].options:
        assert f"--{key}" in page
    assert f"\n  wsanalytics {' '.join(words)}" in page or words == ("completion",)
    assert "\x1b" not in page


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_the_examples_of_a_help_page_can_be_run(words: Words) -> None:
    function = command_in(build_app(), words).default_command
    lines = [line for line in function.examples if line.startswith("wsanalytics ")]
    assert len(lines) == len(function.examples) or words == ("completion",)
    for line in lines:
        argv = shlex.split(line.partition("     (")[0].partition(" > ")[0])[1:]
        assert understand(split(argv)).words == words


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_can_be_verbose_or_quiet(words: Words) -> None:
    table = all_tables()[words]
    assert table.alternatives_of("verbose") == {"quiet"}
    assert table.options["verbose"].names == ("--verbose", "-v")


def test_the_first_page_lists_every_command_under_a_heading(capsys: Capture) -> None:
    page = page_of((), capsys)
    for name, entry in COMMANDS.items():
        if " " not in name:
            assert f"\n  {name} " in page and f"{entry.heading.name}:\n" in page
    assert "Mend" not in page and "\x1b" not in page


def loaded_by(*argv: str) -> tuple[set[str], int]:
    code = ("import sys\nfrom wsanalytics.cli import main\n"
            f"try: status = main({list(argv)!r})\nexcept SystemExit as left: status = left.code\n"
            "import json; print(json.dumps([[*sys.modules], status]), file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules, status = json.loads(done.stderr.splitlines()[-1])
    return {name.partition(".")[0] for name in modules}, status


@pytest.mark.parametrize("argv", [["--help"], ["simulate", "--help"], ["apply", "-h"]])
def test_help_loads_nothing_heavy(argv: list[str]) -> None:
    modules, status = loaded_by(*argv)
    assert status == 0 and not modules & HEAVY


@pytest.mark.parametrize("argv", [["smulate"], ["simulate"], ["simulate", "--nope"],
                                  ["apply", "p", "--limit", "0"], ["--version"]])
def test_a_usage_error_loads_nothing_heavy_and_nothing_that_draws(argv: list[str]) -> None:
    modules, status = loaded_by(*argv)
    assert status == (0 if argv == ["--version"] else 2) and not modules & {*HEAVY, "rich"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_knows_commands_options_and_choices(
    capsys: Capture, tmp_path: Path, shell: str
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("creation-properties", "max-cold-starts-per-week", "ceil_per_run", "store"):
        assert word in script
    assert str(tmp_path.parent.parent) not in script and "empty-" not in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


def test_bash_completes_with_the_script(tmp_path: Path, capsys: Capture) -> None:
    assert main(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    lines = [". ./script", "COMP_WORDS=(wsanalytics simulate --hour)", "COMP_CWORD=2",
             'COMP_LINE="${COMP_WORDS[*]}"',
             "complete=$(complete -p wsanalytics | sed 's/.*-F \\([^ ]*\\).*/\\1/')",
             "$complete wsanalytics --hour simulate", 'echo "${COMPREPLY[@]}"']
    done = subprocess.run(["bash", "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True,
                          text=True, check=True)
    assert done.stdout.split() == ["--hour-rule"]


@pytest.mark.usefixtures("folder")
def test_verbose_logs_the_rows_that_are_read_and_written(capsys: Capture) -> None:
    assert main([*simulate(), "-v"]) == 0
    said = capsys.readouterr().err
    assert (
        "INFO wsanalytics.tables.csv_parquet: sessions.csv: 2 rows of a sessions table read in"
        in said
    )
    assert "rows of a charges table written" in said
    assert main([*simulate()]) == 0
    assert "INFO" not in capsys.readouterr().err


def test_verbose_logs_each_call_of_aws_with_its_seconds(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(workspaces=5) as box:
        use_sandbox(monkeypatch, box)
        assert main(["collect", "--store", str(tmp_path / "s"), "--once", "--verbose"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines()
             if "INFO wsanalytics.aws.connection: workspaces:DescribeWorkspaces in" in line]
    assert len(lines) == 1
    assert lines[0].endswith(" s") and "us-east-1: answered after 0." in lines[0]


@pytest.mark.usefixtures("folder")
def test_quiet_gives_results_alone(capsys: Capture) -> None:
    assert main([*simulate()]) == 0
    loud = capsys.readouterr()
    assert main([*simulate(), "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out == loud.out and loud.err.count("\n") > 1
    assert said.err == ""


@pytest.mark.usefixtures("folder")
def test_quiet_keeps_warnings_and_refusals(capsys: Capture) -> None:
    text = Path("workspaces.csv").read_text().replace("VALUE", "POWER")
    Path("workspaces.csv").write_text(text)
    assert main([*simulate("--prices", "prices.csv"), "--quiet"]) == 0
    said = capsys.readouterr().err
    assert "no known price" in said and "written to" not in said
    assert main([*simulate("--setting", "AUTO_STOP:61"), "--quiet"]) == 2
    assert "Rule: " in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_verbose_and_quiet_do_not_go_together(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main([*simulate(), "--quiet", "-v"])
    assert "not allowed with argument --verbose" in capsys.readouterr().err


def test_logging_and_silence_end_with_the_command(capsys: Capture) -> None:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger("wsanalytics").level
    with messages_shown(verbose=True):
        logging.getLogger("wsanalytics.history.store").info("read\x1b[31m\n7 rows")
        logging.getLogger("botocore").info("found credentials")
    assert capsys.readouterr().err.endswith(
        "INFO wsanalytics.history.store: read\ufffd[31m 7 rows\n"
    )
    with messages_shown(quiet=True):
        note("written")
        note("warning: old")
        warn("interrupted")
        assert is_quiet()
    assert capsys.readouterr().err == "wsanalytics: warning: old\nwsanalytics: interrupted\n"
    assert not is_quiet()
    assert logging.getLogger().handlers == handlers
    assert logging.getLogger("wsanalytics").level == level


def test_an_option_before_the_command_is_the_commands_own() -> None:
    assert understand(split(["-v", "columns", "charges"])).values["verbose"]


def test_a_value_joined_by_an_equals_sign_takes_no_word_of_the_line() -> None:
    call = understand(split(["explain", "--setting=ALWAYS_ON", "ws-1", "--tag", "a=b", "c=d=e"]))
    assert (call.values["id"], call.values["setting"]) == ("ws-1", ["ALWAYS_ON"])
    assert call.values["tag"] == [("a", "b"), ("c", "d=e")]
    call = understand(split(["apply", "--limit", "3", "--limit=4", "--output", "-", "--", "-p"]))
    assert (call.values["limit"], call.values["output"]) == (4, Path("-"))
    assert call.values["plan"] == Path("-p")


def test_exit_codes_are_made_in_one_place() -> None:
    assert (status_of(is_complete=True), status_of(is_complete=False)) == (DONE, PARTLY)


def test_help_names_the_hour_rules_that_there_are() -> None:
    """They stand in the options once more, for the enumeration's package takes half a second."""
    from wsanalytics.billing import HourRule
    from wsanalytics.cli.options import HOUR_RULES

    assert tuple(HourRule) == HOUR_RULES
