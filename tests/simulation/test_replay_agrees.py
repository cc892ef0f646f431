"""Three clocks that know nothing of each other tell the same time.

``simulate.fleet`` (arrays), ``simulate.workspace`` (an event queue) and ``tests.oracles.clock``
(minute by minute, written from the contract alone) replay whatever hypothesis can think of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.helpers.build import ME, at, book, fleet_sessions, sessions, window, workspaces
from tests.helpers.strategies import (
    MICROSECOND,
    MINUTE,
    SECOND,
    Session,
    commands,
    fleets,
    grids,
    windows,
)
from tests.oracles import clock
from wsanalytics.billing.bill import bill
from wsanalytics.billing.mode_changes import always_on_at
from wsanalytics.schedule import Schedule
from wsanalytics.settings import Setting
from wsanalytics.simulation.fleet import Replay, replay
from wsanalytics.simulation.workspace import EventKind, Order, live
from wsanalytics.timeline import Window, to_micros

FLEET = workspaces("ws-a", "ws-b", "ws-c", maintenance_enabled=False)
"""All the WorkSpaces that ``strategies.fleets`` may use; made once, never changed."""
MAINTAINED = FLEET.assign(maintenance_enabled=True, created_at=at("2025-12-29"))
BOOK = book()


@dataclass(frozen=True)
class Story:
    """A fleet, a window, settings, and the two options of the replay."""

    fleet: dict[str, list[Session]]
    window: Window
    settings: list[str]
    resume_seconds: int = 0
    grace_minutes: int = 0


@st.composite
def stories(
    draw: st.DrawFn,
    unit: timedelta = MINUTE,
    *,
    longest_days: int = 9,
    largest: int = 3,
    options: bool = False,
) -> Story:
    when = draw(windows(unit=unit, longest_days=longest_days))
    return Story(
        draw(fleets(when, unit=unit, largest=largest)),
        when,
        draw(grids()),
        draw(st.sampled_from([0, 0, 60, 90, 599, 7200])) if options else 0,
        draw(st.sampled_from([0, 0, 1, 20, 60])) if options else 0,
    )


def replayed(story: Story) -> Replay:
    return replay(
        fleet_sessions(story.fleet),
        story.settings,
        window=story.window,
        resume_seconds=story.resume_seconds,
        network_grace_minutes=story.grace_minutes,
    )


def minutes_of(setting: str) -> int:
    return int(setting.partition(":")[2])


def by_owner(frame: pd.DataFrame, columns: list[str]) -> dict[tuple[str, str], list[object]]:
    """The instants in *columns* by setting and WorkSpace, in the order of the rows."""
    found: dict[tuple[str, str], list[object]] = {}
    for row in frame[["setting", "workspace_id", *columns]].itertuples(index=False):
        instants = tuple(instant.to_pydatetime() for instant in row[2:])
        entry = instants if len(instants) > 1 else instants[0]
        found.setdefault((row[0], row[1]), []).append(entry)
    return found


@pytest.mark.parametrize("unit", [MINUTE, SECOND, MICROSECOND], ids=["minute", "second", "micro"])
@given(data=st.data())
def test_the_fleet_replay_equals_the_event_machine(unit: timedelta, data: st.DataObject) -> None:
    story = data.draw(stories(unit, options=True))
    outcome = replayed(story)
    runs = by_owner(outcome.runs, ["started_at", "stopped_at"])
    cold = by_owner(outcome.cold_starts, ["connected_at"])
    for name, pairs in story.fleet.items():
        for setting in story.settings:
            life = live(
                pairs,
                Setting.parse(setting),
                story.window,
                resume_seconds=story.resume_seconds,
                network_grace_minutes=story.grace_minutes,
            )
            expected = [(run.started_at, run.stopped_at) for run in life.runs]
            assert runs.pop((setting, name), []) == expected
            assert cold.pop((setting, name), []) == list(life.cold_starts)
    assert not runs
    assert not cold


@given(story=stories(longest_days=4, largest=2))
def test_both_replays_equal_the_walk_by_the_minute(story: Story) -> None:
    outcome = replayed(story)
    runs = by_owner(outcome.runs, ["started_at", "stopped_at"])
    cold = by_owner(outcome.cold_starts, ["connected_at"])
    ends = (story.window.start, story.window.end)
    for name, pairs in story.fleet.items():
        for setting in story.settings:
            if setting == "ALWAYS_ON":
                continue
            seen = clock.walk(pairs, minutes_of(setting), ends)
            life = live(pairs, Setting.parse(setting), story.window)
            assert runs.get((setting, name), []) == seen.runs()
            assert [(run.started_at, run.stopped_at) for run in life.runs] == seen.runs()
            assert cold.get((setting, name), []) == seen.cold_starts == list(life.cold_starts)


@given(
    story=stories(longest_days=4, largest=2),
    grace=st.sampled_from([0, 0, 1, 20, 45]),
    rule=st.sampled_from(sorted(clock.RULES)),
)
def test_billed_hours_and_cold_starts_equal_the_walk_under_every_rule(
    story: Story, grace: int, rule: str
) -> None:
    outcome = replay(
        fleet_sessions(story.fleet), story.settings, window=story.window,
        network_grace_minutes=grace,
    )
    walks = {
        (setting, name): clock.walk(
            pairs, minutes_of(setting) + grace, (story.window.start, story.window.end)
        )
        for name, pairs in story.fleet.items()
        for setting in story.settings
        if setting != "ALWAYS_ON"
    }
    charges = bill(outcome, FLEET, BOOK, hour_rule=rule)
    billed = {key: clock.RULES[rule](walk) for key, walk in walks.items()}
    cold = {key: clock.cold_starts(walk) for key, walk in walks.items()}
    assert len(charges) == len(FLEET) * len(story.settings) * charges["month"].nunique()
    for row in charges.itertuples():
        key = row.setting, row.workspace_id
        expected = billed.get(key, {}).pop(row.month, 0)
        assert row.billed_hours == pytest.approx(expected, abs=1e-9)
        assert row.cold_starts == cold.get(key, {}).get(row.month, 0)
    assert not any(billed.values())  # no month is missing from the charges


@given(story=stories(options=True), data=st.data())
def test_the_order_of_the_rows_does_not_matter(story: Story, data: st.DataObject) -> None:
    straight = fleet_sessions(story.fleet)
    shuffled = straight.loc[data.draw(st.permutations(range(len(straight))))]
    charges = []
    for frame, known in ((straight, FLEET), (shuffled, FLEET.iloc[::-1])):
        outcome = replay(frame, story.settings, window=story.window)
        charges.append(bill(outcome, known, BOOK))
    pd.testing.assert_frame_equal(*charges)


@given(story=stories(), rule=st.sampled_from(["exact", "clock_hour"]))
def test_who_waits_longer_runs_longer_and_starts_less_often(story: Story, rule: str) -> None:
    """Not so under ceil_per_run: two runs of 61 minutes cost 4 hours, one of 180 minutes 3."""
    story = Story(story.fleet, story.window, ["AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:2880"])
    charges = bill(replayed(story), FLEET, BOOK, hour_rule=rule)
    totals = charges.groupby(["workspace_id", "setting"], observed=True)[
        ["billed_hours", "cold_starts"]
    ].sum()
    for name in story.fleet:
        hours, cold = (totals.loc[name][c].tolist() for c in ("billed_hours", "cold_starts"))
        assert all(later >= earlier - 1e-9 for earlier, later in pairwise(hours))
        assert cold == sorted(cold, reverse=True)


@given(story=stories(), rule=st.sampled_from(sorted(clock.RULES)))
def test_two_windows_that_meet_on_a_first_charge_what_one_does_if_nothing_runs_across(
    story: Story, rule: str
) -> None:
    first_day = story.window.end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assume(story.window.start < first_day < story.window.end)
    longest = max(timedelta(minutes=minutes_of(s) if ":" in s else 0) for s in story.settings)
    quiet = {
        name: [(a, b) for a, b in pairs if a >= first_day or b + longest <= first_day]
        for name, pairs in story.fleet.items()
    }

    def charges(start: datetime, end: datetime) -> pd.DataFrame:
        outcome = replay(fleet_sessions(quiet), story.settings, window=Window(start, end))
        return bill(outcome, MAINTAINED, BOOK, hour_rule=rule).astype(
            {"setting": "str", "workspace_id": "str", "month": "str"}
        )

    halves = [charges(story.window.start, first_day), charges(first_day, story.window.end)]
    key = ["setting", "workspace_id", "month"]
    pd.testing.assert_frame_equal(
        pd.concat(halves).sort_values(key, ignore_index=True),
        charges(story.window.start, story.window.end).sort_values(key, ignore_index=True),
    )


@given(story=stories(options=True))
def test_nothing_that_was_given_is_changed(story: Story) -> None:
    frame = fleet_sessions(story.fleet)
    given_first = frame.copy(deep=True)
    outcome = replay(frame, story.settings, window=story.window)
    used = [MAINTAINED, BOOK.frame, outcome.sessions, outcome.runs, outcome.cold_starts]
    before = [one.copy(deep=True) for one in used]
    bill(outcome, MAINTAINED, BOOK)
    for now, then in zip([frame, *used], [given_first, *before], strict=True):
        pd.testing.assert_frame_equal(now, then)


KINDS = {
    "SET": EventKind.SETTING_CHANGES, "START": EventKind.START_REQUESTED,
    "STOP": EventKind.STOP_REQUESTED,
}
Told = tuple[datetime, str, str | None]


@st.composite
def told_stories(
    draw: st.DrawFn, unit: timedelta, *, longest_days: int = 9, options: bool = True
) -> tuple[Story, dict[str, str], dict[str, list[Told]]]:
    """A story in which somebody gives orders: also the opening settings and the orders."""
    story = draw(stories(unit, longest_days=longest_days, options=options))
    opening = st.sampled_from(["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:2880"])
    return (
        story,
        {name: draw(opening) for name in story.fleet},
        {name: draw(commands(pairs, story.window, unit=unit))
         for name, pairs in story.fleet.items()},
    )


def setting_at_start(story: Story, opening: str, told: list[Told]) -> Setting:
    """The setting in force as the window begins: the last one set before, or the opening one."""
    before = [setting for at, _, setting in told if setting and at < story.window.start]
    return Setting.parse(before[-1] if before else opening)


def orders_of(told: list[Told]) -> list[Order]:
    """What was told, as the event machine takes it."""
    return [Order(at, KINDS[what], Setting.parse(setting) if setting else None)
            for at, what, setting in told]


def schedule_for(opening: dict[str, str], told: dict[str, list[Told]]) -> Schedule:
    rows = [
        (name, at, setting or what) for name, told_it in told.items()
        for at, what, setting in told_it
    ]
    frame = pd.DataFrame(rows, columns=["workspace_id", "at", "order"]).astype(
        {"workspace_id": "str", "at": "datetime64[us, UTC]", "order": "str"}
    )
    index = pd.Index(list(opening), name="workspace_id", dtype="str")
    return Schedule(pd.Series(list(opening.values()), index=index, dtype="str"), frame)


@pytest.mark.parametrize("unit", [MINUTE, SECOND, MICROSECOND], ids=["minute", "second", "micro"])
@given(data=st.data())
def test_orders_do_the_same_in_the_fleet_replay_and_the_event_machine(
    unit: timedelta, data: st.DataObject
) -> None:
    story, opening, told = data.draw(told_stories(unit))
    schedule = schedule_for(opening, told)
    outcome = replay(
        fleet_sessions(story.fleet), ["AUTO_STOP:60", schedule], window=story.window,
        resume_seconds=story.resume_seconds, network_grace_minutes=story.grace_minutes,
    )
    runs = by_owner(outcome.runs, ["started_at", "stopped_at"])
    cold = by_owner(outcome.cold_starts, ["connected_at"])
    for name, pairs in story.fleet.items():
        life = live(
            pairs, setting_at_start(story, opening[name], told[name]), story.window,
            commands=orders_of(told[name]),
            resume_seconds=story.resume_seconds, network_grace_minutes=story.grace_minutes,
        )
        expected = [(run.started_at, run.stopped_at) for run in life.runs]
        assert runs.get(("IN_FORCE", name), []) == expected
        assert cold.get(("IN_FORCE", name), []) == list(life.cold_starts)


@given(data=st.data())
def test_maintenance_leaves_runs_alone_and_is_counted_where_hours_are(
    data: st.DataObject
) -> None:
    """The machine goes through it, the fleet replay and the walk do not know of it: the bill
    counts it, in the setting that is in force at that instant."""
    story, opening, told = data.draw(told_stories(MINUTE, longest_days=4, options=False))
    schedule = schedule_for(opening, told)
    outcome = replay(fleet_sessions(story.fleet), [schedule], window=story.window)
    runs = by_owner(outcome.runs, ["started_at", "stopped_at"])
    minutes = int((story.window.end - story.window.start) / MINUTE)
    for name, pairs in story.fleet.items():
        instants = sorted({
            story.window.start + MINUTE * data.draw(st.integers(0, minutes - 1)) for _ in range(3)
        } | {at for at, *_ in told[name] if story.window.start <= at < story.window.end})
        life = live(
            pairs, setting_at_start(story, opening[name], told[name]), story.window,
            commands=orders_of(told[name]) + [Order(at, EventKind.MAINTENANCE) for at in instants],
        )
        assert [(run.started_at, run.stopped_at) for run in life.runs] == runs.get(
            ("IN_FORCE", name), [])
        on = always_on_at(schedule, pd.Series([name]), np.array([to_micros(t) for t in instants]))
        assert list(life.maintained) == [
            at for at, flat in zip(instants, on[0], strict=True) if not flat]


@given(story=told_stories(MINUTE, longest_days=4, options=False))
def test_orders_do_the_same_in_the_walk_by_the_minute(
    story: tuple[Story, dict[str, str], dict[str, list[Told]]]
) -> None:
    tale, opening, told = story
    outcome = replay(fleet_sessions(tale.fleet), [schedule_for(opening, told)], window=tale.window)
    runs = by_owner(outcome.runs, ["started_at", "stopped_at"])
    cold = by_owner(outcome.cold_starts, ["connected_at"])
    for name, pairs in tale.fleet.items():
        before = [setting for at, _, setting in told[name] if setting and at < tale.window.start]
        seen = clock.walk_told(
            pairs, timeout_of(before[-1] if before else opening[name]),
            [(at, what, timeout_of(setting or "ALWAYS_ON")) for at, what, setting in told[name]],
            (tale.window.start, tale.window.end),
        )
        assert runs.get(("IN_FORCE", name), []) == seen.runs()
        assert cold.get(("IN_FORCE", name), []) == seen.cold_starts


@pytest.mark.parametrize(
    ("opening", "told", "runs", "cold"),
    [
        pytest.param("AUTO_STOP:60", [("10:30", "STOP")], [("09:00", "10:30")], ["09:00"],
                     id="stopped by hand before the timeout"),
        pytest.param("AUTO_STOP:60", [("09:30", "STOP")], [("09:00", "09:30")], ["09:00"],
                     id="cut off under a connected user, who does not come back"),
        pytest.param("AUTO_STOP:60", [("08:30", "START")], [("08:30", "11:00")], [],
                     id="started early: nobody waits"),
        pytest.param("AUTO_STOP:60", [("07:30", "START")],
                     [("07:30", "08:30"), ("09:00", "11:00")], ["09:00"],
                     id="started too early: it stops as if somebody had left"),
        pytest.param("AUTO_STOP:60", [("10:30", "START")], [("09:00", "11:00")], ["09:00"],
                     id="a start of what is on does nothing"),
        pytest.param("AUTO_STOP:60", [("11:00", "START")],
                     [("09:00", "11:00"), ("11:00", "12:00")], ["09:00"],
                     id="a start at the instant of the stop finds it stopped"),
        pytest.param("AUTO_STOP:60", [("10:30", "AUTO_STOP:120")], [("09:00", "12:00")],
                     ["09:00"], id="a longer timeout while idle"),
        pytest.param("AUTO_STOP:60", [("11:00", "AUTO_STOP:120")], [("09:00", "11:00")],
                     ["09:00"], id="a longer timeout at the instant of the stop comes too late"),
        pytest.param("AUTO_STOP:120", [("11:30", "AUTO_STOP:60")], [("09:00", "11:30")],
                     ["09:00"], id="a shorter timeout that has passed stops at once"),
        pytest.param("AUTO_STOP:120", [("11:00", "AUTO_STOP:60"), ("11:00", "START")],
                     [("09:00", "11:00"), ("11:00", "12:00")], ["09:00"],
                     id="a shorter timeout that has passed at this instant stops at once"),
        pytest.param("ALWAYS_ON", [("09:30", "AUTO_STOP:60")], [("09:30", "11:00")], [],
                     id="turned AUTO_STOP under a user"),
        pytest.param("ALWAYS_ON", [("10:30", "AUTO_STOP:60")], [("10:30", "11:00")], [],
                     id="turned AUTO_STOP inside the timeout"),
        pytest.param("ALWAYS_ON", [("11:00", "AUTO_STOP:60")], [], [],
                     id="turned AUTO_STOP as the timeout has passed: stops at once"),
        pytest.param("ALWAYS_ON", [("08:00", "AUTO_STOP:60")], [("09:00", "11:00")], ["09:00"],
                     id="turned AUTO_STOP before anybody came: stops at once"),
        pytest.param("AUTO_STOP:60", [("09:30", "ALWAYS_ON")], [("09:00", "09:30")], ["09:00"],
                     id="turned ALWAYS_ON: no more hours"),
        pytest.param("AUTO_STOP:60", [("09:00", "ALWAYS_ON")], [], [],
                     id="turned ALWAYS_ON at the instant of the connect: nobody waits"),
        pytest.param("ALWAYS_ON", [("09:30", "STOP"), ("10:00", "START")], [], [],
                     id="ALWAYS_ON can be neither stopped nor started"),
        pytest.param(
            "AUTO_STOP:60", [("09:30", "STOP"), ("09:40", "ALWAYS_ON"), ("10:00", "AUTO_STOP:60")],
            [("09:00", "09:30"), ("10:00", "10:30")], ["09:00"],
            id="who was cut off has left then"),
    ],
)
def test_orders_of_a_day_with_one_session_from_nine_to_ten(
    opening: str, told: list[tuple[str, str]], runs: list[tuple[str, str]], cold: list[str]
) -> None:
    day = "2026-03-02 "
    pair, when = (at(day + "09:00"), at(day + "10:00")), window("2026-03-02", "2026-03-03")
    given = [
        (at(day + time), what if what in ("START", "STOP") else "SET",
         None if what in ("START", "STOP") else what)
        for time, what in told
    ]
    outcome = replay(fleet_sessions({ME: [pair]}), [schedule_for({ME: opening}, {ME: given})],
                     window=when)
    life = live([pair], Setting.parse(opening), when, commands=orders_of(given))
    seen = clock.walk_told(
        [pair], timeout_of(opening),
        [(instant, what, timeout_of(setting or "ALWAYS_ON")) for instant, what, setting in given],
        (when.start, when.end),
    )
    expected = [(at(day + a), at(day + b)) for a, b in runs]
    found = by_owner(outcome.runs, ["started_at", "stopped_at"])
    assert found.get(("IN_FORCE", ME), []) == expected
    assert [(run.started_at, run.stopped_at) for run in life.runs] == expected
    assert seen.runs() == expected
    waits = [at(day + instant) for instant in cold]
    found = by_owner(outcome.cold_starts, ["connected_at"])
    assert found.get(("IN_FORCE", ME), []) == waits
    assert list(life.cold_starts) == seen.cold_starts == waits


def timeout_of(setting: str) -> int | None:
    return Setting.parse(setting).auto_stop_minutes


def test_a_session_across_a_window_edge_on_a_first_costs_one_more_cold_start_and_no_hour() -> None:
    """Cut there, the second window begins with a connect; its hours are cut there anyway."""
    pairs = sessions(("2026-03-31 22:15", "2026-04-01 01:20"))
    whole, march, april = (
        bill(replay(pairs, ["AUTO_STOP:60"], window=when), workspaces(), BOOK)
        for when in (
            window("2026-03-30", "2026-04-03"),
            window("2026-03-30", "2026-04-01"),
            window("2026-04-01", "2026-04-03"),
        )
    )
    assert whole["billed_hours"].tolist() == [2, 3]
    assert [march["billed_hours"].item(), april["billed_hours"].item()] == [2, 3]
    assert whole["cold_starts"].tolist() == [1, 0]
    assert [march["cold_starts"].item(), april["cold_starts"].item()] == [1, 1]


@pytest.mark.parametrize(
    ("reconnects_at", "runs", "cold"),
    [
        ("10:59", [("09:00", "12:30")], ["09:00"]),
        ("11:00", [("09:00", "11:00"), ("11:00", "12:30")], ["09:00", "11:00"]),
        ("11:01", [("09:00", "11:00"), ("11:01", "12:30")], ["09:00", "11:01"]),
        ("10:00", [("09:00", "12:30")], ["09:00"]),
    ],
)
def test_a_connect_at_the_very_instant_of_the_stop_finds_it_stopped(
    reconnects_at: str, runs: list[tuple[str, str]], cold: list[str]
) -> None:
    day = "2026-03-02 "
    frame = sessions((day + "09:00", day + "10:00"), (day + reconnects_at, day + "11:30"))
    outcome = replay(frame, ["AUTO_STOP:60"], window=window("2026-03-02", "2026-03-03"))
    assert by_owner(outcome.runs, ["started_at", "stopped_at"]) == {
        ("AUTO_STOP:60", ME): [(at(day + a), at(day + b)) for a, b in runs]
    }
    assert by_owner(outcome.cold_starts, ["connected_at"]) == {
        ("AUTO_STOP:60", ME): [at(day + instant) for instant in cold]
    }


def test_start_up_seconds_are_paid_before_the_connect_but_never_before_the_last_stop() -> None:
    day = "2026-03-02 "
    frame = sessions((day + "09:00", day + "10:00"), (day + "11:01", day + "12:00"))
    outcome = replay(
        frame, ["AUTO_STOP:60"], window=window("2026-03-02", "2026-03-03"), resume_seconds=90
    )
    assert by_owner(outcome.runs, ["started_at", "stopped_at"])["AUTO_STOP:60", ME] == [
        (at("2026-03-02 08:58:30"), at("2026-03-02 11:00")),
        (at("2026-03-02 11:00"), at("2026-03-02 13:00")),
    ]
    assert by_owner(outcome.cold_starts, ["connected_at"])["AUTO_STOP:60", ME] == [
        at("2026-03-02 09:00"), at("2026-03-02 11:01")
    ]


def test_a_fleet_that_nobody_used_and_a_grid_of_always_on_alone_are_fine() -> None:
    when = window("2026-03-02", "2026-03-03")
    for pairs in ([], [("2026-03-02 09:00", "2026-03-02 10:00")]):
        for grid in (["ALWAYS_ON"], ["AUTO_STOP:60"], ["ALWAYS_ON", "AUTO_STOP:60"]):
            outcome = replay(sessions(*pairs), grid, window=when)
            charges = bill(outcome, workspaces(), BOOK)
            assert charges["setting"].tolist() == grid
