"""Files that are not ours: nothing is removed that a run has not made, no input is replaced."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tables.test_bad_input import FILES, Run, simulate
from wsanalytics.actions.journal import open_journal
from wsanalytics.cli import main
from wsanalytics.cli.own_files import MARKER, read_own, write_own
from wsanalytics.errors import InputError, OutputError
from wsanalytics.files import outputs
from wsanalytics.files.folders import Made
from wsanalytics.files.outputs import check_output, is_same_file, replaced, together, write_text
from wsanalytics.history.store import Store
from wsanalytics.sandbox.server import Sandbox


@pytest.fixture
def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line that must be refused, with every file left as it was."""

    def run(*argv: str) -> str:
        before = all_in(folder)
        try:
            status = main(list(argv))
        except SystemExit as stop:  # argparse's way to refuse
            status = int(stop.code or 0)
        said = capsys.readouterr()
        assert (status, said.out) == (2, ""), said
        assert "Traceback" not in said.err and len(said.err.strip().splitlines()) == 1
        assert all_in(folder) == before
        return said.err

    return run


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, str]]:
    """The environment of a local endpoint with a few WorkSpaces."""
    with Sandbox(workspaces=3, history_days=1) as box:
        yield box.environment()


def all_in(folder: Path) -> dict[str, object]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else "folder"
            for path in sorted(folder.rglob("*"))}


def collect_a_typo(
    store: Path, account: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    assert main(["collect", "--store", str(store), "--directory", "d-typo000000"]) == 2
    return capsys.readouterr().err


def test_a_refused_first_round_leaves_a_folder_with_hidden_files_as_it_was(
    tmp_path: Path, account: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "proj" / ".git").mkdir(parents=True)
    (tmp_path / "proj" / ".git" / "HEAD").write_text("ref: refs/heads/main")
    before = all_in(tmp_path)
    message = collect_a_typo(tmp_path / "proj", account, monkeypatch, capsys)
    assert ".git" in message and "no store" in message
    assert all_in(tmp_path) == before


def test_a_refused_first_round_leaves_an_empty_folder_empty_and_a_new_one_not_there(
    tmp_path: Path, account: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    collect_a_typo(tmp_path / "empty", account, monkeypatch, capsys)
    collect_a_typo(tmp_path / "new", account, monkeypatch, capsys)
    assert all_in(tmp_path) == {"empty": "folder"}


def test_a_refused_round_leaves_a_store_that_was_there_as_it_was(
    tmp_path: Path, account: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Store.create(tmp_path / "store")
    collect_a_typo(tmp_path / "store", account, monkeypatch, capsys)
    assert json.loads((tmp_path / "store" / "store.json").read_text())["version"] == 1


def test_taking_a_new_store_back_spares_what_somebody_put_into_it(tmp_path: Path) -> None:
    made = Made()
    store = Store.create(tmp_path / "store", made)
    (tmp_path / "store" / "notes.txt").write_text("mine")
    store.take_back(made)
    assert all_in(tmp_path) == {"store": "folder", "store/notes.txt": b"mine"}


@pytest.mark.parametrize("argv", [
    (*simulate()[:-1], "sessions.csv"),
    (*simulate()[:-1], "prices.csv", "--prices", "prices.csv"),
    ("sessions", "--samples", "samples.csv", "--output", "samples.csv"),
    ("sessions", "--samples", "samples.csv", "--output", "new.csv", "--gaps", "samples.csv"),
    ("sessions", "--samples", "samples.csv", "--output", "./new.csv", "--gaps", "new.csv"),
    ("backtest", *simulate()[1:9], "--policy", "hold", "--output", "workspaces.csv"),
    ("budget", *simulate()[1:9], "--output", "workspaces.csv"),
    ("frontier", *simulate()[1:9], "--output", "sessions.csv"),
    ("frontier", *simulate()[1:9], "--output", "o.csv", "--fleet-output", "sessions.csv"),
    ("frontier", *simulate()[1:9], "--fleet-output", "link.csv"),
    ("verify", "plan.jsonl", "--store", ".", "--prices", "prices.csv", "--output", "prices.csv"),
])
def test_an_output_is_no_input_and_no_other_output(
    refused: Run, folder: Path, argv: tuple[str, ...]
) -> None:
    (folder / "link.csv").symlink_to("sessions.csv")
    assert "name the same file" in refused(*argv)


def test_files_are_the_same_behind_links_and_by_second_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "b.csv").hardlink_to(tmp_path / "a.csv")
    (tmp_path / "sub").symlink_to(tmp_path)
    assert is_same_file(tmp_path / "a.csv", tmp_path / "b.csv")
    assert is_same_file(tmp_path / "sub" / "new.csv", tmp_path / "new.csv")
    assert not is_same_file(tmp_path / "a.csv", tmp_path / "new.csv")


def test_a_report_is_never_written_over_what_it_was_made_from(refused: Run, folder: Path) -> None:
    (folder / "report.html").symlink_to("sessions.csv")
    assert "same file" in refused("report", *simulate()[1:9], "--output", ".")


def test_an_output_is_no_file_of_a_store(refused: Run, folder: Path) -> None:
    Store.create(folder / "fleet")
    (folder / "fleet" / "workspaces").mkdir()
    said = refused("sessions", "--store", "fleet", "--output", "fleet/workspaces/s.parquet")
    assert "in the store" in said


@pytest.mark.parametrize("output", [
    "", "/", ".", "..", "charges", "x" * 300 + ".csv", "y" * 300 + "/a.csv", "nowhere/a.csv",
    "sessions.csv/a.csv", "/proc/version.csv", "\0.csv",
])
def test_an_output_that_cannot_be_one_is_refused_before_any_work(
    refused: Run, output: str
) -> None:
    refused(*simulate()[:-1], output)


@pytest.mark.parametrize("output", [
    "", "x" * 300 + ".html", "y" * 300 + "/a.html", "nowhere/far/a.html", "sessions.csv/a.html",
    "sessions.csv/a/b.html", "\0.html", "\0", "nowhere/far",
])
def test_a_report_is_not_drawn_for_a_place_where_it_cannot_be(refused: Run, output: str) -> None:
    refused("report", *simulate()[1:9], "--output", output)


@pytest.mark.parametrize("argv", [
    ("collect", "--store", ""), ("store", "info", "--store", ""), ("plan", "show", ""),
    ("demo", "--output", ""), simulate("--prices", ""),
])
def test_an_empty_path_is_not_the_folder_one_stands_in(refused: Run, argv: tuple[str, ...]) -> None:
    assert "names no file" in refused(*argv)


@pytest.mark.parametrize("argv", [
    ("collect", "--store", "s" * 300), ("store", "info", "--store", "s" * 300),
    ("plan", "show", "p" * 300), ("undo", "j" * 300), ("demo", "--output", "d" * 300),
    ("apply", "plan.json", "--journal", "é" * 200), simulate("--prices", "p" * 300),
])
def test_a_name_that_no_file_can_have_is_refused(refused: Run, argv: tuple[str, ...]) -> None:
    assert "over 255 bytes" in refused(*argv)


def test_a_loop_of_links_is_refused_in_one_line(refused: Run, folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    for argv in (("store", "info", "--store", "a"), ("collect", "--store", "a"),
                 ("plan", "check", "a"), (*simulate()[:-1], "a/x.csv"),
                 ("sessions", "--store", "a/b", "--output", "x.csv")):
        refused(*argv)


@pytest.mark.parametrize("option", ["--bundle=--", "--workspace=--", "--tag=--", "--output=--"])
def test_two_dashes_are_no_value_and_drop_no_filter(refused: Run, option: str) -> None:
    assert "no value" in refused("report", *simulate()[1:9], "--output", "r.html", option)


def test_a_fifo_and_a_read_only_file_are_not_replaced(refused: Run, folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")
    (folder / "protected.csv").write_text("mine")
    (folder / "protected.csv").chmod(0o444)
    (folder / "link.csv").symlink_to("protected.csv")
    assert "no file but a pipe" in refused(*simulate()[:-1], "pipe.csv")
    assert "read-only" in refused(*simulate()[:-1], "protected.csv")
    assert "read-only" in refused(*simulate()[:-1], "link.csv")


def test_a_link_stays_and_what_it_leads_to_is_replaced(folder: Path) -> None:
    (folder / "charges.csv").symlink_to("deeper.csv")
    assert main([*simulate()]) == 0  # the link led nowhere yet
    assert main([*simulate()]) == 0
    assert (folder / "charges.csv").readlink() == Path("deeper.csv")
    assert (folder / "deeper.csv").read_text().startswith("setting,")


def test_a_file_that_was_there_keeps_its_rights(folder: Path) -> None:
    (folder / "charges.csv").write_text("old")
    (folder / "charges.csv").chmod(0o640)
    assert main([*simulate()]) == 0
    assert rights(folder / "charges.csv") == 0o640


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("undrawn")
def test_new_files_with_names_of_users_are_for_their_owner_alone(folder: Path) -> None:
    fleet = simulate()[1:9]
    assert main(["recommend", *fleet, "--output", "plan.json"]) == 0
    assert main(["report", *fleet, "--output", "report.html"]) == 0
    assert main(["plan", "show", "plan.json", "--output", "view.csv"]) == 0
    assert main(["plan", "show", "plan.json", "--output", "view.xlsx"]) == 0
    with open_journal(folder / "a.journal.jsonl"):
        pass
    assert {path.name: rights(path) for path in folder.iterdir() if path.name not in FILES} == (
        dict.fromkeys(("plan.json", "report.html", "view.csv", "view.xlsx", "a.journal.jsonl",
                       ".a.journal.jsonl.lock"), 0o600)
        | {".a.journal.jsonl.lock": rights(folder / ".a.journal.jsonl.lock")})


def test_the_longest_name_that_a_disk_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 125 + ".csv")
    write_text("x", path)
    assert path.read_text() == "x"


def test_files_that_belong_together_appear_together(tmp_path: Path) -> None:
    (tmp_path / "second.csv").write_text("old")
    with together() as batch:
        for name in ("first.csv", "second.csv"):
            write_text("new", tmp_path / name, batch=batch)
            assert "new" not in {path.read_text() for path in tmp_path.glob("*.csv")}
    assert all_in(tmp_path) == {"first.csv": b"new", "second.csv": b"new"}


def test_where_the_last_of_several_files_cannot_be_moved_the_others_come_back(
    tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_text("old")

    def fails() -> None:
        with together() as batch:
            for name in ("old.csv", "new.csv", "folder.csv"):
                write_text("new", tmp_path / name, batch=batch)
            (tmp_path / "folder.csv").mkdir()

    with pytest.raises(OutputError, match="Nothing was written"):
        fails()
    assert all_in(tmp_path) == {"folder.csv": "folder", "old.csv": b"old"}


def test_gaps_are_not_written_where_the_sessions_cannot_be(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_in(folder)

    def full(*_: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    (folder / "s.csv").mkdir()
    assert main(["sessions", "--samples", "samples.csv", "--output", "s.csv",
                 "--gaps", "gaps.csv"]) == 2
    (folder / "s.csv").rmdir()
    monkeypatch.setattr(outputs.Batch, "move", full)
    assert main(["sessions", "--samples", "samples.csv", "--output", "s.csv",
                 "--gaps", "gaps.csv"]) == 2
    assert "Nothing was written" in capsys.readouterr().err
    assert all_in(folder) == before


def test_what_fails_in_the_middle_of_a_file_leaves_the_old_one(tmp_path: Path) -> None:
    write_text("old", tmp_path / "a.csv")

    def broken() -> None:
        with replaced(tmp_path / "a.csv") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert all_in(tmp_path) == {"a.csv": b"old"}


def test_what_was_made_is_taken_back_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "was").mkdir()

    def fails() -> None:
        with Made() as made:
            assert not made.folder(tmp_path / "was")
            assert made.folder(tmp_path / "new") and made.folder(tmp_path / "new" / "inner")
            assert made.folder(tmp_path / "used")
            (tmp_path / "used" / "a.txt").write_text("somebody's")
            raise OutputError("no")

    with pytest.raises(OutputError):
        fails()
    assert all_in(tmp_path) == {"used": "folder", "used/a.txt": b"somebody's", "was": "folder"}


def test_an_ending_that_cannot_be_written_is_told_with_one_that_can(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"charges\.csv"):
        check_output(tmp_path / "charges.json")


@pytest.mark.parametrize(
    "name", ["plan.json", "report.html", "charges.csv", "demo-store/store.json"])
def test_a_demonstration_replaces_nothing_that_it_has_not_made(
    refused: Run, folder: Path, name: str
) -> None:
    path = folder / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text('{"schema": "wsanalytics.store", "version": 1}')
    said = refused("demo", "--output", "out")
    assert name in said and "demonstration" in said


def test_a_demonstration_knows_what_an_earlier_one_made(tmp_path: Path) -> None:
    def make() -> None:
        (tmp_path / "plan.json").write_text("{}")
        (tmp_path / "store" / "samples").mkdir(parents=True)
        (tmp_path / "store" / "samples" / "a.parquet").write_text("a")

    make()
    with pytest.raises(InputError, match=r"plan\.json"):
        read_own(tmp_path, ["plan.json"], "store")
    write_own(tmp_path, ["plan.json"], "store")
    read_own(tmp_path, ["plan.json"], "store").remove_store(tmp_path / "store")
    assert sorted(all_in(tmp_path)) == [MARKER, "plan.json"]
    make()
    (tmp_path / "store" / "actions.journal.jsonl").write_text("mine")
    with pytest.raises(InputError, match=r"actions\.journal\.jsonl is there"):
        read_own(tmp_path, ["plan.json"], "store")
    (tmp_path / "store" / "actions.journal.jsonl").unlink()
    (tmp_path / "plan.json").write_text('{"edited": true}')
    with pytest.raises(InputError, match=r"plan\.json is there"):
        read_own(tmp_path, ["plan.json"], "store")


def test_verify_looks_at_prices_that_are_named(refused: Run, folder: Path) -> None:
    Store.create(folder / "fleet")
    with open_journal(folder / "j.jsonl"):
        pass
    assert "nope.csv" in refused("verify", "j.jsonl", "--store", "fleet", "--prices", "nope.csv")
