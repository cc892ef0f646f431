"""What WorkSpaces are told through time, and what the bill makes of it."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.helpers.build import ME, at, book, fleet_sessions, month, window, workspaces
from wsanalytics.billing.bill import bill
from wsanalytics.errors import InputError
from wsanalytics.schedule import IN_FORCE, Schedule, check_settings, schedule_of
from wsanalytics.simulation.fleet import replay
from wsanalytics.timeline import Window

APRIL = month("2026-04")
BOOK = book(monthly=30, fee=10, hourly=1)


def settings(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [(name, setting, at(since)) for name, setting, since in rows],
        columns=["workspace_id", "setting", "since"])


def opening(**names: str) -> pd.Series:
    return pd.Series({name.replace("_", "-"): text for name, text in names.items()},
                     dtype="str").rename_axis("workspace_id")


def charge(
    *rows: tuple[str, str], when: Window = APRIL, pairs: tuple[tuple[str, str], ...] = (),
    **fleet: object,
) -> pd.DataFrame:
    """The months of one WorkSpace that was set so, each setting since then."""
    schedule = schedule_of(settings(*((ME, setting, since) for setting, since in rows)), when)
    sessions = fleet_sessions({ME: [(at(a), at(b)) for a, b in pairs]})
    return bill(replay(sessions, [schedule], window=when), workspaces(**fleet), BOOK)


def test_before_its_first_row_a_workspace_had_that_setting_already() -> None:
    told = schedule_of(settings(("ws-a", "ALWAYS_ON", "2026-04-20"),
                                ("ws-b", "AUTO_STOP:60", "2026-03-01"),
                                ("ws-b", "AUTO_STOP:120", "2026-03-20"),
                                ("ws-b", "ALWAYS_ON", "2026-04-03"),
                                ("ws-b", "AUTO_STOP:60", "2026-05-01")), APRIL)
    assert told.opening.to_dict() == {"ws-a": "ALWAYS_ON", "ws-b": "AUTO_STOP:120"}
    assert told.commands["order"].tolist() == ["ALWAYS_ON"]
    assert str(told) == IN_FORCE


def test_rows_that_repeat_a_setting_are_no_change() -> None:
    same = settings(("ws-a", "ALWAYS_ON", "2026-04-01"), ("ws-a", "ALWAYS_ON", "2026-04-02"),
                    ("ws-b", "ALWAYS_ON", "2026-04-02"))
    assert check_settings(same)["since"].tolist() == [at("2026-04-01"), at("2026-04-02")]
    with pytest.raises(InputError, match="twice"):
        check_settings(settings(("ws-a", "ALWAYS_ON", "2026-04-01"),
                                ("ws-a", "AUTO_STOP:60", "2026-04-01")))


def test_the_bill_of_a_schedule_that_never_changes_is_that_of_the_setting() -> None:
    pairs = (("2026-04-02 09:00", "2026-04-02 12:00"), ("2026-04-30 23:30", "2026-05-01 02:00"))
    when = window("2026-03-15", "2026-05-20")
    sessions = fleet_sessions({ME: [(at(a), at(b)) for a, b in pairs]})
    fleet = workspaces(maintenance_enabled=True)
    for setting in ("ALWAYS_ON", "AUTO_STOP:60"):
        told = Schedule(opening(**{ME.replace("-", "_"): setting}), settings().rename(
            columns={"setting": "order", "since": "at"}).astype(
            {"workspace_id": "str", "order": "str", "at": "datetime64[us, UTC]"}))
        charges = bill(replay(sessions, [setting, told], window=when), fleet, BOOK)
        halves = [rows.drop(columns="setting").reset_index(drop=True)
                  for _, rows in charges.groupby("setting", observed=True)]
        pd.testing.assert_frame_equal(*halves)


@pytest.mark.parametrize(
    ("rows", "fixed", "hours"),
    [
        pytest.param([("AUTO_STOP:60", "2026-03-01"), ("ALWAYS_ON", "2026-04-16")],
                     10 + 30 * 15 / 30, 4, id="converted on the 16th"),
        pytest.param([("AUTO_STOP:60", "2026-03-01"), ("ALWAYS_ON", "2026-04-16 17:45")],
                     10 + 30 * 15 / 30, 4, id="the day itself counts whole"),
        pytest.param([("AUTO_STOP:60", "2026-03-01"), ("ALWAYS_ON", "2026-04-01")], 30, 0,
                     id="on the 1st at 00:00 it sets the mode in which the month opens"),
        pytest.param([("AUTO_STOP:60", "2026-03-01"), ("ALWAYS_ON", "2026-04-01 00:00:01")],
                     10 + 30, 0, id="a second later both fees are owed"),
        pytest.param([("ALWAYS_ON", "2026-03-01"), ("AUTO_STOP:60", "2026-04-02")], 30, 0,
                     id="the month is paid for: no hours until the next 1st"),
        pytest.param([("ALWAYS_ON", "2026-03-01"), ("AUTO_STOP:60", "2026-04-01")], 10, 8,
                     id="turned on the 1st at 00:00 it bills hours at once"),
        pytest.param([("AUTO_STOP:60", "2026-03-01"), ("ALWAYS_ON", "2026-04-11"),
                      ("AUTO_STOP:60", "2026-04-13"), ("ALWAYS_ON", "2026-04-21")],
                     10 + 30 * 20 / 30, 4, id="a second conversion in one month is free"),
    ],
)
def test_a_month_in_which_the_mode_changes(
    rows: list[tuple[str, str]], fixed: float, hours: float
) -> None:
    """Three hours and an idle one on the 5th, and the same on the 25th."""
    pairs = (("2026-04-05 09:00", "2026-04-05 12:00"), ("2026-04-25 09:00", "2026-04-25 12:00"))
    charges = charge(*rows, pairs=pairs)
    assert charges["fixed_usd"].item() == pytest.approx(fixed)
    assert charges["billed_hours"].item() == hours
    assert charges["hourly_usd"].item() == hours


def test_maintenance_in_a_free_stretch_is_free() -> None:
    """The third Monday of April 2026 is the 20th."""
    auto = ("AUTO_STOP:60", "2026-03-01")
    for rows, hours in (([auto], 1), ([auto, ("ALWAYS_ON", "2026-04-20")], 0),
                        ([auto, ("ALWAYS_ON", "2026-04-21")], 1),
                        ([auto, ("ALWAYS_ON", "2026-04-11"), ("AUTO_STOP:60", "2026-04-12")], 0)):
        charges = charge(*rows, maintenance_enabled=True)
        assert charges["billed_hours"].item() == hours


def test_a_schedule_that_lacks_a_workspace_is_refused() -> None:
    told = Schedule(opening(ws_a="ALWAYS_ON"), pd.DataFrame(
        {"workspace_id": ["ws-a"], "at": [at("2026-04-02")], "order": ["STOP"]}))
    outcome = replay(fleet_sessions({}), [told], window=APRIL)
    with pytest.raises(InputError, match="does not say what ws-b is set to"):
        bill(outcome, workspaces("ws-a", "ws-b"), BOOK)
    with pytest.raises(InputError, match="without an opening setting"):
        Schedule(opening(ws_a="ALWAYS_ON"), pd.DataFrame(
            {"workspace_id": ["ws-c"], "at": [at("2026-04-02")], "order": ["STOP"]}))
    with pytest.raises(InputError, match="AUTO_STOP:90"):
        Schedule(opening(ws_a="AUTO_STOP:90"), told.commands)
