"""Find what stands in the way of replacing an old plan: people's edits, and a journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from wsanalytics.actions import Entry, instant_of, journal_beside, journal_state, read_journal
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted
from wsanalytics.recommendations import SCHEMA, Plan, digest_of
from wsanalytics.safe_text import plain
from wsanalytics.tables import load_object
from wsanalytics.views import read_view


def refuse_to_replace(path: Path) -> None:
    """Raise :class:`InputError` where the plan at *path* is not as it was written, or not unused.

    An edited plan holds somebody's decisions, and one with a journal beside it has been applied,
    at least in part: a new plan in its place would propose what is done already.
    """
    entries = _entries(journal_beside(path))
    if done := _changes_in(entries):
        raise InputError(
            f"its journal {journal_beside(path).name} tells of {counted(done, 'change')}",
            where=str(path), rule="a plan that was applied is not replaced",
            fix="name another file, or replace it with --force; what was changed is known from "
            "the next collect on")
    if not path.is_file() or path.stat().st_size == 0:
        return
    document = load_object(path, "a plan")
    if document.get("schema") != SCHEMA:
        raise InputError("it is there, and it is no plan", where=str(path),
                         rule="a plan replaces a plan",
                         fix="name another file, or replace it with --force")
    if document.get("digest") != digest_of(document):  # without one nobody knows: as if edited
        raise InputError(
            "it is there, and somebody has edited it since it was written", where=str(path),
            rule="a plan that was edited is not replaced: rows that were struck, and comments, "
            "would be lost", fix="name another file, or replace it with --force")


def is_edited(path: Path) -> bool:
    """Whether the plan at *path* is not as it was written: people have edited or approved it."""
    document = load_object(path, "a plan")
    return "digest" in document and document["digest"] != digest_of(document)


def refuse_filled_in(view: Path, plan: Plan, path: Path) -> None:
    """Raise :class:`InputError` where somebody has written into the *view* that is there.

    What is in the *plan*, which lies at *path*, is there again afterwards, and is no loss.
    """
    if not view.is_file():
        return
    try:
        written = read_view(view)
    except InputError:
        return  # no view of a plan
    known = plan.changes.set_index("workspace_id")
    for row in written.to_dict("records"):
        name = row["workspace_id"]
        same = name in known.index and (row["approve"], row["comment"]) == (
            known.loc[name, "approved"], known.loc[name, "comment"])
        if (row["approve"].strip() or row["comment"]) and not same:
            raise InputError(
                f"somebody has written into it, beside {plain(name)} for example",
                where=str(view), rule="a view that was filled in is not replaced",
                fix=f"take it over with 'wsanalytics plan approve {path} --from {view}', name "
                "another file, or replace it with --force")


def newer_than(path: Path, known_until: datetime | None) -> str:
    """Return a warning where the journal beside *path* has changes made after *known_until*."""
    entries = _entries(journal_beside(path))
    calls = [instant_of(entry["at"]) for entry in entries if entry["event"] == "call"]
    later = [at for at in calls if known_until is not None and at > known_until]
    if not later or known_until is None:
        return ""
    return (f"warning: {journal_beside(path)} tells of {counted(len(later), 'call')} up to "
            f"{max(later).astimezone(UTC):%Y-%m-%d %H:%M} UTC, after the newest data of "
            f"{known_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC: this plan may propose what is done "
            "already. Collect first.")


def _entries(journal: Path) -> list[Entry]:
    return read_journal(journal) if journal.exists() else []


def _changes_in(entries: Iterable[Entry]) -> int:
    """Return the WorkSpaces that were changed by a journal, or may have been."""
    return len({attempt.workspace_id for attempt in journal_state(entries).attempts
                if attempt.touched and attempt.kind == "apply"})
