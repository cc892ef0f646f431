"""Options that stand in ``wsanalytics.toml``: what they do, what wins over them, what may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.helpers.endpoints import use_sandbox
from wsanalytics.cli import main
from wsanalytics.cli.config import read_config
from wsanalytics.cli.config_report import lines_in_force
from wsanalytics.cli.option_table import all_tables
from wsanalytics.cli.parser import Call
from wsanalytics.errors import InputError
from wsanalytics.sandbox.server import Sandbox

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the file into a folder, and work in it."""
    monkeypatch.delenv("WSANALYTICS_CONFIG")
    monkeypatch.chdir(tmp_path)

    def once(text: str) -> Path:
        path = tmp_path / "wsanalytics.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return once


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SimpleNamespace]:
    """Give a command line, and get the options that its command is given."""
    seen: list[Call] = []
    monkeypatch.setattr(Call, "run", lambda call: seen.append(call) or 0)

    def once(line: str) -> SimpleNamespace:
        assert main(line.split()) == 0
        call = seen[-1]
        lists = {name: list(value) if isinstance(value, tuple) else value
                 for name, value in call.values.items()}
        origins = {name.replace("-", "_"): source for name, source in call.sources.items()}
        return SimpleNamespace(**lists, origins=origins, config_path=call.config.path)

    return once


Run = Callable[[str], SimpleNamespace]
EXAMPLE = """
hour-rule = "ceil_per_run"
discount = 0.12
timeout = [60, 120]
region = ["eu-west-1"]
opt-out-tag = ["KeepMode"]
working-hours = "Mon-Fri 08:00-18:00"
time-zone = "Europe/Berlin"
store = "fleet"
[time-zone-by-directory]
d-906734a1b2 = "America/New_York"
[apply]
limit = 100
[plan.show]
output = "changes.csv"
"""


def test_the_file_gives_what_the_command_line_leaves_out(write: Write, run: Run) -> None:
    path = write(EXAMPLE)
    args = run("recommend --output plan.json")
    assert (args.hour_rule, args.discount, args.timeout) == ("ceil_per_run", 0.12, [60, 120])
    assert args.store == Path("fleet") and args.config_path == path
    assert args.origins["hour_rule"] == args.origins["store"] == str(path)
    assert args.origins["output"] == "the command line"
    assert args.origins["min_saving_usd"] == "default"
    idle = run("stop-idle --idle-minutes 15")
    assert idle.time_zone_by_directory == [("d-906734a1b2", "America/New_York")]
    assert (idle.working_hours, idle.limit) == ("Mon-Fri 08:00-18:00", None)
    applied = run("apply plan.json")
    assert (applied.limit, applied.opt_out_tag) == (100, ["KeepMode"])
    assert applied.plan == Path("plan.json") and not applied.yes
    assert run("plan show p.json").output == Path("changes.csv")
    assert run("store info").store == Path("fleet")


def test_the_command_line_wins_and_then_the_commands_own_table(write: Write, run: Run) -> None:
    write('limit = 7\nopt-out-tag = ["A", "B"]\nverbose = true\n'
          '[apply]\nlimit = 9\nopt_out_tag = "C"\n[collect]\nverbose = false\nstore = "s"\n')
    assert (run("undo j").limit, run("undo j").opt_out_tag) == (7, ["A", "B"])
    assert (run("apply p").limit, run("apply p").opt_out_tag) == (9, ["C"])
    args = run("apply p --limit=3 --opt-out-tag D E")
    assert (args.limit, args.opt_out_tag) == (3, ["D", "E"])
    assert args.origins["limit"] == "the command line"
    assert not run("collect").verbose and run("backfill --store s").verbose


def test_one_of_several_ways_replaces_the_others(write: Write, run: Run) -> None:
    write('store = "fleet"\nregion = "eu-west-1"\nevery = "5m"\ntimeout = [60]\n')
    args = run("simulate --sessions s --workspaces w --setting ALWAYS_ON --output o.csv")
    assert args.store is None and args.sessions == Path("s")
    assert run("sessions --samples s --output o").store is None
    assert run("sessions --output o").store == Path("fleet")
    assert run("recommend --setting ALWAYS_ON --output o").timeout == []
    once = run("collect --once")
    assert once.every is None and once.once and once.region == ["eu-west-1"]
    assert run("collect").every is not None
    assert run("prices refresh --from-file f").region == []
    assert run("prices refresh").region == ["eu-west-1"]
    write('sessions = "s.csv"\nworkspaces = "w.csv"\n')
    args = run("report --store fleet --output o")
    assert (args.sessions, args.workspaces) == (None, None)
    write('store = "fleet"\n[report]\nsessions = "s.csv"\nworkspaces = "w.csv"\n')
    args = run("report --output o")
    assert args.store is None and args.sessions == Path("s.csv")


def test_options_of_one_name_take_what_is_theirs(
    write: Write, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write('every = "5m"\npolicy = ["hold", "forecast"]\n')
    assert run("collect --store s").every is not None
    assert run("backtest --output o.csv").every == "day"
    assert run("backtest --output o.csv").policy == ["hold", "forecast"]
    assert run("recommend --output o").policy == "forecast"  # its own default: a list is no policy
    write('policy = "break_even"\n[backtest]\nevery = "week"\n')
    assert run("recommend --output o").policy == "break_even"
    assert run("backtest --output o.csv").every == "week"
    for wrong in ('every = "often"\n', '[backtest]\nevery = "5m"\n'):
        write(wrong)
        assert main(["backtest", "--policy", "hold", "--output", "o.csv"]) == 2
        assert "every" in capsys.readouterr().err


def test_a_table_may_hold_a_tags_values(write: Write, run: Run) -> None:
    write('[tag]\nTeam = ["Sales", "Ops"]\nSite = "a=b"\n')
    tags = [("Team", "Sales"), ("Team", "Ops"), ("Site", "a=b")]
    assert run("recommend --output o").tag == tags
    write('tag = ["Team=Sales"]\n["store info"]\nstore = "x"\n[doctor]\nfor = ["apply", "undo"]\n'
          "[simulate]\nstart = 2026-01-05\n")
    assert run("recommend --output o").tag == tags[:1]
    assert run("store info").store == Path("x")
    assert run("doctor").for_commands == ["apply", "undo"]
    assert run("simulate --setting S --output o").start.isoformat() == "2026-01-05"


def test_what_has_no_account_has_only_its_own_table(write: Write, run: Run) -> None:
    write('region = "eu-west-1"\noutput = "o.csv"\nworkspaces = "w.csv"\n')
    assert run("sandbox").region == [] and run("sandbox").workspaces == 100
    assert run("demo").output == Path("wsanalytics-demo")
    write('[sandbox]\nregion = "eu-west-1"\nfault = ["slow=1"]\nspeed = 60\n')
    args = run("sandbox")
    assert (args.region, args.fault, args.speed) == (["eu-west-1"], ["slow=1"], 60.0)
    assert run("sandbox --with-parent").fault == []  # started by a program


def test_paths_are_relative_to_the_file(
    write: Write, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write('store = "fleet"\n[verify]\nprices = "/p.csv"\n')
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    args = run("verify j")
    assert (args.store, args.prices) == (tmp_path / "fleet", Path("/p.csv"))
    assert args.config_path == path and args.journal == Path("j")
    (tmp_path / "a" / "wsanalytics.toml").write_text("")
    assert run("doctor").store is None  # the nearest file holds, alone
    monkeypatch.setenv("WSANALYTICS_CONFIG", "../../wsanalytics.toml")
    assert run("doctor").store.resolve() == tmp_path / "fleet"
    monkeypatch.setenv("WSANALYTICS_CONFIG", "")
    assert run("doctor").store is None and run("doctor").config_path is None


REFUSED = {
    'hour-rule = "clock"': "hour-rule: there is no 'clock'",
    'hour-rules = "clock_hour"': "did you mean hour-rule?",
    "discount = 1.5": "discount: '1.5' is not a share",
    'discount = "0.1"': "discount: '0.1' is not a number, written without quotes",
    "discount = nan": "discount: 'nan' is not a number from 0 on",
    "limit = true": "limit: true is not a number",
    "limit = [1]": "limit: [1] is a list, and one value is taken",
    "timeout = [60, 90.5]": "timeout: 90.5 is not a whole number",
    "region = [5]": "region: 5 is not text in quotes",
    "time-zone = 5": "time-zone: 5 is not text in quotes",
    "start = 2026-01-05T00:00:00Z": "start: 2026-01-05 00:00:00+00:00 is not text",
    'start = "January"': "start: 'January' is not a UTC day",
    'store = ""': "store: an empty path names no file",
    "due = 1": "due: 1 is neither true nor false",
    'tag = ["Team"]': "tag: 'Team' is not a tag",
    "tag = {Team = 5}": "tag: 5 is not text in quotes",
    '[limit]\na = "b"': "limit: it is no table",
    "yes = true": "nothing is changed in AWS without an explicit act",
    "interactive = false": "nothing is changed in AWS without an explicit act",
    "[creation-properties]\ncreate = true": "write --create where you mean it",
    "[apply]\nresume = true": "[apply] resume: 'resume' may not stand",
    "[sandbox]\nwith-parent = true": "it is for programs",
    "help = true": "it is a question",
    "version = true": "it is a question",
    'other = "plan.json"': "is what a command is about",
    '[verify]\njournal = "j"': "[verify] journal: 'journal' is what a command is about",
    "speed = 60": "put it under [sandbox]",
    "[apply]\nlimits = 3": "did you mean limit?",
    "[apply]\nhour-rule = 'exact'": "[apply] hour-rule: 'hour-rule' is no option of 'apply'",
    "[aply]\nlimit = 3": "did you mean apply?",
    "[plan]\noutput = 'x'": "the tables are [plan.show], [plan.diff], [plan.approve], [plan.check]",
    "[plan.shw]\noutput = 'x'": "'plan' has no sub-command 'shw'",
    "limit = 1\nhour-rule = 'exact'\nhour_rule = 'exact'": "it stands there twice",
    "store = 's'\nsessions = 'f.csv'": "stand beside each other",
    "[collect]\nevery = '5m'\nonce = true": "'collect' takes one of them",
    "due = true\nlimit = \nregion = 'x'": "it cannot be read: Invalid value (at line 2",
    "store = 's'\n[store.info]\nstore = 'x'": 'its table is written ["store info"]',
}


@pytest.mark.parametrize("text", REFUSED)
@pytest.mark.parametrize("line", ["columns", "doctor"])
def test_what_may_not_stand_there(
    write: Write, capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    path = write(text)
    assert main([line]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert said.err.startswith(f"wsanalytics {line}: {path}: ")
    assert REFUSED[text] in said.err and "Rule: " in said.err and "Fix: " in said.err


def test_a_file_that_cannot_be_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("")
    path.write_bytes(b'region = "\xff"')
    with pytest.raises(InputError, match="not UTF-8"):
        read_config()
    monkeypatch.setenv("WSANALYTICS_CONFIG", str(path.parent / "none.toml"))
    with pytest.raises(InputError, match=r"none\.toml: there is no such file"):
        read_config()


@pytest.mark.parametrize("line", ["--help", "--version", "apply --help", "plan show -h", "plan -h"])
def test_help_is_given_beside_a_broken_file(
    write: Write, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    write("= broken")
    with pytest.raises(SystemExit) as left:
        main(line.split())
    assert left.value.code == 0 and "wsanalytics" in capsys.readouterr().out


@pytest.mark.parametrize(("line", "said"), [
    ("recomend", "did you mean recommend?"), ("plan", "required: WHAT"),
    ("collect --evry 5m", "unrecognized arguments: --evry 5m"),
    ("apply p.json --limit 0", "'0' is not a whole number"),
    ("apply", "required: plan.json"), ("collect", "it cannot be read")])
def test_a_wrong_command_line_is_told_before_a_broken_file(
    write: Write, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    write("= broken")
    try:
        status = main(line.split())
    except SystemExit as left:
        status = int(left.code or 0)
    assert status == 2 and said in capsys.readouterr().err


def test_every_option_can_stand_there(write: Write) -> None:
    """Each option of each command, with a value of its kind, in the command's own table."""
    left_out = {"yes", "interactive", "create", "resume", "force", "allow-apply", "help",
                "with-parent"}
    for command, table in all_tables().items():
        for key, argument in table.options.items():
            if key in left_out:
                continue
            tried = ["true"] if argument.is_flag() else [
                "1", "0.5", "'x=y'", "'5m'", "2026-01-01", "'exact'", "'plan'", "'week'"]
            fits = []
            for value in tried:
                write(f"[{'.'.join(command)}]\n{key} = {value}\n")
                try:
                    fits.append(read_config())
                except InputError:
                    continue
            assert fits, f"{command} {key}"


def test_a_value_that_a_command_refuses_is_told_with_its_file(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write('working-hours = "always"\nstore = "fleet"\n')
    assert main(["stop-idle", "--idle-minutes", "15"]) == 2
    said = capsys.readouterr().err
    assert "'always' are no working hours" in said and f"It stands in {path}." in said


def test_simulate_counts_by_the_files_rule(write: Write, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(
        "workspace_id,connected_at,disconnected_at\n"
        "ws-1,2026-03-02T09:50:00Z,2026-03-02T12:10:00Z\n")
    (tmp_path / "w.csv").write_text("workspace_id,region,compute_type,running_mode\n"
                                    "ws-1,us-east-1,VALUE,ALWAYS_ON\n")
    line = ["simulate", "--sessions", "s.csv", "--workspaces", "w.csv",
            "--setting", "AUTO_STOP:60", "--output"]
    write("")
    assert main([*line, "plain.csv"]) == 0
    assert main([*line, "option.csv", "--hour-rule", "exact"]) == 0
    write('hour-rule = "exact"\nregion = ["eu-west-1"]\n')
    assert main([*line, "file.csv"]) == 0
    plain, option, file = ((tmp_path / f"{name}.csv").read_bytes()
                           for name in ("plain", "option", "file"))
    assert file == option != plain


def test_doctor_tells_what_is_in_force(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(EXAMPLE.replace("eu-west-1", "us-east-1"))
    with Sandbox(workspaces=5) as box:
        use_sandbox(monkeypatch, box)
        main(["doctor", "--for", "collect"])
    told = capsys.readouterr().out.splitlines()
    first = told.index(f"note  options from {path}")
    assert all(line.startswith("note  ") for line in told[first:]) and first > 3
    notes = [line.removeprefix("note  ") for line in told[first:]]
    for line in (f"all: hour-rule = ceil_per_run ({path})", f"apply: limit = 100 ({path})",
                 f"all: timeout = 60 120 ({path})", f"plan show: output = changes.csv ({path})",
                 f"all: time-zone-by-directory = d-906734a1b2=America/New_York ({path})"):
        assert line in notes
    for default in ("all: min-saving-usd = 1.00 (default)",
                    "all: prices = AWS's list prices (default)",
                    "undo, stop-idle, start-early: limit = all (default)"):
        assert default in notes[-1].split("; ")  # one line for all that nobody has set


def test_doctor_tells_that_there_is_no_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write
    lines = list(lines_in_force(read_config(), all_tables()))
    assert lines[0] == f"no wsanalytics.toml from {tmp_path} upwards"
    (rest,) = lines[1:]
    defaults = {line.partition(": ")[2].partition(" = ")[0] for line in rest.split("; ")}
    assert defaults == {
        "hour-rule", "discount", "prices", "timeout", "min-saving-usd",
        "max-cold-starts-per-week", "limit", "opt-out-tag", "region", "working-hours",
        "time-zone", "time-zone-by-directory"}
    monkeypatch.setenv("WSANALYTICS_CONFIG", "")
    assert "WSANALYTICS_CONFIG is empty" in next(lines_in_force(read_config(), all_tables()))


def test_rules_of_the_house_are_no_options(write: Write, run: Run) -> None:
    write(EXAMPLE + '[[rules]]\nname = "design"\nbundle = "wsb-1"\nleast-timeout = 120\n')
    assert run("recommend --output plan.json").hour_rule == "ceil_per_run"
    assert "rules" not in str(list(read_config().values.values()))
    write('[rules]\nname = "design"\n')
    with pytest.raises(InputError, match=r"\[\[rules\]\]"):
        read_config()
