"""History from metrics: what CloudWatch says of a fleet, read as samples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.sandboxes import BoxClock, connected
from wsanalytics.aws.cloudtrail import Change
from wsanalytics.collection.backfill import Backfilled, backfill
from wsanalytics.collection.cloudtrail_settings import settings_in
from wsanalytics.collection.cloudwatch_samples import (
    FINE,
    HOURLY,
    PERIOD,
    PERIODS_PER_HOUR,
    compare_with_samples,
    fine_periods,
    hourly_periods,
    samples_of,
)
from wsanalytics.collection.collector import collect
from wsanalytics.errors import InputError
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.sessions.find import find_gaps, find_sessions
from wsanalytics.settings import Setting

START = datetime(2026, 3, 2, tzinfo=UTC)
EPOCH = int(START.timestamp())
NONE = (np.empty(0, dtype=np.int64), np.empty(0))
Sessions = list[tuple[int, int]]


def metric(flags: list[int | None]) -> tuple[np.ndarray, np.ndarray]:
    """Values of periods from START on; None where there is none."""
    places = [place for place, flag in enumerate(flags) if flag is not None]
    return (np.array([EPOCH + PERIOD * place for place in places], dtype=np.int64),
            np.array([flags[place] for place in places], dtype=float))


def read(connected: list[int | None], stopped: list[int | None] | None = None) -> pd.DataFrame:
    periods = fine_periods(EPOCH, len(connected), metric(connected), metric(stopped or []))
    return samples_of("ws-a", periods, FINE)


def spans(frame: pd.DataFrame) -> list[tuple[float, float]]:
    """Sessions in minutes after START."""
    return [
        tuple((at - START) / timedelta(minutes=1) for at in pair)
        for pair in zip(frame["connected_at"], frame["disconnected_at"], strict=True)
    ]


def test_a_session_over_several_periods_is_seen_at_the_edges_between() -> None:
    found = find_sessions(read([0, 0, 1, 1, 1, 0, 0]))
    assert spans(found) == [(12.5, 22.5)]
    assert found["start_uncertain_minutes"].tolist() == [2.5]
    assert found["end_uncertain_minutes"].tolist() == [2.5]


def test_a_session_within_one_period_is_not_lost() -> None:
    quiet = [0] * 9
    assert spans(find_sessions(read([*quiet, 1, *quiet]))) == [(45, 50)]
    assert len(find_sessions(read([*quiet, 1, 0, 1, 0, 1, *quiet]))) == 3


def test_missing_values_are_no_zeros_and_stopped_tells_off_from_silent() -> None:
    off = read([0, 1, 1, None, None, None, 0], [0, 0, 0, 1, 1, 1, 0])
    assert off["connection_state"].tolist() == [
        "DISCONNECTED", "CONNECTED", "UNKNOWN", "UNKNOWN", "UNKNOWN", "DISCONNECTED"]
    silent = read([0, 0, 0, 0, 1, 1] + [None] * 8 + [0, 0, 0])
    assert find_gaps(off).empty
    assert len(find_gaps(silent)) == 1
    assert len(silent) == 5 + 2


@st.composite
def days(draw: st.DrawFn) -> Sessions:
    """Sessions of one day, in seconds, with breaks of all lengths between."""
    now, sessions = draw(st.integers(0, 20_000)), []
    for _ in range(draw(st.integers(0, 8))):
        length = draw(st.integers(1, 900) | st.integers(600, 15_000))
        sessions.append((now, now + length))
        now += length + draw(st.integers(1, 900) | st.integers(600, 15_000))
    return [(a, b) for a, b in sessions if b < 86_000]


@given(sessions=days())
def test_sessions_found_in_metrics_cover_the_true_ones(sessions: Sessions) -> None:
    """Every period in which somebody was connected lies in or at a session, and the long way
    round: every session found holds a true one; long ones end within half a period."""
    flags = [int(any(a < (k + 1) * PERIOD and b > k * PERIOD for a, b in sessions))
             for k in range(288)]
    frame = read([*flags])
    found = [(60 * a, 60 * b) for a, b in spans(find_sessions(frame))]
    for start, end in found:
        assert any(a < end + PERIOD and b > start - PERIOD for a, b in sessions)
    for a, b in sessions:
        assert any(start - PERIOD <= b and end + PERIOD >= a for start, end in found)
    quiet = [
        (a, b) for place, (a, b) in enumerate(sessions)
        if b - a > 3 * PERIOD
        and (place == 0 or a - sessions[place - 1][1] > 3 * PERIOD)
        and (place == len(sessions) - 1 or sessions[place + 1][0] - b > 3 * PERIOD)
        and a > PERIOD
    ]
    for a, b in quiet:
        assert any(abs(start - a) <= 151 and abs(end - b) <= 151 for start, end in found), (a, b)


@given(counts=st.lists(st.integers(0, PERIODS_PER_HOUR), min_size=1, max_size=30))
def test_hours_keep_their_connected_minutes(counts: list[int]) -> None:
    at = EPOCH + 3600 * np.arange(len(counts))
    full = np.full(len(counts), float(PERIODS_PER_HOUR))
    periods = hourly_periods(EPOCH, len(counts), (at, np.array(counts) / PERIODS_PER_HOUR),
                             (at, full), (at, np.zeros(len(counts))))
    assert periods.connected.reshape(-1, PERIODS_PER_HOUR).sum(axis=1).tolist() == counts
    assert periods.known.all()


def test_an_hour_in_part_is_laid_to_the_side_of_its_neighbour() -> None:
    at = EPOCH + 3600 * np.arange(5)
    periods = hourly_periods(EPOCH, 5, (at, np.array([0, 0.5, 1, 0.25, 0])), (at, np.full(5, 12)),
                             (at, np.zeros(5)))
    (span,) = spans(find_sessions(samples_of("ws-a", periods, HOURLY)))
    assert span == (92.5, 192.5)


def test_hourly_maximum_would_have_called_the_whole_hour_connected() -> None:
    at = EPOCH + 3600 * np.arange(3)
    periods = hourly_periods(EPOCH, 3, (at, np.array([0, 1 / 12, 0])), (at, np.full(3, 12)), NONE)
    (span,) = spans(find_sessions(samples_of("ws-a", periods, HOURLY)))
    assert span[1] - span[0] <= 5


def test_samples_and_metrics_of_the_same_time_are_held_against_each_other() -> None:
    periods = fine_periods(EPOCH, 6, metric([0, 1, 1, 1, 0, None]), NONE)
    at = EPOCH + np.array([330, 700, 1260, 1550, 90])
    compared, wrong = compare_with_samples(periods, at, np.array([True, False, True, True, False]))
    assert compared == 3
    assert wrong.tolist() == [1, 2]


def fill(box: Sandbox, store: Path, **options: object) -> Backfilled:
    with connected(box) as connections:
        return backfill(store, connections=connections, clock=BoxClock(box), **options)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Backfilled, Sandbox, list[str]]:
    said: list[str] = []
    with Sandbox(workspaces=50, seed=4, start=datetime(2026, 10, 7, 9, 2, 3, tzinfo=UTC)) as box:
        box.clock.speed = 0
        store = tmp_path_factory.mktemp("filled") / "store"
        yield fill(box, store, log=said.append), box, said


def test_backfilled_sessions_are_those_that_people_had(
    filled: tuple[Backfilled, Sandbox, list[str]]
) -> None:
    done, box, _ = filled
    history = done.store.history()
    assert history.window.days == 62
    found, truth = find_sessions(history), box.sessions()
    window = history.window
    truth = truth[(truth["connected_at"] < window.end) & (truth["disconnected_at"] > window.start)]

    def hours(frame: pd.DataFrame) -> pd.Series:
        span = (frame["disconnected_at"].clip(upper=window.end)
                - frame["connected_at"].clip(lower=window.start))
        return span.groupby(frame["workspace_id"]).sum() / pd.Timedelta(hours=1)

    true_hours, found_hours = hours(truth), hours(found).reindex(hours(truth).index).fillna(0)
    assert true_hours.sum() > 5000
    assert abs(found_hours.sum() / true_hours.sum() - 1) < 0.02
    seen = (truth["disconnected_at"].clip(upper=window.end)
            - truth["connected_at"].clip(lower=window.start))
    long = truth[seen > timedelta(minutes=15)]
    starts = dict(iter(found.groupby("workspace_id")))
    lost = [
        row for row in long.itertuples()
        if not ((starts[row.workspace_id]["connected_at"] < row.disconnected_at)
                & (starts[row.workspace_id]["disconnected_at"] > row.connected_at)).any()
    ]
    assert lost == []


def test_it_tells_the_price_before_the_calls(
    filled: tuple[Backfilled, Sandbox, list[str]]
) -> None:
    done, box, said = filled
    assert len(said) == 1 and "20 calls of GetMetricData for 100 metrics" in said[0]
    assert done.price_usd == pytest.approx(100 * 0.01 / 1000)
    assert box.calls["cloudwatch", "GetMetricData"] == 20


def test_changes_of_setting_come_from_cloudtrail(
    filled: tuple[Backfilled, Sandbox, list[str]]
) -> None:
    done, box, _ = filled
    truth, known = box.settings(), done.store.settings()
    switched = truth[truth.duplicated("workspace_id", keep=False)]
    assert switched["workspace_id"].nunique() >= 2
    for name, rows in switched.groupby("workspace_id"):
        own = known[known["workspace_id"] == name]
        mode = own["setting"].str.partition(":")[0].tolist()
        assert mode == rows["setting"].str.partition(":")[0].tolist()
        assert abs(own["since"].iloc[-1] - rows["since"].iloc[-1]) < timedelta(seconds=1)
    history = done.store.history()
    assert len(history.in_force.commands) >= 2


def test_newcomers_are_known_from_their_first_value(
    filled: tuple[Backfilled, Sandbox, list[str]]
) -> None:
    done, box, _ = filled
    truth = box.workspaces().set_index("workspace_id")["created_at"].dropna()
    truth = truth[truth > box.clock.now() - timedelta(days=62)]
    known = done.store.inventory().set_index("workspace_id")["created_at"].dropna()
    assert len(truth) >= 2 and sorted(known.index) == sorted(truth.index)
    assert ((known - truth).abs() < timedelta(minutes=6)).all()


def test_twice_the_same_changes_nothing(filled: tuple[Backfilled, Sandbox, list[str]]) -> None:
    done, box, _ = filled
    before = done.store.samples()
    again = fill(box, done.store.folder)
    assert again.complete
    key = ["workspace_id", "sampled_at"]
    after = done.store.samples()
    assert len(after) == len(before)
    pd.testing.assert_frame_equal(
        after.astype({"workspace_id": "str"}).sort_values(key, ignore_index=True)[key],
        before.astype({"workspace_id": "str"}).sort_values(key, ignore_index=True)[key])


def test_samples_agree_with_the_backfill_of_the_same_hours(tmp_path: Path) -> None:
    with Sandbox(workspaces=30, seed=6, start=datetime(2026, 10, 7, 14, tzinfo=UTC)) as box:
        box.clock.speed = 0
        with connected(box) as connections:
            for _ in range(24):
                collect(tmp_path / "store", connections=connections, clock=BoxClock(box))
                box.clock.step(timedelta(minutes=5))
        done = fill(box, tmp_path / "store", days=2)
    assert done.compared > 500
    assert done.disagreements.empty


def test_days_beyond_sixty_three_are_read_by_the_hour(tmp_path: Path) -> None:
    with Sandbox(workspaces=8, seed=4, history_days=90) as box:
        done = fill(box, tmp_path / "store", days=85)
        truth = box.sessions()
    samples = done.store.samples()
    sources = samples["source"].astype("str")
    assert {FINE, HOURLY} <= set(sources)
    split = samples.loc[(sources == FINE).to_numpy(), "sampled_at"].min()
    old = samples.loc[(sources == HOURLY).to_numpy()]
    assert old["sampled_at"].max() < split + timedelta(minutes=5)
    first = old["sampled_at"].min()
    found = find_sessions(samples)

    def hours(frame: pd.DataFrame) -> float:
        inside = frame[(frame["connected_at"] < split) & (frame["disconnected_at"] > first)]
        span = (inside["disconnected_at"].clip(upper=split)
                - inside["connected_at"].clip(lower=first))
        return span.sum() / pd.Timedelta(hours=1)

    assert hours(truth) > 100
    assert hours(found) == pytest.approx(hours(truth), rel=0.08)
    hourly = found[found["disconnected_at"] < split]
    assert (hourly["start_uncertain_minutes"] >= 60).all()


def test_without_the_right_to_read_cloudtrail_the_rest_goes_on(tmp_path: Path) -> None:
    with Sandbox(workspaces=10, faults=Faults(
            denied_actions=("cloudtrail:LookupEvents",))) as box:
        done = fill(box, tmp_path / "store", days=3)
    assert done.rounds["outcome"].tolist() == ["done in part"]
    assert "cloudtrail:LookupEvents" in done.rounds["message"].item()
    assert done.rounds["samples"].item() > 5000


@pytest.mark.parametrize("days_back", [0, -1, 456])
def test_days_that_cloudwatch_does_not_keep_are_refused(tmp_path: Path, days_back: int) -> None:
    with pytest.raises(InputError, match="455"):
        backfill(tmp_path / "store", days=days_back)


def change(hour: int, mode: str | None = None, minutes: int | None = None,
           event: str = "ModifyWorkspaceProperties") -> Change:
    return Change(workspace_id="ws-a", at=START + timedelta(hours=hour), running_mode=mode,
                  auto_stop_minutes=minutes, event=event)


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ([change(5, "ALWAYS_ON")], ["AUTO_STOP:60", "ALWAYS_ON"]),
        ([change(5, "AUTO_STOP")], ["ALWAYS_ON", "AUTO_STOP:60"]),
        ([change(5, "AUTO_STOP"), change(6, None, 240)],
         ["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:240"]),
        ([change(5, None, 120)], ["AUTO_STOP:60", "AUTO_STOP:120"]),
        ([change(1, "AUTO_STOP", 120, "CreateWorkspaces"), change(5, "ALWAYS_ON")],
         ["AUTO_STOP:120", "ALWAYS_ON"]),
        ([change(5, "MANUAL")], []),
        ([change(5)], []),
    ],
)
def test_changes_tell_what_was_set_before_and_after(
    changes: list[Change], settings: list[str]
) -> None:
    told = settings_in(changes, START)
    assert told["setting"].tolist() == settings
    assert all(str(Setting.parse(text)) == text for text in told["setting"])
    assert told["since"].is_monotonic_increasing


def test_what_was_seen_before_a_change_goes_before_what_is_guessed() -> None:
    known = pd.DataFrame({"workspace_id": ["ws-a"], "setting": ["AUTO_STOP:120"],
                          "since": pd.to_datetime([START + timedelta(hours=3)])})
    told = settings_in([change(5, "ALWAYS_ON")], START, known)
    assert told["setting"].tolist() == ["ALWAYS_ON"]
    later = known.assign(since=pd.to_datetime([START + timedelta(hours=8)]))
    assert settings_in([change(5, "ALWAYS_ON")], START, later)["setting"].tolist() == [
        "AUTO_STOP:60", "ALWAYS_ON"]


def test_a_workspace_that_is_gone_keeps_its_history(tmp_path: Path) -> None:
    with Sandbox(workspaces=10, seed=4) as box:
        box.clock.speed = 0
        first = fill(box, tmp_path / "store", days=2)
        count = first.store.samples()["workspace_id"].value_counts()
        gone = str(count.index[0])
        aws = boto3.client("workspaces", endpoint_url=box.url, region_name="us-east-1",
                           aws_access_key_id="a", aws_secret_access_key="b")
        aws.terminate_workspaces(TerminateWorkspaceRequests=[{"WorkspaceId": gone}])
        aws.close()
        box.clock.step(timedelta(minutes=40))
        again = fill(box, tmp_path / "store", days=2)
    inventory = again.store.inventory().set_index("workspace_id")
    assert pd.notna(inventory.loc[gone, "terminated_at"])
    assert again.store.samples()["workspace_id"].value_counts()[gone] >= count.iloc[0]


def test_a_fleet_whose_figures_begin_together_was_not_created_then(tmp_path: Path) -> None:
    with Sandbox(workspaces=12, seed=4, history_days=10) as box:
        done = fill(box, tmp_path / "store", days=30)
    assert done.store.inventory()["created_at"].isna().sum() >= 10


def test_a_region_without_workspaces_is_said_to_be_one(tmp_path: Path) -> None:
    with (
        Sandbox(workspaces=6, regions=("us-east-1",)) as box,
        connected(box, regions=("us-east-1", "eu-west-1")) as connections,
    ):
        done = backfill(tmp_path / "store", connections=connections, days=1, clock=BoxClock(box))
    rows = done.rounds.set_index("region")
    assert rows.loc["us-east-1", "outcome"] == "done"
    assert "no WorkSpaces are known here" in rows.loc["eu-west-1", "message"]
