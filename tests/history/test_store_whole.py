"""A store that is not whole is never read as if it were."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.helpers.build import at, workspaces
from tests.history.test_store import DAY, samples
from wsanalytics.cli import main
from wsanalytics.errors import InputError, StoreWarning, WsanalyticsError
from wsanalytics.history import store_files as storefiles
from wsanalytics.history.store import Store
from wsanalytics.history.store_check import check_store
from wsanalytics.tables.sealed_parquet import is_sealed, read_sealed

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four days of two WorkSpaces, one of the days compacted."""
    made = Store.create(tmp_path / "store")
    made.add_workspaces(workspaces("ws-a", "ws-b"), DAY, "first")
    made.add_settings(pd.DataFrame({
        "workspace_id": ["ws-a"], "setting": ["AUTO_STOP:60"],
        "since": pd.Series([at("2026-03-02")], dtype="datetime64[us, UTC]")}), "trail")
    for day in range(4):
        for hour in (0, 5, 9):
            for name in ("ws-a", "ws-b"):
                minutes = [24 * 60 * day + 60 * hour + step for step in range(0, 120, 5)]
                made.add_samples(samples(*minutes, name=name), f"look-{hour}-{name}")
    made.compact(DAY.date() + timedelta(days=1))
    return made


def all_of(store: Store) -> list[pd.DataFrame]:
    history = store.history()
    text = history.samples.astype({"workspace_id": "str", "source": "str", "state": "str",
                                   "connection_state": "str"})
    return [history.workspaces, history.settings,
            text.sort_values(["workspace_id", "sampled_at"], ignore_index=True)]


def data_files(store: Store) -> list[Path]:
    return sorted(path for path in store.folder.rglob("*.parquet"))


def test_every_file_of_a_store_has_page_checksums_and_a_digest(store: Store) -> None:
    for path in data_files(store):
        assert is_sealed(path)
        raw = bytearray(path.read_bytes())
        column = pq.ParquetFile(path).metadata.row_group(0).column(0)
        raw[column.data_page_offset + column.total_compressed_size // 2] ^= 16
        path.write_bytes(raw)
        with pytest.raises(InputError, match="digest"):
            read_sealed(path)
        with pytest.raises(OSError, match=r"(?i)crc|checksum"):
            pq.read_table(path, page_checksum_verification=True, partitioning=None)
        break


def test_of_single_bits_flipped_in_any_file_none_is_read_as_other_data(
    store: Store, pytestconfig: pytest.Config
) -> None:
    """Every file in turn, 100 bits in all, or 400."""
    chance = random.Random(7)
    before = all_of(store)
    files = [*data_files(store), store.folder / "store.json"]
    count, refused = 400 if pytestconfig.getoption("--thorough") else 100, 0
    assert len(files) < count / 4
    for place in range(count):
        path = files[place % len(files)]
        raw = path.read_bytes()
        bit = chance.randrange(8 * len(raw))
        path.write_bytes(raw[: bit // 8] + bytes([raw[bit // 8] ^ (1 << bit % 8)])
                         + raw[bit // 8 + 1 :])
        again, message = read_again(store)
        if message:
            refused += 1
            assert path.name in message
            assert path.name == "store.json" or not check_store(store).is_whole
        for one, other in zip(before, again, strict=bool(again)):
            pd.testing.assert_frame_equal(one, other)
        path.write_bytes(raw)
    # a bit of the digest's own name changes nothing, nor do some in store.json
    assert refused > 0.95 * count


def read_again(store: Store) -> tuple[list[pd.DataFrame], str]:
    """What is read of a store, or why it is refused."""
    try:
        return all_of(Store(store.folder)), ""
    except WsanalyticsError as error:
        return [], str(error)


def spoil(store: Store, how: str) -> str:
    """Make the store unsound, and say the name of what is amiss."""
    day = store.folder / "samples" / "day=2026-03-04"
    samples_folder, parts = store.folder / "samples", store.folder / "workspaces"
    first, look = data_files(store)[0], next(day.glob("*.parquet"))
    todo: dict[str, tuple[Path, Callable[[Path], object]]] = {
        "foreign": (day / "notes.txt", lambda path: path.write_text("mine")),
        "impossible day": (samples_folder / "day=2026-02-30", Path.mkdir),
        "other folder": (samples_folder / "backup", Path.mkdir),
        "dangling": (day / "x.parquet", lambda path: path.symlink_to("nowhere")),
        "pipe": (parts / "p.parquet", os.mkfifo),
        "cut off": (first, lambda path: path.write_bytes(path.read_bytes()[:-100])),
        "another day": (samples_folder / "day=2026-03-05" / "moved.parquet",
                        lambda path: shutil.copy(look, path)),
        "strange samples": (day / "s.parquet", pd.DataFrame({"a": [1]}).to_parquet),
        "strange workspaces": (parts / "s.parquet", pd.DataFrame({"a": [1]}).to_parquet),
    }
    path, spoils = todo[how]
    spoils(path)
    return path.name


@pytest.mark.parametrize("how", ["foreign", "impossible day", "other folder"])
def test_what_is_none_of_its_files_is_named_and_left_out(
    store: Store, how: str, capsys: Capture
) -> None:
    before = all_of(store)
    name = spoil(store, how)
    with pytest.warns(StoreWarning, match=name):
        again = all_of(store)
    for one, other in zip(before, again, strict=True):
        pd.testing.assert_frame_equal(one, other)
    output = store.folder.parent / "s.csv"
    assert main(["sessions", "--store", str(store.folder), "--output", str(output)]) == 1
    assert name in capsys.readouterr().err and output.is_file()
    assert main(["store", "check", "--store", str(store.folder)]) == 1
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("how", ["dangling", "pipe", "cut off", "another day", "strange samples",
                                 "strange workspaces"])
def test_what_should_be_its_data_and_cannot_be_read_is_named_and_no_figure_made(
    store: Store, how: str, capsys: Capture
) -> None:
    name = spoil(store, how)
    output = store.folder.parent / "plan.json"
    assert main(["recommend", "--store", str(store.folder), "--output", str(output)]) == 2
    assert name in capsys.readouterr().err and not output.exists()
    assert main(["store", "check", "--store", str(store.folder)]) == 1
    said = capsys.readouterr().out
    assert name in said and "amiss" in said


def test_a_day_that_may_not_be_looked_into_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    whole = os.scandir

    def closed(path: Path) -> object:
        if Path(path).name == "day=2026-03-04":
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(storefiles.os, "scandir", closed)
    output = store.folder.parent / "plan.json"
    assert main(["recommend", "--store", str(store.folder), "--output", str(output)]) == 2
    assert "day=2026-03-04: it cannot be looked into: Permission denied" in capsys.readouterr().err
    assert main(["store", "check", "--store", str(store.folder)]) == 1
    assert "day=2026-03-04" in capsys.readouterr().out


def test_a_whole_store_is_told_as_whole(store: Store, capsys: Capture) -> None:
    assert main(["store", "check", "--store", str(store.folder)]) == 0
    count = len(data_files(store))
    assert f"{count} files read, nothing is amiss." in capsys.readouterr().out


def test_a_store_of_an_earlier_version_has_files_without_a_digest(
    store: Store, capsys: Capture
) -> None:
    path = store.folder / "workspaces" / "first.parquet"
    pq.write_table(pq.read_table(path, partitioning=None), path)
    assert check_store(store).unsealed == 1
    assert main(["store", "check", "--store", str(store.folder)]) == 0
    assert "1 of an earlier version, without a digest" in capsys.readouterr().out
    assert len(store.inventory()) == 2


def test_the_folder_with_names_of_users_is_for_its_owner_alone(store: Store) -> None:
    assert (store.folder / "workspaces").stat().st_mode & 0o777 == 0o700
    assert (store.folder / "workspaces" / "first.parquet").stat().st_mode & 0o777 == 0o600
