"""Write and read Parquet files with a digest: a changed bit is noticed.

Parquet's own checksums cover its pages, which are written and verified here, and not its footer: a
bit that flips there can make other data of the same bytes. So a digest of the whole file stands in
the footer as well, over all bytes but its own sixteen. A file without one, as other programs write
them, is read as it is.

Whatever the library raises about a file that is not whole becomes one :class:`InputError`.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wsanalytics.errors import InputError

_KEY = b"wsanalytics.seal"
_BLANK = b"0" * 16
_BETWEEN = b"\x18\x10"  # Thrift's compact protocol: a field of bytes, sixteen of them
_NO_SEAL = -1
BROKEN = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError,
          RecursionError, MemoryError, AttributeError)
"""Errors that pyarrow raises, by way of C++ or Python, about bytes that are no whole file."""
_RULE = "a Parquet file is whole, and every bit of it as it was written"
_FIX = "restore this file from a backup, or make it again; out of a store, move it elsewhere"


def write_sealed(
    table: pa.Table, file: BinaryIO, *, row_group_size: int | None = None,
    **options: Any,  # noqa: ANN401  # what ParquetWriter takes
) -> None:
    """Write *table* as Parquet, with page checksums and the digest of the whole."""
    memory = BytesIO()
    with pq.ParquetWriter(memory, table.schema, compression="zstd", write_page_checksum=True,
                          **options) as writer:
        writer.write_table(table, row_group_size=row_group_size)
        writer.add_key_value_metadata({_KEY: _BLANK})
    raw = bytearray(memory.getvalue())
    offset = _seal_in(raw)
    raw[offset : offset + len(_BLANK)] = _digest(raw, offset)
    file.write(raw)


def read_sealed(
    path: Path, *, dictionary: Sequence[str] | None = None,
    filters: list[tuple[str, str, list[str]]] | None = None,
) -> pa.Table:
    """Return the table in the Parquet file at *path*; :class:`InputError` where it is not whole.

    Raises :class:`FileNotFoundError` where there is none.
    """
    with _as_input_error(path):
        return pq.read_table(
            pa.BufferReader(whole_bytes(path)), read_dictionary=dictionary, partitioning=None,
            filters=filters or None, page_checksum_verification=True)


def read_columns(
    path: Path, wanted: Callable[[list[str]], Collection[str]]
) -> tuple[list[str], pa.Table]:
    """The names of all columns of a Parquet file, and the table of those of them *wanted*."""
    with _as_input_error(path), pq.ParquetFile(pa.BufferReader(whole_bytes(path)),
                        page_checksum_verification=True) as file:
        names = list(file.schema_arrow.names)
        kept = wanted(names)
        table = file.read(columns=[name for name in names if name in kept])
        table.validate(full=True)  # text that is no UTF-8 would end in an error far from here
        return names, table


def frame_of(path: Path, table: pa.Table) -> pd.DataFrame:
    """Return the *table*, read from *path*, as a frame."""
    with _as_input_error(path):
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        return frame


def is_sealed(path: Path) -> bool:
    """Whether the file at *path* has a digest, which it was found to fit."""
    return _seal_in(whole_bytes(path)) != _NO_SEAL


def whole_bytes(path: Path) -> bytes:
    """Return the bytes of the file at *path*, held against the digest in it, if it has one."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise _refusal(path, "it is no file but a folder, a pipe or the like")
    raw = path.read_bytes()
    offset = _seal_in(raw)
    if offset != _NO_SEAL and _digest(raw, offset) != raw[offset : offset + len(_BLANK)]:
        raise _refusal(path, "it is damaged: its digest is that of other bytes")
    return raw


def _seal_in(raw: bytes | bytearray) -> int:
    """Find the digest in a file; a damaged key is not searched for, so it does not fit."""
    offset = raw.rfind(_KEY)
    return _NO_SEAL if offset < 0 else offset + len(_KEY) + len(_BETWEEN)


def _digest(raw: bytes | bytearray, offset: int) -> bytes:
    digest = blake2b(digest_size=8)
    # The digest is of all bytes but its own place, which is blank while it is computed.
    digest.update(memoryview(raw)[:offset])
    digest.update(memoryview(raw)[offset + len(_BLANK):])
    return digest.hexdigest().encode()


@contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    """Turns whatever is raised about a file within the block into one message."""
    try:
        yield
    except (FileNotFoundError, InputError):
        raise
    except BROKEN as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise _refusal(path, f"it cannot be read: {reason}" if reason else
                       f"it cannot be read as parquet: {first}") from error


def _refusal(path: Path, what: str) -> InputError:
    return InputError(what, where=str(path), rule=_RULE, fix=_FIX)
