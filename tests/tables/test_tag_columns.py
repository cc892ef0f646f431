"""Any column of the workspaces file serves as a tag."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.tables.test_bad_input import WORKSPACES, simulate
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.files import tags_of
from wsanalytics.history import check_workspaces, read_workspaces

HEAD, FIRST, SECOND = WORKSPACES.splitlines()
WITH_TEAMS = (f'{HEAD},Cost Center,tags,user_name\n{FIRST},4711,"{{""team"": ""a""}}",ada\n'
              f"{SECOND},,,ben\n")


def tags(table: pd.DataFrame) -> list[dict[str, str]]:
    return [tags_of(text) for text in table["tags"]]


@pytest.mark.parametrize("kind", ["csv", "parquet", "frame"])
def test_a_column_becomes_a_tag_beside_the_others(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "workspaces.csv"
    path.write_text(WITH_TEAMS)
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    frame.to_parquet(tmp_path / "workspaces.parquet")
    source = frame if kind == "frame" else tmp_path / f"workspaces.{kind}"
    table = read_workspaces(source, tag_columns=["Cost Center", "user_name"])
    assert tags(table) == [{"team": "a", "Cost Center": "4711", "user_name": "ada"},
                           {"user_name": "ben"}]
    assert "Cost Center" not in table


def test_a_column_counts_before_a_tag_of_its_name() -> None:
    frame = pd.DataFrame({"workspace_id": ["ws-1"], "region": ["us-east-1"], "team": [7],
                          "compute_type": ["VALUE"], "running_mode": ["ALWAYS_ON"],
                          "tags": ['{"team": "a"}']})
    assert tags(check_workspaces(frame, tag_columns=["team"])) == [{"team": "7"}]
    assert tags(check_workspaces(frame)) == [{"team": "a"}]


def test_awss_name_of_a_column_is_the_tags_name(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(f"{HEAD},BundleId\n{FIRST},wsb-1\n")
    with pytest.warns(UserWarning, match="BundleId as bundle_id"):
        table = read_workspaces(tmp_path / "w.csv", tag_columns=["BundleId"])
    assert tags(table) == [{"BundleId": "wsb-1"}] and table["bundle_id"].tolist() == ["wsb-1"]


def test_a_column_that_is_not_there_is_refused_with_what_is_close(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(WITH_TEAMS)
    with pytest.raises(InputError, match=r"no column CostCenter\. .*did you mean Cost Center\?"):
        read_workspaces(tmp_path / "w.csv", tag_columns=["CostCenter"])
    with pytest.raises(InputError, match="it has workspace_id, region"):
        read_workspaces(tmp_path / "w.csv", tag_columns=["zzz"])


def test_commands_narrow_and_group_by_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "workspaces.csv").write_text(WITH_TEAMS)
    assert main([*simulate("--tag-column", "Cost Center", "--tag", "Cost Center=4711")]) == 0
    assert pd.read_csv(folder / "charges.csv")["workspace_id"].unique().tolist() == ["ws-1"]
    assert "--tag-column 'Cost Center'" in capsys.readouterr().err
    fleet = ["--sessions", "sessions.csv", "--workspaces", "workspaces.csv"]
    assert main(["budget", *fleet, "--tag-column", "Cost Center", "--tag-column", "user_name",
                 "--by-tag", "user_name", "--output", "budget.csv"]) == 0
    assert {"ada", "ben"} <= set(" ".join(map(str, pd.read_csv(
        folder / "budget.csv").to_numpy().ravel())).split())
    capsys.readouterr()
    assert main([*simulate("--tag-column", "team")]) == 2
    assert "there is no column team" in capsys.readouterr().err
    assert main(["recommend", "--store", "fleet", "--tag-column", "team",
                 "--output", "p.json"]) == 2
    assert "--tag-column is given with --store" in capsys.readouterr().err
