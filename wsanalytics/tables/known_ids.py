"""Ids of WorkSpaces that nobody knows: one refusal for files, frames and schedules."""

from __future__ import annotations

from collections.abc import Iterable

from wsanalytics.errors import InputError
from wsanalytics.formatting import listed


def check_known_ids(
    ids: Iterable[str], known: Iterable[str], *, what: str, where: str, rule: str, fix: str
) -> None:
    """Raise :class:`InputError` for *ids* of WorkSpaces that are not among the *known*.

    *what* says what there is of them; the first of the unknown ids are named behind it.

    >>> check_known_ids(["ws-b", "ws-a"], ["ws-a"], what="there are sessions of unknown WorkSpaces",
    ...                 where="sessions", rule="", fix="")
    Traceback (most recent call last):
        ...
    wsanalytics.errors.InputError: sessions: there are sessions of unknown WorkSpaces: ws-b.
    """
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise InputError(f"{what}: {listed(unknown)}", where=where, rule=rule, fix=fix)
