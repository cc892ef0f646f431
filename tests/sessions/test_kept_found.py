"""What was found in a store is kept beside it, found no second time, and never stale."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.build import at, workspaces
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.history.store import Store
from wsanalytics.sessions import from_store, kept_found
from wsanalytics.sessions.from_store import Found, find_stored

IDS = ["ws-1", "ws-2", "ws-3"]


def samples(start: str, days: int, ids: list[str]) -> pd.DataFrame:
    times = [at(start) + timedelta(minutes=10 * n) for n in range(days * 144)]
    return pd.DataFrame([{
        "workspace_id": name, "sampled_at": when, "state": "AVAILABLE", "source": "sample",
        "connection_state": "CONNECTED" if 8 <= when.hour < 12 + number else "DISCONNECTED",
    } for number, name in enumerate(ids) for when in times]).assign(
        last_connected_at=pd.Series(pd.NaT, dtype="datetime64[us, UTC]")).astype(
        {"sampled_at": "datetime64[us, UTC]"})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(from_store, "FEWEST_SAMPLES", 1)
    made = Store.create(tmp_path / "fleet")
    made.add_workspaces(workspaces(*IDS), at("2026-01-01"), "first")
    made.add_samples(samples("2026-01-01", 10, IDS[:2]), "first")
    return made


def found(store: Store, ids: list[str] = IDS) -> Found:
    fleet = store.inventory()
    return find_stored(store, fleet[fleet["workspace_id"].isin(ids)], store.window())


def same(first: Found, second: Found) -> None:
    assert first.samples == second.samples
    for name in ("sessions", "gaps", "commands"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))


def test_it_is_found_once_for_the_fleet_and_any_part_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {tuple(ids): found(store, ids) for ids in (IDS[:1], IDS[1:], ["ws-2"])}
    assert not (store.folder / "found").exists()  # of a part nothing is kept
    whole = found(store)
    assert len(list((store.folder / "found").iterdir())) == 1
    monkeypatch.setattr(Store, "samples", None)  # nothing is read any more
    same(found(store), whole)
    for ids, part in parts.items():
        same(found(store, list(ids)), part)
    with pytest.raises(InputError, match="no samples of these"):
        found(store, ["ws-3"])


@pytest.mark.parametrize("change", ["samples", "workspaces", "settings", "touched", "version"])
def test_whatever_changes_it_is_found_again(
    store: Store, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found(store)
    if change == "samples":
        store.add_samples(samples("2026-01-05", 1, ["ws-3"]), "more")
    elif change == "workspaces":
        store.add_workspaces(workspaces("ws-4"), at("2026-01-02"), "more")
    elif change == "settings":
        store.add_settings(pd.DataFrame({
            "workspace_id": ["ws-1"], "setting": ["ALWAYS_ON"], "since": [at("2026-01-03")]}), "x")
    elif change == "touched":  # another content of the same length, with its time set back
        (path,) = (store.folder / "samples" / "day=2026-01-04").glob("*.parquet")
        times = path.stat()
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(bytes(raw))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(InputError, match=r"whole|digest|damaged"):
            found(store)
        return
    else:
        monkeypatch.setattr(kept_found, "__version__", "99")
    calls = []
    find = from_store._find
    monkeypatch.setattr(from_store, "_find", lambda *args: calls.append(1) or find(*args))
    after = found(store)
    assert calls == [1]
    if change == "samples":
        assert after.samples == before.samples + 144
    kept = len(list((store.folder / "found").iterdir()))
    assert kept == (1 if change == "workspaces" else 2)  # then these are a part of the fleet


def test_what_is_kept_is_never_in_the_way(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    whole = found(store)
    (kept,) = (store.folder / "found").iterdir()
    (kept / "sessions.parquet").write_bytes(b"PAR1 no more")
    same(found(store), whole)
    assert main(["store", "check", "--store", str(store.folder)]) == 0
    assert "nothing is amiss" in capsys.readouterr().out
    for number in range(8):  # windows that nobody will ask for again
        fleet, window = store.inventory(), store.window()
        find_stored(store, fleet, type(window).of_days(
            window.start.date(), window.start.date() + timedelta(days=1 + number)))
    assert len(list((store.folder / "found").iterdir())) <= 5


def test_a_store_that_may_not_be_written_to_is_read_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(kept_found, "replaced", refused)
    whole = found(store)
    assert list((store.folder / "found").iterdir()) == []
    monkeypatch.undo()
    same(found(store), whole)
