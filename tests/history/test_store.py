"""A store only ever grows, and is whole at every moment."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.build import REPOSITORY, workspaces
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.history.folder import read_history, write_history
from wsanalytics.history.history import History
from wsanalytics.history.store import Store
from wsanalytics.history.summary import store_summary
from wsanalytics.sessions import from_store as stored
from wsanalytics.sessions.find import find_gaps
from wsanalytics.sessions.from_store import find_stored
from wsanalytics.timeline import Window, whole_days

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def samples(
    *minutes: int, name: str = "ws-a", state: str = "CONNECTED", source: str = "sample"
) -> pd.DataFrame:
    at = pd.Series([DAY + timedelta(minutes=one) for one in minutes], dtype="datetime64[us, UTC]")
    return pd.DataFrame({
        "workspace_id": name, "sampled_at": at, "connection_state": state, "state": "AVAILABLE",
        "last_connected_at": at, "source": source,
    })


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(tmp_path / "store")
    made.add_workspaces(workspaces("ws-a", "ws-b"), DAY, "first")
    return made


def keys(frame: pd.DataFrame) -> list[tuple[str, pd.Timestamp]]:
    return sorted(zip(frame["workspace_id"].astype("str"), frame["sampled_at"], strict=True))


def test_what_goes_in_comes_out_day_by_day(store: Store) -> None:
    store.add_samples(samples(5, 1435, 1445), "look")
    assert list(store.days()) == [date(2026, 3, 2), date(2026, 3, 3)]
    assert len(store.samples()) == 3
    assert len(store.samples(end=date(2026, 3, 3))) == 2
    assert len(store.samples(start=date(2026, 3, 3))) == 1
    assert store.samples()["last_connected_at"].tolist() == samples(5, 1435, 1445)[
        "last_connected_at"].tolist()


def test_the_same_sample_twice_changes_nothing(store: Store) -> None:
    store.add_samples(samples(5, 10), "one")
    before = store.samples()
    store.add_samples(samples(5, 10), "one")
    store.add_samples(samples(10, 5), "another")
    pd.testing.assert_frame_equal(store.samples(), before)
    store.compact(date(2026, 4, 1))
    store.add_samples(samples(5, 10), "one")
    pd.testing.assert_frame_equal(store.samples(), before)


def test_a_look_of_our_own_goes_before_a_metric_of_the_same_instant(store: Store) -> None:
    store.add_samples(samples(5, state="DISCONNECTED", source="cloudwatch"), "a-metric")
    store.add_samples(samples(5, state="CONNECTED"), "look")
    assert store.samples()["connection_state"].tolist() == ["CONNECTED"]
    store.compact(date(2026, 4, 1))
    assert store.samples()["connection_state"].tolist() == ["CONNECTED"]


@settings(max_examples=settings.default.max_examples // 2)  # a store is read five times in each
@given(
    looks=st.lists(st.tuples(st.sampled_from(["ws-a", "ws-b"]), st.lists(
        st.integers(0, 4000), min_size=1, max_size=6, unique=True)), min_size=1, max_size=6),
    days=st.integers(0, 4),
)
def test_compaction_changes_no_sample_and_runs_again_after_a_kill(
    tmp_path_factory: pytest.TempPathFactory, looks: list[tuple[str, list[int]]], days: int
) -> None:
    store = Store.create(tmp_path_factory.mktemp("s") / "store")
    expected = set()
    for number, (name, minutes) in enumerate(looks):
        store.add_samples(samples(*minutes, name=name), f"look-{number}")
        expected |= {(name, pd.Timestamp(DAY + timedelta(minutes=one))) for one in minutes}
    assert keys(store.samples()) == sorted(expected)
    copies = {path: path.read_bytes() for path in store.folder.rglob("look-*.parquet")}
    store.compact(DAY.date() + timedelta(days=days))
    assert keys(store.samples()) == sorted(expected)
    for path, data in copies.items():  # killed before the old files were removed
        path.write_bytes(data)
    assert keys(store.samples()) == sorted(expected)
    store.compact(date(2027, 1, 1))
    assert keys(store.samples()) == sorted(expected)
    assert all(len(list(folder.iterdir())) == 1 for folder in store.days().values())


def test_what_was_written_last_counts(store: Store) -> None:
    late = samples(5, 10, state="CONNECTED", source="cloudwatch")
    early = late.assign(connection_state="DISCONNECTED")
    store.add_samples(early, "z-first")
    store.add_samples(late, "a-second")
    assert (store.samples()["connection_state"] == "CONNECTED").all()
    store.compact(date(2026, 4, 1))
    store.add_samples(early, "third")
    assert (store.samples()["connection_state"] == "DISCONNECTED").all()


def test_hourly_figures_count_only_in_hours_that_are_not_known_better(store: Store) -> None:
    store.add_samples(samples(5, 10, 15), "look")
    store.add_samples(samples(2, 7, 12, 62, source="cloudwatch hourly"), "hourly")
    assert store.samples()["sampled_at"].tolist() == samples(5, 10, 15, 62)["sampled_at"].tolist()


def test_the_silence_before_and_after_the_samples_is_a_gap(store: Store) -> None:
    store.add_samples(samples(*range(3000, 4000, 5)), "look")
    history = store.history(start=date(2026, 3, 2), end=date(2026, 3, 6))
    gaps = find_gaps(history)
    assert gaps[["workspace_id", "from_at", "to_at"]].values.tolist() == [
        ["ws-a", DAY, DAY + timedelta(minutes=3000)],
        ["ws-a", DAY + timedelta(minutes=3995), DAY + timedelta(days=4)],
        ["ws-b", DAY, DAY + timedelta(days=4)],
    ]


def test_workspaces_without_a_sample_are_unobserved_however_many_are_read_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_samples(samples(*range(0, 1440, 5)), "look")
    whole = find_stored(store, store.inventory(), store.window())
    monkeypatch.setattr(stored, "ROWS_AT_ONCE", 1)
    one_by_one = find_stored(store, store.inventory(), store.window())
    assert whole.gaps["workspace_id"].tolist() == ["ws-b"]
    pd.testing.assert_frame_equal(one_by_one.gaps, whole.gaps)
    pd.testing.assert_frame_equal(one_by_one.sessions, whole.sessions)


def test_days_that_nobody_observed_are_no_history(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three days of samples, sixty asked for: it begins with them and says so."""
    store.add_samples(samples(*range(0, 3 * 1440, 5)), "look")
    plan = store.folder.parent / "plan.json"
    arguments = ["recommend", "--store", str(store.folder), "--output", str(plan)]
    assert main([*arguments, "--start", "2026-01-05"]) == 0
    said = json.loads(plan.read_text())
    assert said["changes"] == [] and said["unused"] == []
    assert "before the first observed day, 2026-03-02: it begins on" in capsys.readouterr().err
    reasons = {one["workspace_id"]: one["reason"] for one in said["left_alone"]}
    assert "The history is too short: 3 days observed, 21 needed." in reasons["ws-a"]
    assert main([*arguments, "--end", "2026-03-01"]) == 2
    assert "--end 2026-03-01 is not after" in capsys.readouterr().err
    assert main([*arguments, "--start", "2026-05-01", "--end", "2026-06-01"]) == 2
    assert "no samples from" in capsys.readouterr().err


def emptied(store: Store, day: date) -> None:
    for file in store.days()[day].glob("*.parquet"):
        pq.write_table(pq.read_table(file, partitioning=None).slice(0, 0), file)


@pytest.mark.parametrize("empty", [0, 1, 2, 3])
def test_a_day_whose_files_hold_no_row_is_a_day_that_nobody_observed(
    store: Store, empty: int, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add_samples(samples(*range(0, 4 * 1440, 5)), "look")
    days = list(store.days())
    emptied(store, days[empty])
    seen = [day for day in days if day != days[empty]]
    assert store.observed() == Window.of_days(seen[0], seen[-1] + timedelta(days=1))
    assert store.newest_at().date() == seen[-1]
    assert main(["store", "info", "--store", str(store.folder)]) == 0
    assert main(["recommend", "--store", str(store.folder), "--output",
                 str(store.folder.parent / "plan.json")]) == 0
    assert "newest sample is" in capsys.readouterr().err


def test_a_store_of_files_without_rows_has_no_samples(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add_samples(samples(5, 10), "look")
    emptied(store, date(2026, 3, 2))
    assert main(["store", "info", "--store", str(store.folder)]) == 0
    assert main(["report", "--store", str(store.folder), "--output",
                 str(store.folder.parent / "report.html")]) == 2
    assert "there are no samples" in capsys.readouterr().err


def test_two_backfills_count_once(store: Store) -> None:
    store.add_samples(samples(5, 10, source="cloudwatch"), "one")
    store.add_samples(samples(5, 10, 15, source="cloudwatch"), "two")
    assert store_summary(store).samples == 3


def test_reading_goes_on_while_a_day_is_compacted(store: Store) -> None:
    for number in range(40):
        store.add_samples(samples(number), f"look-{number:02}")
    code = ("import sys; from datetime import date; from pathlib import Path; "
            "from wsanalytics.history.store import Store; Store(Path(sys.argv[1])).compact("
            "date(2026, 4, 1))")
    with subprocess.Popen([sys.executable, "-c", code, str(store.folder)]) as other:
        while other.poll() is None:
            assert len(store.samples()) == 40
            assert store.size_bytes() > 0
            store.tidy()
    assert other.returncode == 0 and len(store.samples()) == 40


def test_many_changes_of_workspaces_are_compacted_too(store: Store) -> None:
    store.add_samples(samples(5), "look")
    for number in range(120):
        minutes = 60 * (1 + number % 3)
        store.add_workspaces(
            workspaces("ws-a", running_mode="AUTO_STOP", auto_stop_minutes=minutes),
            DAY + timedelta(minutes=number), f"change-{number:03}")
    before = store.settings(), store.inventory()
    store.compact(date(2026, 4, 1))
    assert len(list((store.folder / "workspaces").iterdir())) == 1
    for frame, again in zip(before, (store.settings(), store.inventory()), strict=True):
        pd.testing.assert_frame_equal(frame, again)


def test_a_kill_while_the_store_was_made_does_not_block_its_folder(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".store.json.abc.tmp").write_text("{")
    assert Store.is_at(Store.create(tmp_path / "store").folder)


def test_properties_are_kept_as_they_change(store: Store) -> None:
    changed = workspaces("ws-a", running_mode="AUTO_STOP", auto_stop_minutes=120)
    store.add_workspaces(changed, DAY + timedelta(hours=30), "second")
    store.add_samples(pd.concat([samples(0, 2879), samples(0, 2879, name="ws-b")]), "look")
    history = store.history()
    settings = history.settings[history.settings["workspace_id"] == "ws-a"]
    first = workspaces("ws-a")["running_mode"].item()
    assert settings["since"].tolist() == [DAY, DAY + timedelta(hours=30)]
    assert settings["setting"].str.startswith(first).tolist()[0]
    assert settings["setting"].tolist()[1] == "AUTO_STOP:120"
    assert history.configured["ws-a"] == "AUTO_STOP:120"
    early = store.history(end=date(2026, 3, 3))
    assert early.configured["ws-a"] == settings["setting"].tolist()[0]
    assert len(history.in_force.commands) == 1


def test_a_history_written_and_read_again_keeps_its_settings(
    store: Store, tmp_path: Path
) -> None:
    store.add_workspaces(workspaces("ws-a", running_mode="AUTO_STOP", auto_stop_minutes=240),
                         DAY + timedelta(hours=3), "second")
    store.add_samples(samples(0, 1439), "look")
    history = store.history()
    (tmp_path / "copy").mkdir()
    write_history(history, tmp_path / "copy")
    again = read_history(tmp_path / "copy")
    pd.testing.assert_frame_equal(again.settings, history.settings)
    assert again.configured.equals(history.configured)
    assert isinstance(read_history(store.folder), History)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-03-02 00:03", "2026-03-04 23:56", ("2026-03-02", "2026-03-05")),
        ("2026-03-02 09:00", "2026-03-05 15:00", ("2026-03-03", "2026-03-05")),
        ("2026-03-02 09:00", "2026-03-02 15:00", ("2026-03-02", "2026-03-03")),
        ("2026-03-02 09:00", "2026-03-03 15:00", ("2026-03-02", "2026-03-04")),
    ],
)
def test_a_history_covers_whole_days_where_there_are_any(
    first: str, last: str, expected: tuple[str, str]
) -> None:
    window = whole_days(pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC"))
    assert window == Window.of_days(*map(date.fromisoformat, expected))


def test_store_info_tells_span_workspaces_holes_and_size(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add_samples(samples(0, 5, 10, 200, 205), "look")
    summary = store_summary(store)
    assert (summary.samples, summary.days) == (5, 1)
    assert summary.holes["hours"].tolist() == [pytest.approx(190 / 60)]
    assert main(["store", "info", "--store", str(store.folder)]) == 0
    said = capsys.readouterr().out
    for words in ("5 samples of 1 day", "2026-03-02 00:10 to 2026-03-02 03:20 (3.2 h)", "1 hole"):
        assert words in said


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1 and "Fix:" in captured.err
    return captured.err


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ('{"schema": "wsanalytics.store", "version": 2}', "of version 2"),
        ('{"schema": "wsanalytics.st', "cannot be read"),
        ('{"schema": "else"}', "cannot be read"),
        ("[]", "cannot be read"),
    ],
)
def test_a_store_of_another_kind_is_refused(
    store: Store, capsys: pytest.CaptureFixture[str], about: str, words: str
) -> None:
    (store.folder / "store.json").write_text(about)
    assert words in refused(["store", "info", "--store", str(store.folder)], capsys)


def test_a_folder_without_a_store_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no store" in refused(["store", "info", "--store", str(tmp_path)], capsys)
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(InputError, match="but it is no store"):
        Store.create(tmp_path)
    from wsanalytics.errors import OutputError

    with pytest.raises(OutputError, match="cannot be made"):
        Store.create(tmp_path / "not" / "there")


def test_a_file_cut_off_is_named(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.add_samples(samples(5), "look")
    (path,) = store.folder.rglob("look.parquet")
    path.write_bytes(path.read_bytes()[:100])
    output = str(store.folder.parent / "s.csv")
    said = refused(["sessions", "--store", str(store.folder), "--output", output], capsys)
    assert str(path) in said
    assert not Path(output).exists()


def test_one_process_at_a_time_collects(store: Store) -> None:
    code = (
        "import sys; from pathlib import Path; from wsanalytics.history.store import Store; "
        "lock = Store(Path(sys.argv[1])).locked('collect'); lock.__enter__(); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(store.folder)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another process is busy with 'collect'"), (
            store.locked("collect")
        ):
            pass
        with store.locked("backfill"):
            pass
        other.kill()
    with store.locked("collect"):
        pass  # a lock dies with its process


def test_a_full_disk_loses_nothing(store: Store) -> None:
    """A limit on the size of files stands for the disk: the write fails half-way."""
    store.add_samples(samples(5), "look")
    before = {path: path.read_bytes() for path in store.folder.rglob("*.parquet")}
    code = f"""
import resource, signal, sys
sys.path.insert(0, {str(REPOSITORY)!r})
from pathlib import Path
from tests.history.test_store import samples
from wsanalytics.errors import OutputError
from wsanalytics.history.store import Store
store = Store(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))
try:
    store.add_samples(samples(*range(1000)), "big")
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(store.folder)], text=True,
                          capture_output=True, check=True)
    assert "cannot be written" in done.stdout
    assert {path: path.read_bytes() for path in store.folder.rglob("*.parquet")} == before
    assert not list(store.folder.rglob("*.tmp"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400


@pytest.mark.parametrize("times", [
    pytest.param(6, id="6 kills"),
    pytest.param(200, id="200 kills", marks=pytest.mark.thorough),
])
def test_a_collector_killed_at_random_loses_no_look_that_was_done(
    tmp_path: Path, times: int
) -> None:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "tests" / "helpers" / "killing.py"), str(times), "1",
         str(tmp_path)],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert said["kills"] >= times and said["looks"] >= times


@pytest.mark.parametrize("times", [
    pytest.param(3, id="3 times"),
    pytest.param(10, id="10 times", marks=pytest.mark.thorough),
])
def test_a_disk_that_is_full_at_random_costs_nothing_that_was_done(
    tmp_path: Path, times: int
) -> None:
    """Collect, backfill and compaction, each with a limit on how large a file may grow."""
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "tests" / "helpers" / "killing.py"), "full",
         str(times), "2",
         str(tmp_path)], capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert said["tried"] == 3 * times and sum(said["failed"].values()) > 0
