"""What was seen on is billed: jobs at night, administrators, machines that hang."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.build import ME, at, book, fleet_sessions, sample, sessions, window, workspaces
from tests.helpers.sandboxes import BoxClock, connected
from tests.helpers.strategies import commands, fleets, windows
from wsanalytics.backtesting.backtest import backtest
from wsanalytics.billing.bill import bill
from wsanalytics.cli import main
from wsanalytics.collection.backfill import backfill
from wsanalytics.errors import InputError
from wsanalytics.history.history import History
from wsanalytics.history.store import Store
from wsanalytics.prices.book import load_prices
from wsanalytics.recommendations.analysis import Analysis, analyse_history
from wsanalytics.recommendations.compare import unattended_hours
from wsanalytics.recommendations.unattended import how_it_happens
from wsanalytics.sandbox.interventions import Interventions
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.schedule import START, STOP
from wsanalytics.sessions.from_store import find_stored
from wsanalytics.sessions.observed_commands import observed_commands
from wsanalytics.sessions.observed_runs import observed_runs
from wsanalytics.settings import Setting
from wsanalytics.simulation.fleet import replay
from wsanalytics.simulation.workspace import EventKind, Order, live
from wsanalytics.timeline import Window, column_micros

OCTOBER = datetime(2026, 10, 1, 0, 20, tzinfo=UTC)
DAY = window("2026-03-02", "2026-03-03")
FIVE = timedelta(minutes=5)


def history(
    *stretches: tuple[str, str, str], when: Window = DAY, connected: tuple[str, str] | None = None,
    every: timedelta = FIVE, **fleet: object,
) -> History:
    """One WorkSpace, looked at every five minutes within *stretches* (from, to, state)."""
    rows = []
    for begin, end, state in stretches:
        moment = at(begin)
        while moment < at(end):
            busy = connected is not None and at(connected[0]) <= moment < at(connected[1])
            rows.append((ME, moment, "CONNECTED" if busy else "DISCONNECTED", state))
            moment += every
    samples = pd.DataFrame(rows, columns=["workspace_id", "sampled_at", "connection_state",
                                          "state"])
    samples["sampled_at"] = samples["sampled_at"].astype("datetime64[us, UTC]")
    samples = samples.assign(last_connected_at=pd.Series(
        pd.NaT, index=samples.index, dtype="datetime64[us, UTC]"), source="sample",
        checked_at=samples["sampled_at"])
    return History(workspaces(**fleet), samples, when)


def told(found: pd.DataFrame) -> list[tuple[str, str]]:
    return [(f"{row.at:%H:%M:%S}", row.order) for row in found.itertuples()]


def test_a_run_is_seen_from_the_first_state_to_the_last_and_half_a_step_beyond() -> None:
    seen = observed_runs(history(("2026-03-02 00:00", "2026-03-02 02:00", "STOPPED"),
                                 ("2026-03-02 02:00", "2026-03-02 03:00", "AVAILABLE"),
                                 ("2026-03-02 03:00", "2026-03-02 09:00", "STOPPED")))
    assert seen["started_at"].tolist() == [at("2026-03-02 01:57:30")]
    assert seen["stopped_at"].tolist() == [at("2026-03-02 02:57:30")]
    assert seen["start_uncertain_minutes"].tolist() == [2.5]


def test_nothing_is_widened_into_a_gap_and_unknown_states_say_nothing() -> None:
    seen = observed_runs(history(("2026-03-02 02:00", "2026-03-02 03:00", "AVAILABLE"),
                                 ("2026-03-02 03:00", "2026-03-02 04:00", "HIBERNATED"),
                                 ("2026-03-02 05:00", "2026-03-02 06:00", "AVAILABLE")))
    assert len(seen) == 2
    assert seen["stopped_at"].tolist()[0] == at("2026-03-02 02:55")
    assert seen["started_at"].tolist()[1] == at("2026-03-02 05:00")


@pytest.mark.parametrize(("stretches", "connected", "expected"), [
    pytest.param([("00:00", "02:00", "STOPPED"), ("02:00", "03:00", "AVAILABLE"),
                  ("03:00", "23:55", "STOPPED")], None, [("01:57:30", START)],
                 id="a job starts it, and it stops by its timeout"),
    pytest.param([("00:00", "02:00", "STOPPED"), ("02:00", "02:20", "AVAILABLE"),
                  ("02:20", "23:55", "STOPPED")], None, [("01:57:30", START), ("02:17:30", STOP)],
                 id="a job starts it, and somebody stops it"),
    pytest.param([("00:00", "09:00", "STOPPED"), ("09:00", "11:00", "AVAILABLE"),
                  ("11:00", "23:55", "STOPPED")], ("09:00", "10:00"), [],
                 id="a session and its timeout explain it all"),
    pytest.param([("00:00", "09:00", "STOPPED"), ("09:00", "10:15", "AVAILABLE"),
                  ("10:15", "23:55", "STOPPED")], ("09:00", "10:00"), [("10:12:30", STOP)],
                 id="stopped before its timeout"),
    pytest.param([("00:00", "09:00", "STOPPED"), ("09:00", "13:30", "AVAILABLE"),
                  ("13:30", "23:55", "STOPPED")], ("09:00", "10:00"),
                 [("10:57:30", START), ("11:57:30", START), ("12:57:30", START),
                  ("13:27:30", STOP)], id="it fails to stop"),
    pytest.param([("00:00", "09:00", "STOPPED"), ("09:00", "11:10", "AVAILABLE"),
                  ("11:10", "23:55", "STOPPED")], ("09:00", "10:00"), [],
                 id="the minutes that a stop takes are no run"),
    pytest.param([("00:00", "08:00", "STOPPED"), ("08:00", "11:00", "AVAILABLE"),
                  ("11:00", "23:55", "STOPPED")], ("09:10", "10:00"),
                 [("07:57:30", START), ("08:57:30", START)], id="it is on before its user comes"),
])
def test_what_sessions_do_not_explain_becomes_starts_and_stops(
    stretches: list[tuple[str, str, str]], connected: tuple[str, str] | None,
    expected: list[tuple[str, str]],
) -> None:
    day = [(f"2026-03-02 {a}", f"2026-03-02 {b}", state) for a, b, state in stretches]
    busy = None if connected is None else tuple(f"2026-03-02 {edge}" for edge in connected)
    assert told(observed_commands(history(*day, connected=busy))) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("stretches", "connected", "expected"), [
    pytest.param([("00:00", "09:00", "STOPPED"), ("09:00", "13:30", "AVAILABLE"),
                  ("13:30", "23:55", "STOPPED")], ("09:00", "10:00"), [],
                 id="it may have had a longer timeout"),
    pytest.param([("00:00", "09:00", "STOPPED"), ("09:00", "10:15", "AVAILABLE"),
                  ("10:15", "23:55", "STOPPED")], ("09:00", "10:00"), [],
                 id="it may have had a shorter one, or been stopped by hand"),
    pytest.param([("00:00", "02:00", "STOPPED"), ("02:00", "03:00", "AVAILABLE"),
                  ("03:00", "23:55", "STOPPED")], None, [("01:57:30", START)],
                 id="somebody started it all the same"),
])
def test_before_anybody_knew_how_it_was_set_only_what_no_setting_explains_counts(
    stretches: list[tuple[str, str, str]], connected: tuple[str, str] | None,
    expected: list[tuple[str, str]],
) -> None:
    day = [(f"2026-03-02 {a}", f"2026-03-02 {b}", state) for a, b, state in stretches]
    busy = None if connected is None else tuple(f"2026-03-02 {edge}" for edge in connected)
    seen = history(*day, connected=busy)  # type: ignore[arg-type]
    late = seen.settings.assign(since=pd.Series([at("2026-03-03")], dtype="datetime64[us, UTC]"))
    assert told(observed_commands(replace(seen, settings=late))) == expected


@pytest.mark.parametrize(("other", "until"), [
    pytest.param("ALWAYS_ON", "2026-03-08 00:00", id="it was on for days"),
    pytest.param("AUTO_STOP:240", "2026-03-04 14:05", id="it stayed on after a session"),
])
def test_between_two_looks_that_found_different_settings_nobody_knows_which_held(
    other: str, until: str
) -> None:
    """CloudWatch shows the days between; CloudTrail, where it may be asked, the very instant."""
    week = Window(at("2026-03-02"), at("2026-03-09"))
    seen = history(("2026-03-02 00:00", "2026-03-04 09:00", "STOPPED"),
                   ("2026-03-04 09:00", until, "AVAILABLE"), (until, "2026-03-09 00:00", "STOPPED"),
                   when=week, connected=("2026-03-04 09:00", "2026-03-04 10:00"))
    looks = [at("2026-03-02 00:00"), at("2026-03-08 12:00")]
    seen.samples["source"] = seen.samples["sampled_at"].isin(looks).map(
        {True: "sample", False: "cloudwatch"})

    def known(since: str) -> History:
        rows = pd.DataFrame({"workspace_id": ME, "setting": ["AUTO_STOP:60", other],
                             "since": [looks[0], at(since)]})
        rows["since"] = rows["since"].astype("datetime64[us, UTC]")
        return replace(seen, settings=rows)

    assert not observed_commands(replace(seen, settings=known("2026-03-08 11:59:58").settings[:1])
                               ).empty  # it was never changed: somebody keeps it on
    assert observed_commands(known("2026-03-08 11:59:58")).empty
    assert observed_commands(known("2026-03-04 09:30")).empty


def test_of_an_always_on_workspace_and_of_unobserved_time_nothing_is_said() -> None:
    on = [("2026-03-02 00:00", "2026-03-02 23:55", "AVAILABLE")]
    assert observed_commands(history(*on, running_mode="ALWAYS_ON", auto_stop_minutes=None)).empty
    seldom = history(("2026-03-02 00:00", "2026-03-02 01:00", "STOPPED"),
                     ("2026-03-02 20:00", "2026-03-02 21:00", "STOPPED"))
    assert observed_commands(seldom).empty


@pytest.mark.parametrize("last_state", ["TERMINATED", None])
@pytest.mark.parametrize("minutes", [60, 480])
def test_who_is_terminated_while_on_is_billed_to_its_end_and_not_to_its_timeout(
    last_state: str | None, minutes: int
) -> None:
    day = [("2026-03-02 00:00", "2026-03-02 08:10", "STOPPED"),
           ("2026-03-02 08:10", "2026-03-02 10:30", "AVAILABLE")]
    if last_state is not None:  # AWS lists it for a while, or no more
        day.append(("2026-03-02 10:30", "2026-03-02 10:40", last_state))
    seen = history(*day, connected=("2026-03-02 08:10", "2026-03-02 10:30"),
                   auto_stop_minutes=minutes)
    ended = seen.workspaces.assign(terminated_at=pd.Series(
        [at("2026-03-02 10:30")], dtype="datetime64[us, UTC]"))
    gone = replace(seen, workspaces=ended)
    found = observed_commands(gone)
    assert told(found) == [("10:27:30", STOP)]
    played = replay(observed_sessions(gone), [gone.in_force], window=DAY, commands=found)
    assert bill(played, ended, book())["billed_hours"].tolist() == [3]


def test_the_sample_fleet_has_no_starts_but_its_sessions() -> None:
    assert observed_commands(sample()).empty


def test_an_observed_start_counts_in_every_setting_and_waits_for_nobody() -> None:
    nightly = pd.DataFrame({"workspace_id": [ME], "at": [at("2026-03-02 02:10")],
                            "order": [START]})
    played = replay(sessions(("2026-03-02 09:00", "2026-03-02 10:00")),
                    ["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120"], window=DAY, commands=nightly)
    charges = bill(played, workspaces(), book()).astype({"setting": "str"}).set_index("setting")
    assert charges["billed_hours"].to_dict() == {
        "ALWAYS_ON": 0, "AUTO_STOP:60": 4, "AUTO_STOP:120": 6}
    assert charges["cold_starts"].to_dict() == {
        "ALWAYS_ON": 0, "AUTO_STOP:60": 1, "AUTO_STOP:120": 1}


def test_a_start_as_it_stops_is_one_run_that_went_on() -> None:
    hung = pd.DataFrame({"workspace_id": [ME] * 2, "order": [START, STOP],
                         "at": [at("2026-03-02 11:00"), at("2026-03-02 11:30")]})
    played = replay(sessions(("2026-03-02 09:40", "2026-03-02 10:00")), ["AUTO_STOP:60"],
                    window=DAY, commands=hung)
    assert played.runs["started_at"].tolist() == [at("2026-03-02 09:40")]
    assert played.runs["stopped_at"].tolist() == [at("2026-03-02 11:30")]
    rounded = bill(played, workspaces(), book(), hour_rule="ceil_per_run")
    assert rounded["billed_hours"].tolist() == [2]  # 1 h 50 min


def test_what_happens_under_every_setting_is_no_change_of_setting() -> None:
    odd = pd.DataFrame({"workspace_id": [ME], "at": [at("2026-03-02 02:10")],
                        "order": ["ALWAYS_ON"]})
    with pytest.raises(InputError, match="a START or a STOP"):
        replay(sessions(), ["AUTO_STOP:60"], window=DAY, commands=odd)


@pytest.mark.parametrize(("found", "words"), [
    pytest.param([("02 00:00", START), ("02 01:00", START), ("02 02:00", START),
                  ("02 02:27", STOP)], "on since before these days, past its timeout",
                 id="it was on before the window and failed to stop"),
    pytest.param([("02 00:00", START), ("02 16:00", STOP), ("03 16:00", STOP), ("04 16:00", STOP)],
                 "stopped before its timeout once a week", id="stops of users are counted"),
    pytest.param([("02 00:00", START), ("02 01:00", START), ("03 02:00", START)],
                 "on since before these days, past its timeout; started for nobody once",
                 id="one start beside what went on"),
])
def test_what_was_on_as_the_window_began_is_no_start_for_nobody(
    found: list[tuple[str, str]], words: str
) -> None:
    rows = pd.DataFrame({"workspace_id": ME, "order": [order for _, order in found],
                         "at": [at(f"2026-03-{moment}") for moment, _ in found]})
    rows["at"] = rows["at"].astype("datetime64[us, UTC]")
    assert how_it_happens(rows, window("2026-03-02", "2026-03-16")) == words


def test_a_machine_that_fails_to_stop_is_not_said_to_be_started_for_nobody() -> None:
    rows = pd.DataFrame({"workspace_id": ME, "order": START, "at": pd.Series(
        [at("2026-03-03 11:00"), at("2026-03-03 12:00"), at("2026-03-05 02:30")],
        dtype="datetime64[us, UTC]")})
    left = pd.Series([at("2026-03-03 10:00")], dtype="datetime64[us, UTC]")
    words = how_it_happens(rows, window("2026-03-02", "2026-03-16"),
                           column_micros(left + timedelta(hours=1)))
    assert words == "started for nobody once; stayed on past its timeout once"


@given(data=st.data())
def test_observed_orders_do_what_the_event_machine_does(data: st.DataObject) -> None:
    when = data.draw(windows(longest_days=4))
    fleet = data.draw(fleets(when))
    setting = data.draw(st.sampled_from(["AUTO_STOP:60", "AUTO_STOP:120"]))
    given_orders = {name: [(moment, what) for moment, what, _ in data.draw(commands(pairs, when))
                           if what != "SET"] for name, pairs in fleet.items()}
    frame = pd.DataFrame(
        [(name, moment, what) for name, rows in given_orders.items() for moment, what in rows],
        columns=["workspace_id", "at", "order"])
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    played = replay(fleet_sessions(fleet), [setting], window=when, commands=frame)
    kinds = {START: EventKind.START_REQUESTED, STOP: EventKind.STOP_REQUESTED}
    for name, pairs in fleet.items():
        life = live(pairs, Setting.parse(setting), when,
                    commands=[Order(moment, kinds[what]) for moment, what in given_orders[name]])
        cold = set(life.cold_starts)
        runs: list[list[datetime]] = []
        for run in life.runs:  # what is ordered to start as it stops is taken for one run
            if runs and runs[-1][1] == run.started_at and run.started_at not in cold:
                runs[-1][1] = run.stopped_at
            else:
                runs.append([run.started_at, run.stopped_at])
        own = played.runs[played.runs["workspace_id"].astype("str") == name]
        assert [[row.started_at, row.stopped_at] for row in own.itertuples()] == runs
        waits = played.cold_starts[played.cold_starts["workspace_id"].astype("str") == name]
        assert waits["connected_at"].tolist() == list(life.cold_starts)


@pytest.fixture(scope="module")
def meddled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """A backfilled store of a fleet that others switch as well, and the meter of its account."""
    folder = tmp_path_factory.mktemp("meddled") / "store"
    others = Interventions(night_jobs=0.5, early_stops=0.5, hangs=0.4)
    with Sandbox(workspaces=40, seed=3, start=OCTOBER, speed=0, interventions=others) as box:
        with connected(box) as connections:
            backfill(folder, days=62, connections=connections, clock=BoxClock(box))
        meter = box.bill("clock_hour")
    return folder, meter


@pytest.fixture(scope="module")
def known(meddled: tuple[Path, pd.DataFrame]) -> History:
    """The whole months of August and September of that store."""
    return Store(meddled[0]).history(start=date(2026, 8, 1), end=date(2026, 10, 1))


def test_the_bill_predicted_from_what_was_seen_equals_the_meter_to_the_cent(
    meddled: tuple[Path, pd.DataFrame], known: History
) -> None:
    seen = observed_commands(known)
    assert {START, STOP} == set(seen["order"]) and seen["workspace_id"].nunique() >= 12
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who has no price, and who is not simulated
        charges = bill(replay(observed_sessions(known), [known.in_force], window=known.window,
                              commands=seen), known.workspaces, load_prices())
    meter = meddled[1]
    both = meter[meter["month"].isin(["2026-08", "2026-09"])].merge(
        charges.astype({"workspace_id": "str", "month": "str"}), on=["workspace_id", "month"],
        suffixes=("", "_predicted"))
    assert len(both) > 60
    assert both["billed_hours_predicted"].tolist() == both["billed_hours"].tolist()
    priced = both[both["total_usd_predicted"].notna()]
    assert (priced["hourly_usd_predicted"] - priced["hourly_usd"]).abs().max() < 0.005


def observed_sessions(known: History) -> pd.DataFrame:
    from wsanalytics.sessions.find import find_sessions
    return find_sessions(known)


def test_a_store_gives_the_same_orders_some_workspaces_at_a_time(
    meddled: tuple[Path, pd.DataFrame], known: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsanalytics.sessions.from_store.ROWS_AT_ONCE", 8 * 288 * known.window.days)
    found = find_stored(Store(meddled[0]), known.workspaces, known.window)
    pd.testing.assert_frame_equal(found.commands, observed_commands(known))


@pytest.fixture(scope="module")
def analysis(known: History) -> Analysis:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return analyse_history(known, now=OCTOBER)


def test_advice_counts_the_hours_that_no_session_explains(analysis: Analysis) -> None:
    table = analysis.comparison.astype({"setting": "str"})
    present = table[table["setting"] == table["baseline"]].set_index("workspace_id")
    busy = present[present["unattended_hours_per_month"] > 20].index
    assert len(busy) >= 5
    reasons = analysis.plan.recommendations.set_index("workspace_id")["reason"]
    assert reasons[busy].str.contains("with nobody connected").all()
    quiet = present[present["unattended_hours_per_month"] < 1].index
    assert not reasons[quiet].str.contains("with nobody connected").any()
    assert (present.loc[present["baseline"] == "ALWAYS_ON",
                        "unattended_hours_per_month"] == 0).all()


@pytest.mark.parametrize(("stretches", "connected", "hours"), [
    pytest.param([("02 00:00", "05 00:00", "AVAILABLE")], None, 71,
                 id="on all the time and for nobody"),
    pytest.param([("02 00:00", "02 00:50", "AVAILABLE"), ("02 00:50", "05 00:00", "STOPPED")],
                 None, 0, id="the timeout of a session before the window"),
    pytest.param([("02 00:00", "02 08:00", "AVAILABLE"), ("02 08:00", "05 00:00", "STOPPED")],
                 ("02 05:00", "02 07:00"), 4, id="on for nobody until its user came"),
])
def test_what_is_on_from_the_first_moment_counts_as_far_as_no_timeout_explains_it(
    stretches: list[tuple[str, str, str]], connected: tuple[str, str] | None, hours: int
) -> None:
    day = [(f"2026-03-{a}", f"2026-03-{b}", state) for a, b, state in stretches]
    busy = None if connected is None else tuple(f"2026-03-{edge}" for edge in connected)
    seen = history(*day, when=Window(at("2026-03-02"), at("2026-03-05")),
                   connected=busy)  # type: ignore[arg-type]
    found = observed_sessions(seen)
    played = replay(found, ["AUTO_STOP:60"], window=seen.window,
                    commands=observed_commands(seen, found))
    assert unattended_hours(played, seen.configured).round().tolist() == [hours]


def test_one_hour_a_week_and_a_job_every_night_may_be_cheaper_always_on() -> None:
    when = window("2026-03-02", "2026-04-27")
    weekly = [(f"2026-{day:%m-%d} 09:00", f"2026-{day:%m-%d} 10:00")
              for day in pd.date_range("2026-03-02", "2026-04-20", freq="7D")]
    nights = pd.DataFrame({
        "workspace_id": ME, "order": START,
        "at": [night + timedelta(hours=hour) for night in pd.date_range(
            "2026-03-02", "2026-04-26", tz="UTC") for hour in (1, 2, 3, 4)]})
    from wsanalytics.recommendations.analysis import analyse
    alone = analyse(sessions(*weekly), workspaces(), window=when, prices=book(), now=when.end)
    busy = analyse(sessions(*weekly), workspaces(), window=when, prices=book(), now=when.end,
                   commands=nights)
    assert len(alone.plan.changes) == 0
    change = busy.plan.changes.iloc[0]
    assert change["to_setting"] == "ALWAYS_ON" and "with nobody connected" in change["reason"]


@pytest.mark.usefixtures("undrawn")
def test_explain_report_and_the_terminal_name_it(
    meddled: tuple[Path, pd.DataFrame], analysis: Analysis, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on = analysis.comparison.drop_duplicates("workspace_id").set_index(
        "workspace_id")["unattended_hours_per_month"]
    name = str(on.idxmax())
    assert main(["explain", name, "--store", str(meddled[0]), "--start", "2026-08-01", "--end",
                 "2026-10-01"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "that no session explains" in text and "whatever starts it" in text
    report = tmp_path / "report.html"
    assert main(["report", "--store", str(meddled[0]), "--output", str(report)]) == 0
    assert "on with nobody connected" in report.read_text(encoding="utf-8")


@pytest.mark.usefixtures("undrawn")
def test_files_of_sessions_say_that_starts_without_a_login_are_not_in_them(
    tmp_path: Path
) -> None:
    sessions(("2026-03-02 09:00", "2026-03-29 10:00")).to_parquet(tmp_path / "s.parquet")
    workspaces().to_parquet(tmp_path / "w.parquet")
    report = tmp_path / "report.html"
    assert main(["report", "--sessions", str(tmp_path / "s.parquet"), "--workspaces",
                 str(tmp_path / "w.parquet"), "--output", str(report)]) == 0
    assert "Starts without a login are not in it" in report.read_text(encoding="utf-8")


def test_a_backtest_sees_and_bills_observed_starts(known: History) -> None:
    seen = observed_commands(known)
    found = observed_sessions(known)
    september = Window(at("2026-09-01"), at("2026-10-01"))
    policies = ["hold", "auto_stop:60", "forecast", "clairvoyant"]
    costs = {}
    for name, some in (("with", seen), ("without", None)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            costs[name] = backtest(found, policies, workspaces=known.workspaces,
                                   prices=load_prices(), window=september, commands=some,
                                   present=known.configured).totals.set_index("policy")
    more = costs["with"]["billed_hours"] - costs["without"]["billed_hours"]
    assert more["auto_stop:60"] > 100
    assert costs["with"]["total_usd"].idxmin() == "clairvoyant"


def test_the_sandbox_command_lets_others_switch_its_workspaces(
    capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sandbox", "--intervene", "night-job=0.2"]) == 2
    assert "did you mean night-jobs" in capsys.readouterr().err
    assert json.dumps(Interventions.parse(["hangs=0.5"]).hangs) == "0.5"
