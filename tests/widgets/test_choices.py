"""What may be proposed, and what is taken off the prices, as the command line tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from wsanalytics.cli import main

SESSIONS = "workspace_id,connected_at,disconnected_at\n" + "".join(
    f"ws-000000001,2026-03-{day:02d}T09:00:00Z,2026-03-{day:02d}T10:00:00Z\n"
    for day in range(1, 32))
WORKSPACES = """workspace_id,region,compute_type,running_mode,auto_stop_minutes,user_name,account_id
ws-000000001,us-east-1,STANDARD,ALWAYS_ON,,ada,000011112222
ws-000000002,us-east-1,STANDARD,AUTO_STOP,240,bob,000011112222
"""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that name the files of a fleet of two."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sessions.csv").write_text(SESSIONS)
    (tmp_path / "workspaces.csv").write_text(WORKSPACES)
    return ["--sessions", "sessions.csv", "--workspaces", "workspaces.csv",
            "--start", "2026-03-01", "--end", "2026-04-01"]


def recommended(fleet: list[str], *more: str) -> dict[str, Any]:
    assert main(["recommend", *fleet, "--output", "plan.json", *more]) == 0
    assert main(["plan", "check", "plan.json"]) == 0
    plan: dict[str, Any] = json.loads(Path("plan.json").read_text())
    return plan


def test_a_plan_says_from_which_data_it_was_made(fleet: list[str]) -> None:
    plan = recommended(fleet, "--max-cold-starts-per-week", "8", "--min-saving-usd", "0.5",
                       "--maintenance-hours", "2", "--discount", "0.12")
    assert plan["data"] == {
        "from_at": "2026-03-01T00:00:00Z", "to_at": "2026-04-01T00:00:00Z", "workspaces": 2,
        "sessions": 31, "source": "sessions.csv, workspaces.csv", "discount": pytest.approx(0.12),
        "maintenance_hours": 2, "min_saving_usd": 0.5, "max_cold_starts_per_week": 8,
        "min_chance_of_saving": 0.0, "policy": "forecast"}
    (change,) = plan["changes"]
    assert (change["user_name"], change["account_id"], change["region"]) == (
        "ada", "000011112222", "us-east-1")
    assert change["apply_by"] == f"{change['best_date']}T21:59:00Z"
    assert change["checked"] == [
        "decided by forecast", "31 days observed", "chance of a loss: 0 %",
        "at least $0.50 a month", "7 cold starts a week, at most 8"]


@pytest.mark.parametrize(("more", "minutes"), [
    ((), 60), (("--timeout", "120", "240"), 120), (("--timeout", "120", "--timeout", "60"), 60),
    (("--setting", "AUTO_STOP:240"), 240)])
def test_timeouts_that_may_be_proposed(
    fleet: list[str], more: tuple[str, ...], minutes: int
) -> None:
    # A timeout of 60 bills 2 hours a day, 120 bills 3 and 240 bills 5: all under the flat fee
    # less what an AUTO_STOP WorkSpace of these prices pays, once hours are cheap enough.
    prices = "us-east-1,STANDARD,WINDOWS,included,80,50,{},{},{},mine,2026-01-01\n"
    Path("prices.csv").write_text(
        "region,compute_type,operating_system,license,root_gib,user_gib,running_mode,"
        "monthly_usd,hourly_usd,source,effective_date\n" + prices.format("ALWAYS_ON", 100, 0)
        + prices.format("AUTO_STOP", 10, 0.1))
    plan = recommended(fleet, "--prices", "prices.csv", *more)
    to = {one["workspace_id"]: one["to"]["auto_stop_minutes"] for one in plan["changes"]}
    assert to["ws-000000001"] == minutes


def test_always_on_is_beside_the_timeouts(fleet: list[str]) -> None:
    busy = SESSIONS.replace("T10:", "T21:").replace("ws-000000001", "ws-000000002")
    Path("sessions.csv").write_text(busy)
    plan = recommended(fleet, "--timeout", "240")
    to = {one["workspace_id"]: one["to"]["running_mode"] for one in plan["changes"]}
    assert to == {"ws-000000001": "AUTO_STOP", "ws-000000002": "ALWAYS_ON"}


def test_a_discount_makes_savings_and_charges_smaller(
    fleet: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    whole, less = recommended(fleet), recommended(fleet, "--discount", "0.12")
    for name in ("saving_usd_per_month", "saving_low_usd", "saving_high_usd"):
        assert less["changes"][0][name] == pytest.approx(0.88 * whole["changes"][0][name])
    assert whole["changes"][0]["saving_usd_per_month"] == pytest.approx(
        35 - 9.75 - 62 * 0.30, abs=0.2)
    bills = []
    for share in ("0", "0.12"):
        capsys.readouterr()
        assert main(["simulate", *fleet, "--setting", "AUTO_STOP:60", "--discount", share,
                     "--output", "charges.csv"]) == 0
        bills.append(pd.read_csv("charges.csv")["total_usd"].sum())
    assert bills[1] == pytest.approx(0.88 * bills[0])
    assert "less a discount of 12 %" in capsys.readouterr().out


@pytest.mark.usefixtures("undrawn")
def test_a_report_says_what_was_taken_off(fleet: list[str]) -> None:
    assert main(["report", *fleet, "--discount", "0.12", "--output", "report.html"]) == 0
    page = Path("report.html").read_text()
    assert "less a discount of 12 %" in page and "list prices less 12 % of" in page
    assert "discounts and taxes are not included" not in page and "taxes are not included" in page
