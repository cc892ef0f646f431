"""One question about a fleet has one answer, whoever is asked."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.build import sample
from wsanalytics.cli import main
from wsanalytics.formatting import round_parts, usd
from wsanalytics.recommendations.analysis import Analysis, analyse_history
from wsanalytics.sessions.find import find_sessions
from wsanalytics.tradeoffs.frontier import frontier
from wsanalytics.tradeoffs.what_if import what_if
from wsanalytics.views.costs import cost_by, fleet_costs

pytestmark = [pytest.mark.filterwarnings(f"ignore::wsanalytics.errors.{name}")
              for name in ("NotBilledWarning", "UnpricedWarning")]


@pytest.fixture(scope="module")
def analysis() -> Iterator[Analysis]:
    """The sample fleet, in which the use of some has changed for good."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who has no price, and who is not simulated
        found = analyse_history(sample())
        assert found.comparison["counted_from"].notna().any()
        yield found


@pytest.fixture(scope="module")
def today(analysis: Analysis) -> float:
    return float(fleet_costs(analysis.comparison, analysis.plan).set_index("option").loc[
        "today", "total_usd"])


def test_what_the_fleet_costs_today_is_the_same_everywhere(
    analysis: Analysis, today: float
) -> None:
    groups = cost_by(analysis.comparison, analysis.plan, analysis.workspaces)
    assert groups["today_usd"].sum() == pytest.approx(today)
    played = frontier(
        analysis.replay.sessions, analysis.workspaces, window=analysis.window,
        prices=analysis.prices, policies=[], gaps=analysis.gaps, commands=analysis.commands)
    options = played.fleet_options.set_index("option")
    assert options.loc["today", "usd_per_month"] == pytest.approx(today, abs=0.005)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asked = [what_if(analysis).answer(), what_if(sample()).answer()]
    for answer in asked:
        assert answer.choice.present_usd == pytest.approx(today, abs=0.005)
        assert "only since" in answer.note
    assert "only since" in played.counted
    present = analysis.comparison[
        analysis.comparison["setting"].astype("str") == analysis.comparison["baseline"]]
    waits = fleet_costs(analysis.comparison, analysis.plan).iloc[0]["cold_starts_per_week"]
    assert options.loc["today", "cold_starts_per_week"] == pytest.approx(waits)
    assert len(present) == present["workspace_id"].nunique()


def test_every_setting_for_all_costs_the_same_in_report_frontier_and_what_if(
    analysis: Analysis
) -> None:
    costs = fleet_costs(analysis.comparison, analysis.plan).set_index("option")["total_usd"]
    played = frontier(
        analysis.replay.sessions, analysis.workspaces, window=analysis.window,
        prices=analysis.prices, policies=[], gaps=analysis.gaps, commands=analysis.commands)
    options = played.fleet_options.set_index("option")["usd_per_month"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asked = what_if(analysis).answer().costs.set_index("option")["total_usd"]
    for name in ("all ALWAYS_ON", "all AUTO_STOP:60", "all AUTO_STOP:240"):
        assert options[name] == pytest.approx(costs[name], abs=0.005)
        assert asked[name] == pytest.approx(costs[name], abs=0.005)


def test_what_the_plan_saves_is_the_difference_of_what_is_shown_beside_it(
    analysis: Analysis, today: float
) -> None:
    costs = fleet_costs(analysis.comparison, analysis.plan).set_index("option")["total_usd"]
    saving = analysis.plan.saving_usd_per_month
    assert saving == pytest.approx(today - costs["the plan"])
    groups = cost_by(analysis.comparison, analysis.plan, analysis.workspaces)
    assert groups["saving_usd"].sum() == pytest.approx(saving)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("one")
    history = sample()
    find_sessions(history).to_parquet(folder / "sessions.parquet")
    history.workspaces.to_parquet(folder / "workspaces.parquet")
    return ("--sessions", str(folder / "sessions.parquet"),
            "--workspaces", str(folder / "workspaces.parquet"))


@pytest.mark.usefixtures("undrawn")
def test_the_terminal_the_report_the_plan_and_the_page_read_the_same(
    files: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> str:
        assert main([*arguments, *files]) == 0
        return capsys.readouterr().out

    plan = tmp_path / "plan.json"
    told = run("recommend", "--output", str(plan))
    document = json.loads(plan.read_text(encoding="utf-8"))
    changes = {change["workspace_id"]: change for change in document["changes"]}
    total = usd(sum(change["saving_usd_per_month"] for change in changes.values()))
    assert total in told
    assert main(["plan", "show", str(plan)]) == 0
    shown = capsys.readouterr().out
    assert total in shown
    page_at = tmp_path / "report.html"
    report = run("report", "--output", str(page_at))
    page = page_at.read_text(encoding="utf-8")
    for name, change in list(changes.items())[:10]:
        amount = usd(change["saving_usd_per_month"])
        for text in (told, shown):
            line = next(line for line in text.splitlines() if name in line)
            assert amount in line
        assert amount in page
    today = re.search(r"today +(\$[\d,.]+) ", report)
    assert today is not None
    tradeoff = run("frontier", "--settings-only", "--output", str(tmp_path / "f.csv"))
    assert today[1].split(".")[0] in tradeoff
    budget = run("budget", "--output", str(tmp_path / "b.csv"))
    assert f"what an average month costs today, {today[1]}" in " ".join(budget.split())


@given(st.lists(st.integers(-10**9, 10**9).map(lambda n: n / 1000), max_size=40))
def test_rounding_moves_no_amount_by_a_cent(parts: list[float]) -> None:
    rounded = round_parts(parts)
    exact = [Decimal(repr(part)) for part in parts]
    for shown, part in zip(rounded, exact, strict=True):
        assert abs(Decimal(repr(shown)) - part) < Decimal("0.01")
    total = sum((Decimal(repr(shown)) for shown in rounded), Decimal())
    assert abs(total - sum(exact, Decimal())) <= Decimal("0.005")


def test_many_small_amounts_do_not_fall_on_the_largest() -> None:
    assert round_parts([10.0] + [1.004] * 1000)[0] == 10.0
