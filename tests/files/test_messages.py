"""What leaves the program is harmless: messages, tables and CSV files, whatever stands in them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.build import fleet_sessions
from tests.tables.test_bad_input import FILES, simulate
from wsanalytics.cli import main
from wsanalytics.cli.printing.console import console, warn
from wsanalytics.cli.printing.layout import Column, print_rows
from wsanalytics.safe_text import LONGEST_MESSAGE, escape_formula, one_line, plain, unescape_formula
from wsanalytics.tables.actions import APPLIED
from wsanalytics.tables.check import check_table
from wsanalytics.tables.contract import Kind
from wsanalytics.tables.csv_parquet import read_table, write_table
from wsanalytics.tables.observed import SESSIONS

TITLE = "ws-\x1b]0;owned\x07-\u202e1"


@given(st.text())
def test_a_message_is_one_line_without_control_characters(text: str) -> None:
    shown = one_line(text)
    assert shown.isprintable() or shown == ""
    assert len(shown) <= LONGEST_MESSAGE + 1


@given(st.text())
def test_what_was_disarmed_comes_back(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text
    assert not escape_formula(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_passwords_of_addresses_are_not_shown() -> None:
    said = one_line("Could not connect to http://ada:s3cret@proxy.example:8080/x and "
                    "https://key@host/")
    assert "s3cret" not in said and "key@" not in said and "proxy.example:8080" in said


def test_the_password_of_the_endpoint_is_in_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"AWS_ENDPOINT_URL": "http://ada:s3cret@127.0.0.1:9", "AWS_REGION": "x",
                        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a",
                        "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    main(["doctor"])
    main(["collect", "--store", str(tmp_path / "store")])
    said = capsys.readouterr()
    assert "s3cret" not in said.out + said.err and said.err


@pytest.mark.parametrize("name", [TITLE, "ws-1\nwsanalytics: all is well", "ws-" + "9" * 100_000])
def test_an_id_reaches_the_terminal_clean_and_bounded(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    for file in ("sessions.csv", "workspaces.csv"):
        text = FILES[file].replace("ws-1", f'"{name}"')
        (folder / file).write_text(text + (text.splitlines()[-1] if "\n" not in name else "x"))
    assert main([*simulate()]) == 2
    assert main(["plan", "show", f"{name[:90]}.json"]) == 2
    with pytest.raises(SystemExit):
        main(["plan", name])
    said = capsys.readouterr().err
    assert all(line.isprintable() for line in said.splitlines())
    assert len(said.splitlines()) == 3 and len(said) < 3 * LONGEST_MESSAGE


def test_tables_and_lines_of_results_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(f"title {TITLE}", [Column("WorkSpace")], [{"WorkSpace": TITLE}])
    console().print(f"said {TITLE}")
    warn(f"told {TITLE}")
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err and "\x07" not in said.out + said.err
    assert "ws-\ufffd]0;owned" in said.out


def test_a_csv_that_people_open_holds_no_formula_and_no_control_character(tmp_path: Path) -> None:
    rows = {column.name: "" if column.kind is Kind.TEXT else 0 for column in APPLIED.columns}
    names = ["=1+1", "-x", "@y", "\tz", "\rq", "'=1", "bell\x07", "a\r\nb", "plain"]
    frame = pd.DataFrame([rows | {"user_name": name} for name in names])
    write_table(frame, tmp_path / "applied.csv", APPLIED)
    with (tmp_path / "applied.csv").open(newline="", encoding="utf-8") as file:
        found = [row["user_name"] for row in csv.DictReader(file)]
    assert found == ["'=1+1", "'-x", "'@y", "\ufffdz", "\ufffdq", "''=1", "bell\ufffd",
                     "a\ufffd\ufffdb", "plain"]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_that_is_read_back_comes_back_to_the_letter(tmp_path: Path, ending: str) -> None:
    ids = ["=1", "+2", "-3", "@4", "'=5", "''6", "a\rb", "c\nd", 'e"f', "g,h", "\tx"]
    frame = check_table(fleet_sessions({
        name: [("2026-03-02 09:00", "2026-03-02 10:00")] for name in ids}), SESSIONS)
    path = tmp_path / f"sessions{ending}"
    write_table(frame, path, SESSIONS)
    back = check_table(read_table(path, SESSIONS), SESSIONS)
    assert back["workspace_id"].tolist() == ids
    if ending == ".csv":
        cells = next(csv.reader([path.read_text().splitlines()[1]]))
        assert cells[0] == "'=1"


def test_whoever_reads_the_output_may_leave_and_the_disk_may_be_full(folder: Path) -> None:
    script = ("import sys; from wsanalytics.cli import main; "
              f"sys.exit(main({list(simulate())!r}))")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "No space left" in done.stderr and (folder / "charges.csv").is_file()
    done = subprocess.run([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True,
                          check=False, preexec_fn=lambda: os.close(1))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", script], stdout=write, stderr=subprocess.PIPE,
                          text=True, check=False)
    os.close(write)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr


def test_plain_text_keeps_letters_of_all_scripts() -> None:
    assert plain("名前 Ümläut 🙂") == "名前 Ümläut 🙂"
