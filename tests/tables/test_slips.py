"""A misspelt column is refused with the one it was meant for; defaults that count are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tables.test_bad_input import FILES, simulate
from wsanalytics.cli import main
from wsanalytics.tables.misspellings import meant_columns
from wsanalytics.tables.observed import WORKSPACES


def with_column(folder: Path, name: str, value: str) -> None:
    head, *rows = FILES["workspaces.csv"].splitlines()
    (folder / "workspaces.csv").write_text(
        "\n".join([f"{head},{name}", *(f"{row},{value}" for row in rows)]) + "\n")


@pytest.mark.parametrize(("name", "meant"), [
    ("operating_sytem", "operating_system"), ("Operating System", "operating_system"),
    ("licence", "license"), ("root_gb", "root_gib"), ("username", "user_name"), ("tag", "tags"),
    ("maintenance-enabled", "maintenance_enabled"), ("create_at", "created_at"),
])
def test_a_misspelt_optional_column_is_refused_with_what_was_meant(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, meant: str
) -> None:
    with_column(folder, name, "RHEL")
    assert main([*simulate()]) == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err
    assert not (folder / "charges.csv").exists()


@pytest.mark.parametrize("name", ["team", "directory", "bundle", "created", "cost_center", "os",
                                  "status", "notes", "email"])
def test_columns_of_other_things_are_ignored(folder: Path, name: str) -> None:
    with_column(folder, name, "x")
    assert main([*simulate()]) == 0


def test_a_column_that_is_there_excuses_a_like_one() -> None:
    assert meant_columns([*WORKSPACES.names, "states", "tag"], WORKSPACES) == {}


def test_a_required_column_by_another_name_is_pointed_at(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = FILES["workspaces.csv"].replace("workspace_id", "workspace-id")
    (folder / "workspaces.csv").write_text(text)
    assert main([*simulate()]) == 2
    assert "rename workspace-id to workspace_id" in capsys.readouterr().err


def test_defaults_that_were_used_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_column(folder, "operating_system", "WINDOWS")
    assert main([*simulate()]) == 0
    said = capsys.readouterr().err
    assert "license              included                 2 WorkSpaces" in said
    assert "root_gib             the bundle's base volume 2 WorkSpaces" in said
    assert "operating_system" not in said and "user_name" not in said
