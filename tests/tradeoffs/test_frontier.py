"""Dollars against waiting: held against every combination of options, and against each rule."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsanalytics as ws
from tests.helpers.build import ME, at, book, fleet_sessions, month, sessions, window, workspaces
from wsanalytics.backtesting.backtest import backtest
from wsanalytics.billing.bill import bill
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.history.checks import check_workspaces
from wsanalytics.history.history import configured
from wsanalytics.recommendations.compare import compare
from wsanalytics.recommendations.monthly_use import life_of
from wsanalytics.settings import setting_grid
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.results import FLEET_FRONTIER, FRONTIER
from wsanalytics.tradeoffs.efficient import FleetOptions, best, efficient, mixtures
from wsanalytics.tradeoffs.frontier import Frontier, frontier

FEBRUARY = month("2026-02")
IDLE = "stop_when_idle:minutes=15"


def days(first: int, final: int, *spans: tuple[float, float]) -> list[tuple[Any, Any]]:
    """Sessions in February 2026: on each day, from one hour of the day to another."""
    return [(at("2026-02-01") + timedelta(days=day - 1, hours=start),
             at("2026-02-01") + timedelta(days=day - 1, hours=end))
            for day in range(first, final + 1) for start, end in spans]


BY_ID = {
    "ws-busy": days(1, 28, (0, 12), (14, 24)),  # too many hours for AUTO_STOP
    "ws-calls": days(1, 20, (9, 9.5), (10.75, 11), (12.5, 13), (15, 15.25)),
    "ws-office": days(2, 24, (8, 12), (13.5, 17)),
    "ws-rare": days(5, 6, (10, 11)),
}
MODES = {"ws-busy": ("AUTO_STOP", 60), "ws-calls": ("AUTO_STOP", 240),
         "ws-none": ("AUTO_STOP", 60), "ws-office": ("ALWAYS_ON", None),
         "ws-rare": ("ALWAYS_ON", None)}


def fleet(**columns: Any) -> pd.DataFrame:
    rows = [{"workspace_id": name, "region": "us-east-1", "compute_type": "STANDARD",
             "running_mode": mode, "auto_stop_minutes": minutes} | columns
            for name, (mode, minutes) in MODES.items()]
    return check_workspaces(pd.DataFrame(rows).astype({"auto_stop_minutes": "Int64"}),
                            priced=["STANDARD"])


def found(**more: Any) -> Frontier:
    options = {"window": FEBRUARY, "prices": book(), "policies": [IDLE, f"AUTO_STOP:60+{IDLE}"]}
    return frontier(fleet_sessions(BY_ID), fleet(), **(options | more))


def row(frame: pd.DataFrame, name: str, option: str) -> Any:
    chosen = frame[(frame["workspace_id"] == name) & (frame["option"] == option)]
    assert len(chosen) == 1
    return chosen.iloc[0]


# the arithmetic, against every combination


@st.composite
def small_offers(draw: st.DrawFn) -> FleetOptions:
    """A few WorkSpaces with a few options each, in round numbers so that many are equal."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    numbers = st.lists(st.integers(0, 9), min_size=rows * columns, max_size=rows * columns)
    usd, waits = (np.array(draw(numbers), dtype=float).reshape(rows, columns) for _ in range(2))
    present = np.arange(columns) == np.array(
        draw(st.lists(st.integers(0, columns - 1), min_size=rows, max_size=rows)))[:, None]
    more = np.array(draw(st.lists(st.booleans(), min_size=usd.size, max_size=usd.size)))
    return FleetOptions(usd, waits, 6.5 * waits, present | more.reshape(usd.shape), present)


def combinations(offers: FleetOptions) -> set[tuple[float, float]]:
    """Dollars and waiting minutes of every way to give each WorkSpace one of its options."""
    each = [[(offers.usd[row, k], offers.minutes[row, k]) for k in np.flatnonzero(places)]
            for row, places in enumerate(offers.offered)]
    return {(sum(usd for usd, _ in one), sum(minutes for _, minutes in one))
            for one in product(*each)}


@given(small_offers())
def test_no_combination_lies_below_the_fleets_line(offers: FleetOptions) -> None:
    everything, line = combinations(offers), mixtures(offers)
    corners = list(zip(line.usd, line.minutes, strict=True))
    assert set(corners) <= everything
    cheapest = min(usd for usd, _ in everything)
    assert corners[0] == (cheapest, min(m for usd, m in everything if usd == cheapest))
    fewest = min(minutes for _, minutes in everything)
    assert corners[-1] == (min(usd for usd, m in everything if m == fewest), fewest)
    for (usd, minutes), (more, less), price in zip(
            corners, corners[1:], line.price_usd[1:], strict=False):
        assert more > usd and less < minutes
        assert price == pytest.approx((more - usd) / (minutes - less))
    assert all(low < high for low, high in pairwise(line.price_usd))
    for price in (*line.price_usd, *line.price_usd + 1e-3, 0.37, 100.0):
        least = min(usd + price * minutes for usd, minutes in everything)
        place = np.searchsorted(line.price_usd, price + 1e-9, "right") - 1
        assert line.usd[place] + price * line.minutes[place] == pytest.approx(least)


@given(small_offers(), st.sampled_from([0.0, 0.1, 1.0, 3.7]), st.integers(0, 9))
def test_each_workspace_takes_its_best(offers: FleetOptions, price: float, limit: int) -> None:
    for within in (offers, offers.within(limit)):
        place = best(within, price)
        for number, chosen in enumerate(place):
            options = np.flatnonzero(offers.offered[number])
            kept = [k for k in options if within is offers or offers.waits[number, k] <= limit]
            fewest = offers.waits[number, options].min()
            kept = kept or [k for k in options if offers.waits[number, k] == fewest]
            assert chosen == min(kept, key=lambda k, n=number: (
                round(offers.usd[n, k] + price * offers.minutes[n, k], 6), offers.minutes[n, k],
                not offers.present[n, k], k))
    line, place = mixtures(offers), best(offers, price)
    rows = np.arange(len(place))
    corner = np.searchsorted(line.price_usd, price + 1e-9, "right") - 1
    assert line.usd[corner] == pytest.approx(offers.usd[rows, place].sum())
    assert line.changes[corner] == (~offers.present[rows, place]).sum()


@given(small_offers())
def test_efficient_is_what_nothing_beats(offers: FleetOptions) -> None:
    marks = efficient(offers.usd, offers.waits, offers.offered)
    for number, offered in enumerate(offers.offered):
        for k, mark in enumerate(marks[number]):
            both = list(zip(offers.usd[number], offers.waits[number], strict=True))
            beaten = any(
                both[o][0] <= both[k][0] and both[o][1] <= both[k][1] and both[o] != both[k]
                for o in np.flatnonzero(offered))
            assert mark == (bool(offered[k]) and not beaten)


# a fleet of five


def test_settings_come_from_replay_and_bill_and_policies_from_a_backtest() -> None:
    options, when = found().options, FEBRUARY
    assert list(options) == list(FRONTIER.names)
    outcome = replay(fleet_sessions(BY_ID), setting_grid(), window=when)
    charges = bill(outcome, fleet(), book())
    compared = compare(charges, outcome, fleet(), baseline=configured(fleet()))
    for one in compared.to_dict("records"):
        mine = row(options, one["workspace_id"], one["setting"])
        assert mine["usd_per_month"] == pytest.approx(one["usd_per_month"])
        assert mine["cold_starts_per_week"] == pytest.approx(one["cold_starts_per_week"])
        minutes = 1.5 * 4 * one["cold_starts_per_week"]
        assert mine["waiting_minutes_per_month"] == pytest.approx(minutes)
        assert mine["present"] == (one["setting"] == one["baseline"])
    on_present = backtest(fleet_sessions(BY_ID), [IDLE], workspaces=fleet(), prices=book(),
                          window=when).outcomes
    all_auto = pd.Series("AUTO_STOP:60", index=list(MODES))
    on_auto = backtest(fleet_sessions(BY_ID), [IDLE], workspaces=fleet(), prices=book(),
                       window=when, present=all_auto).outcomes
    for name, played in ((IDLE, on_present), (f"AUTO_STOP:60+{IDLE}", on_auto)):
        for one in played.to_dict("records"):
            mine = row(options, one["workspace_id"], name)
            assert mine["usd_per_month"] == pytest.approx(one["total_usd"])
            assert mine["cold_starts_per_week"] == pytest.approx(one["cold_starts"] / 4)


@pytest.mark.parametrize(("monthly", "corners"), [(35.0, 2), (60.0, 3), (90.0, 6)])
def test_every_combination_of_a_real_fleet(monthly: float, corners: int) -> None:
    whole = found(prices=book(monthly=monthly))
    assert len(whole.fleet_points) >= corners
    priced = whole.options[["workspace_id", "usd_per_month", "cold_starts_per_week",
                            "waiting_minutes_per_month", "option", "present"]]
    each = [list(rows.itertuples(index=False)) for _, rows in priced.groupby("workspace_id")]
    everything = [(sum(o.usd_per_month for o in one), sum(o.waiting_minutes_per_month for o in one),
                   sum(o.cold_starts_per_week for o in one), one) for one in product(*each)]
    assert len(everything) == 6 ** 5
    for point in whole.fleet_points.to_dict("records"):
        price = point["waiting_minute_usd"] + 1e-6
        usd, minutes, waits, _ = min(everything, key=lambda one: one[0] + price * one[1])
        assert point["usd_per_month"] == pytest.approx(usd)
        assert point["waiting_minutes_per_month"] == pytest.approx(minutes)
        assert point["cold_starts_per_week"] == pytest.approx(waits)
    for most, price in product((None, 0, 2, 6.5, 20), (0.0, 0.5, 4.0)):
        allowed = [one for one in everything
                   if most is None or all(o.cold_starts_per_week <= most for o in one[3])]
        usd, minutes, _, _ = min(allowed, key=lambda one: one[0] + (price + 1e-9) * one[1])
        chosen = whole.choose(max_cold_starts_per_week=most, value_of_waiting_minute_usd=price)
        assert chosen.usd_per_month == pytest.approx(usd)
        assert chosen.waiting_minutes_per_month == pytest.approx(minutes)
        taken = chosen.options[chosen.options["chosen"]]
        assert taken["workspace_id"].tolist() == sorted(MODES)
        assert taken["usd_per_month"].sum() == pytest.approx(usd)
        assert chosen.changes == (~taken["present"]).sum() == chosen.by_option.sum() - int(
            taken["present"].sum())
        assert chosen.over_limit == ()


def test_a_story_by_hand() -> None:
    """23 days of 08:00-12:00 and 13:30-17:00 at STANDARD's list prices."""
    options = found(policies=[]).options
    flat, short, long = (row(options, "ws-office", name) for name in (
        "ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120"))
    assert (flat["usd_per_month"], flat["cold_starts_per_week"]) == (35, 0)
    # 08:00-13:00 and 13:30-18:00: 10 clock hours and two waits; 08:00-19:00: 11 and one
    assert short["usd_per_month"] == pytest.approx(9.75 + 23 * 10 * 0.30)
    assert long["usd_per_month"] == pytest.approx(9.75 + 23 * 11 * 0.30)
    assert short["cold_starts_per_week"] == pytest.approx(2 * 23 / 4)
    assert long["waiting_minutes_per_month"] == pytest.approx(1.5 * 23)
    assert flat["efficient"] and not short["efficient"] and not long["efficient"]
    rare, unused = (options[options["workspace_id"] == name] for name in ("ws-rare", "ws-none"))
    assert rare.loc[rare["efficient"], "option"].tolist() == ["ALWAYS_ON", "AUTO_STOP:60"]
    assert unused.loc[unused["efficient"], "option"].tolist() == [
        "AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:240"]
    assert unused.loc[unused["chosen"], "option"].tolist() == ["AUTO_STOP:60"]


def test_only_what_is_asked_for_and_the_present_setting_is_offered() -> None:
    options = found(settings=["AUTO_STOP:120"], policies=[]).options
    assert options[options["workspace_id"] == "ws-office"]["option"].tolist() == [
        "ALWAYS_ON", "AUTO_STOP:120"]
    assert options[options["workspace_id"] == "ws-calls"]["option"].tolist() == [
        "AUTO_STOP:120", "AUTO_STOP:240"]
    held = found(settings=["AUTO_STOP:120"], policies=[]).choose(max_cold_starts_per_week=2)
    assert held.over_limit == ("ws-busy", "ws-calls")
    assert row(held.options, "ws-calls", "AUTO_STOP:240")["chosen"]


def test_the_fleet_in_one_option_and_as_it_is() -> None:
    whole = found(policies=[])
    assert whole.fleet_options["option"].tolist() == [
        "today", "all ALWAYS_ON", "all AUTO_STOP:60", "all AUTO_STOP:120", "all AUTO_STOP:240"]
    table = whole.options
    for one in whole.fleet_options.to_dict("records"):
        mine = table[table["present"] if one["option"] == "today"
                     else table["option"] == one["option"].removeprefix("all ")]
        for name in ("usd_per_month", "cold_starts_per_week", "waiting_minutes_per_month"):
            assert one[name] == pytest.approx(mine[name].sum())
    assert list(whole.fleet_points) == list(FLEET_FRONTIER.names)
    assert whole.choose().present_usd == pytest.approx(whole.fleet_options["usd_per_month"][0])


def test_terminated_and_unpriced_ones_are_shown_but_not_counted() -> None:
    base = fleet()
    base["terminated_at"] = base["terminated_at"].mask(
        base["workspace_id"] == "ws-rare", pd.Timestamp(at("2026-02-20")))
    base["region"] = base["region"].mask(base["workspace_id"] == "ws-busy", "mars-north-1")
    with pytest.warns(UserWarning, match="ws-busy") as told:
        some = frontier(fleet_sessions(BY_ID), base, window=FEBRUARY, prices=book(),
                        policies=[IDLE])
    assert len(told) == 1
    assert (some.workspaces, some.terminated, some.unpriced) == (3, 1, 1)
    lost = some.options[some.options["workspace_id"].isin(["ws-rare", "ws-busy"])]
    assert not lost["chosen"].any()
    busy = lost[lost["workspace_id"] == "ws-busy"]
    assert busy["usd_per_month"].isna().all() and not busy["efficient"].any()
    assert (busy["cold_starts_per_week"].max(), len(busy)) == (7.25, 5)
    chosen = some.choose().options
    assert chosen.loc[chosen["chosen"], "workspace_id"].tolist() == [
        "ws-calls", "ws-none", "ws-office"]


def test_who_was_created_late_is_judged_by_his_own_days() -> None:
    when = window("2026-05-01", "2026-07-01")
    late = workspaces(created_at="2026-06-01 10:00")
    used = sessions(*[(at("2026-06-01 12:00") + timedelta(days=n),
                       at("2026-06-01 15:00") + timedelta(days=n)) for n in range(30)])
    mine = row(frontier(used, late, window=when, prices=book(), policies=[]).options, ME,
               "AUTO_STOP:60")
    assert mine["usd_per_month"] == pytest.approx(9.75 + 30 * 4 * 0.30)
    assert mine["waiting_minutes_per_month"] == pytest.approx(30 * 1.5)
    assert mine["cold_starts_per_week"] == pytest.approx(30 / (61 / 7))
    later = frontier(sessions(), workspaces(created_at="2026-07-02"), window=when, prices=book(),
                     policies=[IDLE])
    assert (later.workspaces, later.absent, later.unpriced) == (0, 1, 0)
    assert later.options["usd_per_month"].isna().all() and not later.options["chosen"].any()
    gone = workspaces(created_at="2026-05-11 10:00", terminated_at="2026-06-16 00:00")
    lived = life_of(gone, pd.Index([ME]), when).months
    assert lived.tolist() == pytest.approx([21 / 31 + 0.5])


def test_a_fleet_of_nobody() -> None:
    manual = workspaces(running_mode="MANUAL", auto_stop_minutes=None)
    with pytest.warns(UserWarning, match="MANUAL"):
        nothing = frontier(sessions(), manual, window=FEBRUARY, prices=book(), policies=[IDLE])
    assert nothing.options.empty and nothing.workspaces == 0
    assert nothing.choose(max_cold_starts_per_week=1).usd_per_month == 0
    assert nothing.fleet_points["usd_per_month"].tolist() == [0]
    assert "0 WorkSpaces" in nothing._repr_html_()


@pytest.mark.parametrize(("options", "message"), [
    ({"policies": ["stop_when_idl"]}, "did you mean stop_when_idle"),
    ({"policies": [f"AUTO_STOP:90+{IDLE}"]}, "is not a setting"),
    ({"settings": ["ALWAYS"]}, "is not a setting"),
    ({"wait_minutes": 0}, "wait_minutes is 0"),
    ({"wait_minutes": float("nan")}, "wait_minutes is nan")])
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        found(**options)
    with pytest.raises(InputError, match="max_cold_starts_per_week is -1"):
        found(policies=[]).choose(max_cold_starts_per_week=-1)
    with pytest.raises(InputError, match="value_of_waiting_minute_usd is inf"):
        found(policies=[]).choose(value_of_waiting_minute_usd=float("inf"))


def test_the_plot_shows_every_option() -> None:
    whole = found()
    ax = ws.plot.frontier(whole, chosen=whole.choose(max_cold_starts_per_week=2))
    texts = {text.get_text() for text in ax.texts}
    assert {"today", "chosen", "all ALWAYS_ON", f"all AUTO_STOP:60+{IDLE}", "$0.10"} <= texts
    assert "5 WorkSpaces" in ax.get_xlabel() and "prices of 2026-01-01" in ax.get_xlabel()
    assert ax.get_ylabel() == "USD a month"
    assert ws.plot.frontier(found(policies=[], settings=["ALWAYS_ON"])).get_title(loc="left")


def test_without_a_baseline_nothing_is_drawn_as_today() -> None:
    charges = ws.bill(ws.replay(fleet_sessions(BY_ID), ws.setting_grid(), window=FEBRUARY), fleet(),
                      book())
    ax = ws.plot.frontier(ws.what_if(charges).answer().frontier)
    assert "today" not in {text.get_text() for text in ax.texts}
    assert {line.get_marker() for line in ax.lines} == {"None", "o", "s", "^", "D"}
    known = ws.plot.frontier(found(policies=[]))
    assert "X" in {line.get_marker() for line in known.lines}


# the command


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    fleet().to_parquet("workspaces.parquet")
    fleet_sessions(BY_ID).to_parquet("sessions.parquet")
    return ["--sessions", "sessions.parquet", "--workspaces", "workspaces.parquet",
            "--start", "2026-02-01", "--end", "2026-03-01"]


def test_the_command_chooses_and_writes(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["frontier", *files, "--max-cold-starts-per-week", "2", "--output", "f.csv",
                 "--fleet-output", "fleet.csv", "--plot", "f.png", "--policy", IDLE]) == 0
    said = capsys.readouterr()
    table = pd.read_csv("f.csv")
    assert list(table) == list(FRONTIER.names)
    chosen = table[table["chosen"]].set_index("workspace_id")
    assert sorted(chosen.index) == sorted(MODES)
    assert (chosen["cold_starts_per_week"] <= 2).all()
    for rows in (chosen, table[table["present"]]):
        assert f"${rows['usd_per_month'].sum():,.2f}" in said.out
    assert "Chosen for at most 2 cold starts a week for each WorkSpace:" in said.out
    points = pd.read_csv("fleet.csv")
    assert points["waiting_minute_usd"].is_monotonic_increasing and len(points) == 2
    assert Path("f.png").read_bytes().startswith(b"\x89PNG")
    assert "written to f.csv" in said.err and "the plot is in f.png" in said.err


def test_the_command_without_a_question(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["frontier", *files, "--settings-only", "--timeout", "60"]) == 0
    said = capsys.readouterr().out
    assert "Chosen" not in said and "stop-idle" not in said and "AUTO_STOP:120" not in said
    assert main(["frontier", *files, "--value-of-waiting-minute-usd", "0.5", "--discount",
                 "0.5"]) == 0
    said = capsys.readouterr().out
    assert "a minute of waiting worth $0.50" in said and "less a discount of 50 %" in said
    assert f"AUTO_STOP:60+{IDLE}" in said


@pytest.mark.parametrize(("options", "message"), [
    (["--output", "a.csv", "--fleet-output", "a.csv"], "name the same file"),
    (["--plot", "a.gif"], "ends in .png or .svg"),
    (["--output", "no/a.csv"], "does not exist"),
    (["--wait-minutes", "0"], "is not more than 0"),
    (["--policy", IDLE, "--settings-only"], "not allowed with"),
    (["--setting", "ALWAYS_ON", "--timeout", "60"], "both --setting and --timeout")])
def test_the_command_refuses(
    files: list[str], options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with suppress(SystemExit):  # argparse's way to refuse
        assert main(["frontier", *files, *options]) == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in Path.cwd().iterdir()) == [
        "sessions.parquet", "workspaces.parquet"]
