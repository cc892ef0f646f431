"""A file of options that somebody else may write is not heeded unless it is named, and told of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tables.test_bad_input import FILES, simulate
from wsanalytics.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that takes a third off all prices, in the working directory."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "wsanalytics.toml").write_text("discount = 0.3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WSANALYTICS_CONFIG")
    return tmp_path / "wsanalytics.toml"


def is_heeded(capsys: Capture) -> tuple[bool, str]:
    assert main([*simulate()]) == 0
    said = capsys.readouterr()
    return "less a discount of 30 %" in said.out.replace("\n", ""), said.err


def test_a_file_of_ones_own_is_heeded(file: Path, capsys: Capture) -> None:
    heeded, said = is_heeded(capsys)
    assert heeded and "is not read" not in said and file.is_file()


@pytest.mark.parametrize("how", ["file", "folder"])
def test_a_file_that_everybody_may_write_is_not(file: Path, capsys: Capture, how: str) -> None:
    (file if how == "file" else file.parent).chmod(0o777)
    heeded, said = is_heeded(capsys)
    assert not heeded
    assert f"{file} is not read: everybody may write to it" in said.replace("its folder", "it")
    assert f"WSANALYTICS_CONFIG={file} reads it all the same" in said


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs root")
def test_a_file_of_another_user_is_not_but_can_be_named(
    file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(file, 12345, 12345)
    heeded, said = is_heeded(capsys)
    assert not heeded and "it belongs to another user" in said
    monkeypatch.setenv("WSANALYTICS_CONFIG", str(file))
    assert is_heeded(capsys)[0]


def test_a_refusal_says_so_in_its_one_line(file: Path, capsys: Capture) -> None:
    file.chmod(0o666)
    with pytest.raises(SystemExit):
        main(["simulate", "--setting", "ALWAYS_ON"])
    said = capsys.readouterr().err
    assert "--output" in said and "is not read: everybody" in said and said.count("\n") == 1
    assert main([*simulate("--sessions", "none.csv")]) == 2
    said = capsys.readouterr().err
    assert "none.csv" in said and "is not read: everybody" in said and said.count("\n") == 1
