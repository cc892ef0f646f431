"""From samples to sessions: what one may conclude from looking now and then, and how surely."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.build import ME, at, samples
from wsanalytics.errors import InputError
from wsanalytics.sessions.find import find_gaps, find_sessions
from wsanalytics.tables.check_sessions import check_sessions

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
DAY = "2026-03-10 "
COLUMNS = ["workspace_id", "connected_at", "disconnected_at", "start_uncertain_minutes",
           "end_uncertain_minutes", "revealed"]


def looked(states: str, *, first: str = "09:00", every: int = 5, of: str = ME) -> pd.DataFrame:
    """Samples *every* so many minutes from *first* on; a dot is a lost sample."""
    start = at(DAY + first)
    rows = [(str(start + n * every * MINUTE)[:19], s) for n, s in enumerate(states) if s != "."]
    return samples(*rows, of=of)


def told(*rows: tuple[str, str] | tuple[str, str, str | None]) -> pd.DataFrame:
    """Samples of one day, with the last connection where a third word tells it."""
    return samples(*((DAY + r[0], r[1], DAY + r[2] if r[2:] and r[2] else None) for r in rows))


def spans(found: pd.DataFrame) -> list[tuple[str, str]]:
    """The sessions found, as wall-clock times."""
    return [
        (f"{row.connected_at:%H:%M:%S}", f"{row.disconnected_at:%H:%M:%S}")
        for row in found.itertuples()
    ]


def test_a_session_reaches_half_a_step_beyond_its_first_and_last_sample() -> None:
    found = find_sessions(looked("DDCCCDD"))
    assert list(found.columns) == COLUMNS
    assert spans(found) == [("09:07:30", "09:22:30")]
    assert found.iloc[0][COLUMNS[3:]].tolist() == [2.5, 2.5, False]


def test_unknown_is_what_aws_says_of_a_stopped_workspace_so_not_connected() -> None:
    assert spans(find_sessions(looked("DUUCCUUCD"))) == [
        ("09:12:30", "09:22:30"), ("09:32:30", "09:37:30"),
    ]
    assert find_sessions(looked("UUUDDU")).empty


def test_nobody_connected_gives_a_sessions_table_without_rows() -> None:
    assert list(find_sessions(looked("DDDD")).columns) == COLUMNS
    assert check_sessions(find_sessions(looked("DDDD"))).empty


def test_a_long_silence_ends_the_session_and_is_reported() -> None:
    """CONNECTED at 09:10, lost until 12:00, CONNECTED again: 170 minutes are unknown."""
    seen = looked("DCC" + "." * 33 + "CCD")
    found = find_sessions(seen)
    assert spans(found) == [("09:02:30", "09:10:00"), ("12:00:00", "12:07:30")]
    assert found["end_uncertain_minutes"].tolist() == [170, 2.5]
    assert found["start_uncertain_minutes"].tolist() == [2.5, 170]
    gaps = find_gaps(seen)
    assert list(gaps.columns) == ["workspace_id", "from_at", "to_at"]
    assert gaps.iloc[0].tolist() == [ME, at(DAY + "09:10"), at(DAY + "12:00")]


def test_a_silence_while_nobody_is_connected_is_reported_too() -> None:
    seen = looked("DDD" + "." * 33 + "DDD")
    assert find_sessions(seen).empty
    assert len(find_gaps(seen)) == 1


def test_by_default_20_minutes_are_bridged_or_three_steps_if_that_is_more() -> None:
    assert spans(find_sessions(looked("DCCC...CCD"))) == [("09:02:30", "09:42:30")]  # 20 min
    assert len(find_sessions(looked("DCCC....CCCD"))) == 2  # 25 min
    assert spans(find_sessions(looked("DCCC..CCD", every=10))) == [("09:05:00", "10:15:00")]
    assert len(find_sessions(looked("DCCC...CCCD", every=10))) == 2  # 40 min
    assert len(find_sessions(looked("DDCC" + "." * 17 + "CCDD", every=1))) == 1  # 18 min


def test_bridge_gaps_sets_the_longest_silence_that_is_bridged() -> None:
    seen = looked("DCCC.....CCD")
    assert len(find_sessions(seen, bridge_gaps=30 * MINUTE)) == 1
    assert find_gaps(seen, bridge_gaps=30 * MINUTE).empty
    assert len(find_sessions(seen, bridge_gaps=30 * MINUTE - SECOND)) == 2
    assert len(find_gaps(seen, bridge_gaps=30 * MINUTE - SECOND)) == 1
    with pytest.raises(InputError, match="bridge_gaps"):
        find_sessions(seen, bridge_gaps=0 * MINUTE)


def test_duplicates_and_the_order_of_rows_do_not_matter_and_samples_stay_as_they_are() -> None:
    seen = pd.concat([looked("DDCC.CDDCD", of="ws-b"), looked("CCDDDCCDDD", of="ws-a")])
    twice = pd.concat([seen, seen.iloc[::3]]).sample(frac=1, random_state=7, ignore_index=True)
    before = twice.copy(deep=True)
    pd.testing.assert_frame_equal(find_sessions(twice), find_sessions(seen))
    pd.testing.assert_frame_equal(find_gaps(twice), find_gaps(seen))
    pd.testing.assert_frame_equal(twice, before)


def test_irregular_looks_still_bracket_the_truth() -> None:
    found = find_sessions(
        told(("08:40", "D"), ("08:58", "D"), ("09:00", "C"), ("09:04", "C"), ("09:11", "C"),
             ("09:13", "D"), ("09:30", "D"))
    ).iloc[0]
    assert at(DAY + "08:58") <= found["connected_at"] <= at(DAY + "09:00")
    assert at(DAY + "09:11") <= found["disconnected_at"] <= at(DAY + "09:13")
    assert 1 <= found["start_uncertain_minutes"] <= 2
    assert 1 <= found["end_uncertain_minutes"] <= 2


def test_workspaces_that_are_looked_at_at_different_intervals_keep_their_own() -> None:
    """Half a step of 5 and of 30 minutes; 60 minutes of silence are long only for the first."""
    found = find_sessions(pd.concat([
        looked("DCC" + "." * 11 + "CCD", of="ws-often"),
        looked("DCCC.CCD", every=30, of="ws-seldom"),
    ]))
    assert found["workspace_id"].tolist() == ["ws-often", "ws-often", "ws-seldom"]
    assert spans(found)[2] == ("09:15:00", "12:15:00")
    assert spans(found)[0] == ("09:02:30", "09:10:00")


# The last connection that AWS knows of.


def test_last_connected_at_sharpens_the_end_of_a_session() -> None:
    found = find_sessions(
        told(("09:00", "D"), ("09:05", "C"), ("09:10", "C"), ("09:15", "D", "09:13:20"))
    )
    assert spans(found) == [("09:02:30", "09:13:20")]
    assert found["end_uncertain_minutes"].item() <= 1
    assert not found["revealed"].item()


def test_last_connected_at_reveals_a_session_that_no_sample_saw() -> None:
    found = find_sessions(
        told(("09:00", "D"), ("09:05", "D", "09:03:20"), ("09:10", "D", "09:03:20"))
    )
    assert list(found.columns) == COLUMNS
    (start, end), = spans(found)
    assert end == "09:03:20"
    assert "09:00:00" <= start < end
    assert found["revealed"].tolist() == [True]


def test_a_revealed_session_is_given_one_sampling_interval_at_most() -> None:
    """Two ordinary gaps of 5 minutes, then one of 15 in which somebody was there until 09:24."""
    found = find_sessions(
        told(("09:00", "D"), ("09:05", "D"), ("09:10", "D"), ("09:25", "D", "09:24"),
             ("09:30", "D"))
    )
    (start, end), = spans(found)
    assert end == "09:24:00"
    assert "09:19:00" <= start < end
    assert found["start_uncertain_minutes"].item() >= 5


def test_equal_to_the_samples_time_while_connected_it_changes_nothing() -> None:
    plain = told(("09:00", "D"), ("09:05", "C"), ("09:10", "C"), ("09:15", "D"))
    equal = told(("09:00", "D"), ("09:05", "C", "09:05"), ("09:10", "C", "09:10"),
                 ("09:15", "D", "09:10"))
    assert spans(find_sessions(plain))[0][0] == spans(find_sessions(equal))[0][0]
    while_connected = equal.iloc[:3]
    pd.testing.assert_frame_equal(find_sessions(while_connected), find_sessions(plain.iloc[:3]))


def test_what_is_told_late_still_belongs_where_it_happened() -> None:
    late_end = told(("09:00", "D"), ("09:05", "C"), ("09:10", "D"), ("09:15", "D", "09:07"))
    assert spans(find_sessions(late_end)) == [("09:02:30", "09:07:00")]
    late_visit = told(("09:00", "D"), ("09:05", "D"), ("09:10", "D"), ("09:15", "D", "09:03"))
    (start, end), = spans(find_sessions(late_visit))
    assert end == "09:03:00"
    assert "09:00:00" <= start < end


def test_what_is_told_again_is_told_once_and_a_connection_before_all_samples_is_none() -> None:
    again = told(("09:00", "D", "08:30"), ("09:05", "D", "09:03"), ("09:10", "D"),
                 ("09:15", "D", "09:03"), ("09:20", "D", "09:03"))
    assert len(find_sessions(again)) == 1
    assert find_sessions(told(("09:00", "D"), ("09:05", "D", "08:30"))).empty


def test_a_long_silence_is_not_counted_as_connected_whatever_was_told_after_it() -> None:
    """CONNECTED at 09:10, silence, and at 15:00 AWS knows of a connection until 12:00.

    That one moment is known; the three hours before it were not observed, and the contract says
    of a silence: never counted as connected. It may stand as a revealed session of one interval.
    """
    seen = told(("09:00", "D"), ("09:05", "C"), ("09:10", "C"), ("15:00", "D", "12:00"),
                ("15:05", "D", "12:00"), ("15:10", "D", "12:00"))
    gap = find_gaps(seen).iloc[0]
    found = find_sessions(seen)
    inside = (
        found["disconnected_at"].clip(upper=gap["to_at"])
        - found["connected_at"].clip(lower=gap["from_at"])
    ).clip(lower=timedelta(0))
    assert inside.sum() <= 5 * MINUTE


# Few samples.


def test_one_look_that_finds_nobody_finds_no_session() -> None:
    assert find_sessions(looked("D")).empty
    assert find_gaps(looked("D")).empty


@pytest.mark.parametrize("seen", [looked("C"), looked("DD" + "." * 50 + "C" + "." * 50 + "DD")])
def test_one_look_that_finds_somebody_is_a_session_of_positive_length(seen: pd.DataFrame) -> None:
    found = check_sessions(find_sessions(seen))
    assert len(found) == 1
    assert found["end_uncertain_minutes"].item() >= 1


def test_no_samples_at_all_are_refused_or_give_no_sessions() -> None:
    nothing = looked("D").iloc[:0]
    for finder in (find_sessions, find_gaps):
        try:
            assert finder(nothing).empty
        except InputError as error:
            assert "row" in str(error)  # noqa: PT017  # either of the two is fine


# Whatever people do and however one looks.

Truth = list[tuple[datetime, datetime]]


@st.composite
def observed(draw: st.DrawFn) -> tuple[Truth, pd.DataFrame, timedelta]:
    """True sessions, what looking at them on a regular grid shows, and the grid's step."""
    step = draw(st.sampled_from([60, 300, 420, 600, 1800]))
    moment = draw(st.integers(-2 * step, 2 * step))
    truth = []
    for _ in range(draw(st.integers(0, 8))):
        start = moment + draw(st.integers(1, 3 * step))
        moment = start + draw(st.sampled_from([1, step]) | st.integers(1, 3 * step))
        truth.append((start, moment))
    tells_now = draw(st.booleans())
    rows = []
    for when in range(0, step * draw(st.integers(2, 30)), step):
        is_on = any(start <= when < end for start, end in truth)
        last = max((end for _, end in truth if end <= when), default=None)
        rows.append((when, "C" if is_on else "D", when if is_on and tells_now else last))
    zero = at(DAY + "09:00")
    seen = samples(*(
        (zero + when * SECOND, state, None if last is None else zero + last * SECOND)
        for when, state, last in rows
    ))
    return [(zero + a * SECOND, zero + b * SECOND) for a, b in truth], seen, step * SECOND


@given(observed())
def test_found_sessions_lie_within_their_uncertainty_of_the_truth(
    story: tuple[Truth, pd.DataFrame, timedelta],
) -> None:
    truth, seen, step = story
    found = find_sessions(seen)
    assert list(found.columns) == COLUMNS
    check_sessions(found)  # in order, of positive length, and not overlapping
    first, last = seen["sampled_at"].iloc[0], seen["sampled_at"].iloc[-1]
    starts = [max(start, first - step) for start, _ in truth]  # one step beyond what was seen
    ends = [min(end, last + step) for _, end in truth]
    for row in found.itertuples():
        start_off = [abs(row.connected_at - start) for start in starts]
        end_off = [abs(row.disconnected_at - end) for end in ends]
        start_may, end_may = (
            many * MINUTE + timedelta(microseconds=1)
            for many in (row.start_uncertain_minutes, row.end_uncertain_minutes)
        )
        assert min(start_off) <= start_may
        assert min(end_off) <= end_may
        if row.revealed:
            assert row.disconnected_at - row.connected_at <= step
            assert any(a <= start_may and b <= end_may
                       for a, b in zip(start_off, end_off, strict=True))


@given(observed())
def test_no_session_of_more_than_one_interval_is_lost(
    story: tuple[Truth, pd.DataFrame, timedelta],
) -> None:
    truth, seen, step = story
    found = list(zip(*(find_sessions(seen)[c] for c in COLUMNS[1:3]), strict=True))
    first, last = seen["sampled_at"].iloc[0], seen["sampled_at"].iloc[-1]
    for start, end in truth:
        if min(end, last) - max(start, first) > step:
            assert any(a < end and start < b for a, b in found)


@given(st.lists(st.sampled_from("CDU......"), min_size=1, max_size=60), st.sampled_from([1, 5, 30]))
def test_whatever_is_lost_every_sample_that_is_left_is_believed(
    states: list[str], every: int
) -> None:
    seen = looked("D" + "".join(states) + "D", every=every)
    found, gaps = find_sessions(seen), find_gaps(seen)
    check_sessions(found)
    sessions = list(zip(found["connected_at"], found["disconnected_at"], strict=True))
    for row in seen.itertuples():
        if row.connection_state == "CONNECTED":
            assert any(start <= row.sampled_at <= end for start, end in sessions)
        else:
            assert not any(start < row.sampled_at < end for start, end in sessions)
    for gap in gaps.itertuples():
        for start, end in sessions:
            assert min(end, gap.to_at) - max(start, gap.from_at) <= SECOND


def test_an_answer_that_left_a_workspace_out_says_nothing_of_its_user() -> None:
    """Unless it was stopped: then nobody was connected."""
    times = [at("2026-03-02 09:00") + timedelta(minutes=5 * n) for n in range(12)]
    frame = pd.DataFrame({
        "workspace_id": "ws-a", "sampled_at": times, "connection_state": "CONNECTED",
        "state": "AVAILABLE", "last_connected_at": None, "source": "sample"})
    left_out = frame.copy()
    left_out.loc[5, ["connection_state", "source"]] = ["UNKNOWN", "sample without status"]
    assert len(find_sessions(left_out)) == 1
    left_out.loc[5, "state"] = "STOPPED"
    assert len(find_sessions(left_out)) == 2
