"""The forecast policy, what it rests on, and the promises of recommendations held to what came."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.build import ME, at, book, fleet_sessions, window, workspaces
from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.backtesting.policies.catalog import policy_named
from wsanalytics.backtesting.policies.forecast import Forecast
from wsanalytics.backtesting.policies.rule import Choice
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.forecasting.change_points import changed_since
from wsanalytics.forecasting.neighbours import (
    HORIZONS,
    NeighbourForecast,
    SituationIndex,
    UsagePast,
    weekdays,
)
from wsanalytics.forecasting.scenarios import scenarios_of
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions as sessions_of
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import built_in_prices
from wsanalytics.recommendations.analysis import analyse
from wsanalytics.recommendations.budget import forecast_spend
from wsanalytics.recommendations.calibration import calibrate, calibration_table, coverage
from wsanalytics.tables.csv_parquet import write_table
from wsanalytics.tables.observed import SESSIONS, WORKSPACES
from wsanalytics.timeline import Window

LEARNT = datetime(2025, 7, 1, tzinfo=UTC)
JUDGED = window("2025-10-01", "2026-04-01")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def fleet() -> tuple[pd.DataFrame, pd.DataFrame]:
    """80 people over nine months; none of the fleets of docs/decisions.md."""
    whole = Window(LEARNT, JUDGED.end)
    people = make_people(80, seed=77, window=whole)
    return sessions_of(people, whole), make_workspaces(people, seed=77, window=whole)


@pytest.fixture(scope="module")
def played(fleet: tuple[pd.DataFrame, pd.DataFrame]) -> Backtest:
    policies = ["hold", "always_on", "auto_stop:60", "cost_optimizer", "forecast", "informed",
                "clairvoyant"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return backtest(fleet[0], policies, workspaces=fleet[1], prices=built_in_prices(),
                        window=JUDGED)


def test_the_forecast_costs_no_more_than_what_people_do_today(played: Backtest) -> None:
    usd = played.totals.set_index("policy")["total_usd"]
    for other in ("hold", "always_on", "auto_stop:60", "cost_optimizer"):
        assert usd["forecast"] <= usd[other], other
    regret = played.totals.set_index("policy")["regret_usd"]
    assert regret["forecast"] <= 0.65 * regret["cost_optimizer"]
    assert regret["clairvoyant"] == 0 <= regret["informed"]


def test_the_forecast_does_not_flap(played: Backtest) -> None:
    """No WorkSpace changes its setting more than about once in two months, on average."""
    mine = played.decisions[played.decisions["policy"] == "forecast"]
    assert len(mine) / 78 / 6 < 0.5
    assert mine["at"].is_monotonic_increasing is False  # by WorkSpace, then time
    again = mine.groupby("workspace_id").size()
    assert again.max() <= 12


def used(days: int, hours: list[float], start: date = date(2025, 9, 1)) -> pd.DataFrame:
    """One person's sessions from 09:00 UTC on, of so many hours on each weekday."""
    pairs = []
    for n in range(days):
        day = start + timedelta(days=n)
        if hours[day.weekday()]:
            came = at(f"{day} 09:00")
            pairs.append((came, came + hours[day.weekday()] * HOUR))
    return fleet_sessions({ME: pairs})


@pytest.mark.parametrize(("hours", "mode"), [(7, "ALWAYS_ON"), (1, "AUTO_STOP:60")])
def test_steady_people_get_the_cheaper_mode_at_once(hours: float, mode: str) -> None:
    """Five days of 8 or 2 billed hours, against a break-even of 84 hours a month."""
    sessions = used(120, [hours] * 5 + [0, 0])
    found = backtest(sessions, ["forecast", "clairvoyant"], workspaces=workspaces(), prices=book(),
                     window=window("2025-11-01", "2026-01-01"))
    decisions = found.decisions[found.decisions["policy"] == "forecast"]
    assert decisions["to_setting"].tolist() == ([mode] if mode == "ALWAYS_ON" else [])
    assert set(decisions["at"]) <= {at("2025-11-01")}
    assert found.totals["total_usd"].nunique() == 1  # as cheap as hindsight


@pytest.mark.parametrize("columns", [
    {}, {"running_mode": "ALWAYS_ON", "auto_stop_minutes": None}], ids=["AUTO_STOP", "ALWAYS_ON"])
def test_without_anything_seen_nothing_changes(columns: dict[str, object]) -> None:
    sessions = used(120, [0.5] * 5 + [0, 0])
    found = backtest(sessions, ["forecast", "hold"], workspaces=workspaces(**columns),
                     prices=book(), window=window("2025-09-01", "2025-10-01"))
    usd = found.totals.set_index("policy")["total_usd"]
    assert usd["forecast"] == usd["hold"]


def test_sunk_hours_do_not_count() -> None:
    """90 hours by the 20th and then nothing: the tool pays the flat fee on top, we do not."""
    pairs = [(at(f"2025-11-{day:02} 06:00"), at(f"2025-11-{day:02} 20:00"))
             for day in range(15, 21)]
    history = used(60, [1, 1, 1, 1, 1, 0, 0])
    sessions = pd.concat([history, fleet_sessions({ME: pairs})], ignore_index=True)
    found = backtest(sessions, ["forecast", "cost_optimizer"], workspaces=workspaces(),
                     prices=book(), window=window("2025-11-15", "2025-12-01"))
    decided = found.decisions.groupby("policy")["to_setting"].agg(list)
    assert decided["cost_optimizer"] == ["ALWAYS_ON"]


def test_a_wait_that_is_worth_something_takes_a_longer_timeout() -> None:
    """Three visits a day with gaps of 90 minutes: longer timeouts bill more and wait less."""
    pairs = []
    for n in range(90):
        day = at("2025-09-01") + timedelta(days=n)
        pairs += [(day + (9 + 2 * k) * HOUR, day + (9.5 + 2 * k) * HOUR) for k in range(3)]
    sessions = fleet_sessions({ME: pairs})

    def timeout(policy: str) -> str:
        found = backtest(sessions, [policy], workspaces=workspaces(auto_stop_minutes=120),
                         prices=book(monthly=500), window=window("2025-11-10", "2025-11-12"))
        decisions = found.decisions["to_setting"].tolist()
        return str(decisions[-1]) if decisions else "AUTO_STOP:120"

    assert timeout("forecast") == "AUTO_STOP:60"
    assert timeout("forecast:wait_usd=5") == "AUTO_STOP:120"


def test_a_decision_depends_on_the_past_and_not_on_when_one_was_asked(
    fleet: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """Asked for the first time on some day, the rule decides as one that lived through all days."""
    lived, compared = Forecast(), []

    def both(seen: Seen) -> Choice:
        chosen = lived.decide(seen)
        if seen.now.day in {1, 4, 20} or seen.today in range(3, 9):
            assert np.array_equal(chosen, Forecast().decide(seen)), seen.now
            compared.append(seen.now)
        return chosen

    for start, end, days in (("2025-07-01", "2025-07-10", 7), ("2025-10-01", "2026-01-21", 12)):
        compared.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            backtest(fleet[0], [both], workspaces=fleet[1], prices=built_in_prices(),
                     window=window(start, end))
        assert len(compared) == days


def test_who_was_never_used_gets_the_timeout_of_most_and_not_the_longest() -> None:
    """Two ALWAYS_ON; the second is used from 7 April on, for an hour and a half each weekday.

    In AUTO_STOP:60 his 18 days bill three hours each: 54 h x $0.30 + $9.75 = $25.95. In
    AUTO_STOP:240, which costs as little as long as nobody comes, they would bill six.
    """
    one = [(at(f"{day:%Y-%m-%d} 09:00"), at(f"{day:%Y-%m-%d} 10:00"))
           for day in pd.date_range("2026-01-01", "2026-04-30", freq="B")]
    other = [(at(f"{day:%Y-%m-%d} 09:00"), at(f"{day:%Y-%m-%d} 10:30"))
             for day in pd.date_range("2026-04-07", "2026-04-30", freq="B")]
    found = backtest(
        fleet_sessions({"ws-one": one, "ws-two": other}), ["forecast"], prices=book(),
        workspaces=workspaces("ws-one", "ws-two", running_mode="ALWAYS_ON",
                              auto_stop_minutes=None),
        window=window("2026-04-01", "2026-05-01"))
    second = found.outcomes[found.outcomes["workspace_id"] == "ws-two"]
    assert second["billed_hours"].sum() == 54
    assert second["total_usd"].sum() == pytest.approx(9.75 + 54 * 0.30)
    opened = found.decisions.groupby("workspace_id")["to_setting"].first().to_dict()
    assert opened == {"ws-one": "AUTO_STOP:60", "ws-two": "AUTO_STOP:60"}


def test_who_has_no_price_is_no_case_for_a_timeout() -> None:
    """Of the only one that is used nothing is known of what its hours cost."""
    fleet = pd.concat([
        workspaces(ME, compute_type="GRAPHICS_G6_XLARGE"),
        workspaces("ws-unused", running_mode="ALWAYS_ON", auto_stop_minutes=None)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = backtest(used(90, [8] * 5 + [0, 0]), ["forecast"], prices=book(),
                         workspaces=fleet, window=window("2025-11-01", "2025-12-01"))
    assert found.decisions["to_setting"].tolist() == ["AUTO_STOP:60"]


def test_of_a_fleet_that_nobody_uses_all_get_an_hour() -> None:
    unused = fleet_sessions({ME: [("2026-01-01 09:00", "2026-01-01 10:00")]})
    found = backtest(unused, ["forecast"], prices=book(), workspaces=workspaces(
        ME, "ws-other", running_mode="ALWAYS_ON", auto_stop_minutes=None),
        window=window("2026-06-01", "2026-07-01"))
    assert set(found.decisions["to_setting"]) == {"AUTO_STOP:60"}


@pytest.mark.parametrize("text", ["forecast:wait_usd=-1", "forecast:patience=3",
                                  "forecast:margin_usd=much"])
def test_parameters_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="forecast"):
        policy_named(text)


def past_of(rows: list[list[float]], born: list[int] | None = None) -> UsagePast:
    hours = np.array(rows, dtype=float)
    first = np.array(born or [0] * len(rows), dtype=np.int64)
    never = np.full(len(rows), np.iinfo(np.int64).max)
    monday = 4 * 86_400_000_000  # 1970-01-05
    return UsagePast(hours, weekdays(monday, hours.shape[1]), first, never)


def office(days: int, hours: float = 8) -> list[float]:
    return [hours if day % 7 < 5 else 0.0 for day in range(days)]


def test_an_outlook_knows_the_week() -> None:
    outlook = NeighbourForecast(
        SituationIndex(past_of([office(140)] * 4)), past_of([office(140)] * 4), np.arange(4)
    )
    assert outlook.week[0, :5] == pytest.approx(8, rel=0.02)
    assert outlook.week[0, 5:] == pytest.approx(0, abs=0.01)
    assert outlook.share(31) == pytest.approx(1, rel=0.02)
    assert outlook.usual_hours(14)[0] == pytest.approx(80, rel=0.02)
    assert list(HORIZONS) == sorted(HORIZONS)


def test_whoever_left_is_expected_to_stay_away_for_a_while() -> None:
    """Half of the fleet works five weeks and is away for five, in turns; the other half stays."""
    rows = [office(210) if n % 2 else
            [hours if (day + 14 * n) % 70 < 35 else 0.0 for day, hours in enumerate(office(210))]
            for n in range(30)]
    past = past_of(rows)
    share = NeighbourForecast(SituationIndex(past), past, np.arange(30)).share(14)
    just_left = [n for n in range(0, 30, 2) if 35 + 14 <= (209 + 14 * n) % 70 < 35 + 21]
    assert share[1::2].min() > 0.8
    assert just_left and share[just_left].max() < 0.5


def test_what_is_foreseen_does_not_depend_on_the_order_of_the_fleet() -> None:
    rng = np.random.default_rng(3)
    rows = [[hours * rng.uniform(0.5, 1.5) for hours in office(100)] for _ in range(12)]
    there = past_of(rows)
    back = past_of(rows[::-1])
    one = NeighbourForecast(SituationIndex(there), there, np.arange(12)).share(20)
    other = NeighbourForecast(SituationIndex(back), back, np.arange(12)).share(20)
    assert one == pytest.approx(other[::-1])


@pytest.mark.parametrize(("weeks", "expected"), [
    ([8] * 12 + [2] * 6, 6), ([8] * 12 + [0] * 6, 6), ([0] * 12 + [8] * 6, 6),
    ([8] * 18, 0), ([8] * 15 + [0] * 3, 0), ([8] * 7 + [0, 0] + [8] * 9, 0), ([8, 0] * 9, 0),
])
def test_changes_of_use_are_found_and_vacations_are_none(
    weeks: list[float], expected: int
) -> None:
    rng = np.random.default_rng(0)
    row = [hours * rng.uniform(0.8, 1.2) if day % 7 < 5 else 0.0
           for day, hours in enumerate(np.repeat(weeks, 7))]
    assert changed_since(past_of([row])).tolist() == [expected]


def test_who_is_gone_may_come_back() -> None:
    """Ten were away for seven weeks and came back; the eleventh has been away for seven now."""
    rows = [[hours * (not 40 + 7 * n <= day < 89 + 7 * n) for day, hours in enumerate(office(210))]
            for n in range(10)]
    past = past_of([*rows, [hours * (day < 161) for day, hours in enumerate(office(210))]])
    found = scenarios_of(past, ahead_days=45)
    assert found.inactive.tolist() == [False] * 10 + [True]
    assert found.counted_days[-1] == 49
    assert found.quantile(0.1)[-1] == 0 and found.quantile(0.9)[-1] > 0.3


def test_unseen_days_are_no_days_off() -> None:
    """A full-time desktop of which nobody looked at the last three weeks: the flat fee stays."""
    sessions = used(77, [9, 9, 9, 9, 9, 0, 0])
    when = window("2025-09-01", "2025-12-08")
    gaps = pd.DataFrame({"workspace_id": [ME], "from_at": [at("2025-11-16")],
                         "to_at": [at("2025-12-08")]})
    analysis = analyse(sessions, workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None),
                       window=when, prices=book(), gaps=gaps, now=at("2025-12-08"))
    assert analysis.comparison["counted_from"].isna().all()
    assert analysis.plan.changes.empty
    hourly = analyse(sessions, workspaces(), window=when, prices=book(), gaps=gaps,
                     now=at("2025-12-08"))
    assert hourly.plan.changes["to_setting"].tolist() == ["ALWAYS_ON"]


def test_who_is_created_later_changes_no_earlier_decision() -> None:
    """So many that the memory is a sample: it may not be drawn from those still to come."""
    whole = Window(LEARNT, window("2025-09-20", "2025-10-20").end)
    people = make_people(330, seed=9, window=whole)
    sessions, fleet = sessions_of(people, whole), make_workspaces(people, seed=9, window=whole)
    late = fleet.iloc[:1].assign(workspace_id="ws-000later", created_at=pd.Timestamp(
        "2025-10-15", tz="UTC"), terminated_at=pd.NaT)
    late["terminated_at"] = fleet["terminated_at"].iloc[:1].mask(lambda column: column.notna())
    both = pd.concat([fleet, late], ignore_index=True)
    result = []
    for one in (fleet, both):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = backtest(sessions, ["forecast"], workspaces=one, prices=built_in_prices(),
                             window=window("2025-09-20", "2025-10-20"))
        early = found.decisions[found.decisions["at"] < pd.Timestamp("2025-10-15", tz="UTC")]
        result.append(early.reset_index(drop=True))
    pd.testing.assert_frame_equal(*result)
    assert len(result[0]) > 50


def test_paces_of_the_steady_are_near_one_and_of_the_unsteady_wide() -> None:
    steady = office(126)
    unsteady = [hours * (day // 21 % 2) for day, hours in enumerate(steady)]
    found = scenarios_of(past_of([steady, unsteady]), ahead_days=45)
    low, high = found.quantile(0.1), found.quantile(0.9)
    assert 0.9 < low[0] <= high[0] < 1.1
    assert low[1] < 0.9 and high[1] > 1.1
    assert (np.diff(found.usage_ratios, axis=1) >= 0).all() and (found.usage_ratios >= 0).all()


def test_intervals_hold_what_comes_in_four_cases_of_five(
    fleet: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """Six months of decisions about people who are none of those that it was tuned with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = calibrate(fleet[0], workspaces=fleet[1], prices=built_in_prices(), window=JUDGED,
                          policy=None)
    shares = coverage(found)
    assert shares["decisions"] > 300
    assert 0.72 <= shares["covered"] <= 0.88
    assert abs(shares["lost"] - shares["predicted_loss"]) < 0.04
    sure = found[found["chance_of_loss"] <= 0.05]
    assert (sure["came_usd_per_month"] < -0.005).mean() <= 0.06
    groups = calibration_table(found)
    assert groups["decisions"].sum() == len(found)
    feared = groups[groups["decisions"] >= 15]["lost"]
    assert feared.is_monotonic_increasing or feared.diff().min() > -0.1


def test_promises_hold_for_the_changes_that_are_proposed(
    fleet: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """Changes are proposed because they look good; what is promised must come all the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = calibrate(fleet[0], workspaces=fleet[1], prices=built_in_prices(), window=JUDGED)
    shares = coverage(found)
    assert shares["decisions"] > 100
    assert (found["from_setting"] != found["to_setting"]).all()
    assert 0.7 <= shares["covered"] <= 0.9
    assert abs(shares["lost"] - shares["predicted_loss"]) < 0.04
    promised, came = (found[name].sum() for name in ("saving_usd_per_month", "came_usd_per_month"))
    assert came == pytest.approx(promised, rel=0.06)


@pytest.fixture(scope="module")
def files(
    fleet: tuple[pd.DataFrame, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    folder = tmp_path_factory.mktemp("fleet")
    write_table(fleet[0], folder / "sessions.parquet", SESSIONS)
    write_table(fleet[1], folder / "workspaces.parquet", WORKSPACES)
    return ["--sessions", str(folder / "sessions.parquet"), "--workspaces",
            str(folder / "workspaces.parquet"), "--start", "2025-10-01", "--end", "2026-02-11"]


def test_a_budget_adds_up_and_the_plan_costs_less(
    fleet: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analysis = analyse(fleet[0], fleet[1], window=window("2025-10-01", "2026-02-11"),
                           prices=built_in_prices(), now=at("2026-02-11 08:00"))
    spend = forecast_spend(analysis, tags=["team"])
    assert sorted(set(spend["month"])) == ["2026-02", "2026-03"]
    whole = spend[spend["part"] == "fleet"].set_index(["month", "under"])["expected_usd"]
    for part in ("directory", "tag team"):
        parts = spend[spend["part"] == part].groupby(["month", "under"])["expected_usd"].sum()
        assert parts.to_dict() == pytest.approx(whole.to_dict())
    assert whole["2026-03", "plan"] < whole["2026-03", "present"]
    assert (spend["low_usd"] <= spend["expected_usd"]).all()
    assert (spend["expected_usd"] <= spend["high_usd"]).all()


def test_a_budget_of_steady_people_is_their_bill() -> None:
    """Eight weeks at four billed hours a day, every day; half of February has passed."""
    sessions = used(59, [3.0] * 7, start=date(2025, 12, 18))
    analysis = analyse(sessions, workspaces(), window=window("2025-12-18", "2026-02-15"),
                       prices=book(), now=at("2026-02-15 08:00"))
    spend = forecast_spend(analysis).query("part == 'fleet' and under == 'present'")
    february, march = spend["expected_usd"]
    assert february == pytest.approx(9.75 + 28 * 4 * 0.30, rel=0.01)
    # Who is alone and has never been away may be away all the same: the levels' prior.
    assert march == pytest.approx(9.75 + 31 * 4 * 0.30, rel=0.02)


def test_who_is_gone_may_come_back_in_a_budget() -> None:
    """Ten had seven weeks off and came back; the eleventh has seven now. He may cost hours."""
    start = at("2025-09-01")
    pairs = {f"ws-{n:02}": [
        (start + timedelta(days=day) + 9 * HOUR, start + timedelta(days=day) + 17 * HOUR)
        for day in range(210)
        if day % 7 < 5 and (day < 161 if n == 10 else not 40 + 7 * n <= day < 89 + 7 * n)]
        for n in range(11)}
    fleet = workspaces(*pairs, directory_id="d-all")
    fleet.loc[fleet["workspace_id"] == "ws-10", "directory_id"] = "d-gone"
    analysis = analyse(fleet_sessions(pairs), fleet, prices=book(),
                       window=Window(start, start + timedelta(days=210)))  # to 30 March
    mine = analysis.comparison.query("workspace_id == 'ws-10' and setting == 'AUTO_STOP:60'")
    assert mine["billed_hours_per_month"].item() == 0
    spend = forecast_spend(analysis)
    his = spend.query("name == 'd-gone' and under == 'present'").set_index("month")
    assert his.loc["2026-04", "low_usd"] == pytest.approx(9.75)
    assert his.loc["2026-04", "high_usd"] > 9.75 + 20


def test_the_command_prints_and_writes_a_budget(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "budget.csv"
    assert main(["budget", *files, "--by-tag", "team", "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert re.match(r"2026-02: \$[\d,]+ as it is, \$[\d,]+ by the plan; 2026-03: ", said)
    assert "2026-02" in said and "by the plan" in said and "tag team" in said
    assert main(["budget", *files, "--by-tag", "taem"]) == 2
    assert "no WorkSpace has a tag 'taem'" in capsys.readouterr().err
    frame = pd.read_csv(output)
    assert list(frame.columns) == ["part", "name", "month", "under", "workspaces", "expected_usd",
                                   "low_usd", "high_usd"]
    assert main(["budget", *files, "--output", str(tmp_path / "none" / "b.csv")]) == 2
