"""The hands of a review: a thread of its own that makes, or takes back, what was confirmed.

The kernel stays free meanwhile, so that progress is seen and a run can be cancelled. Whatever
happens to the kernel, each call was written to the journal before it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pandas as pd

from wsanalytics.actions import (
    Entry,
    JournalState,
    RunOptions,
    apply_plan,
    journal_lock,
    journal_state,
    read_journal,
    undo,
    went_well,
)
from wsanalytics.aws import Writer
from wsanalytics.errors import InputError, WsanalyticsError
from wsanalytics.formatting import counted
from wsanalytics.recommendations import Plan
from wsanalytics.widgets.review_rows import Place
from wsanalytics.widgets.review_state import Act, Ended, Review, in_words

_INTERRUPTED = ("An earlier run of {kind} that {journal} tells of did not come to its end. "
                "{more}")


class Worker:
    """Carries out what a :class:`Review` has begun, with the *writers* that were handed over.

    *journal* is written before and after each call. *options* say how patiently and how much.
    """

    def __init__(
        self, review: Review, writers: Sequence[Writer], journal: Path, options: RunOptions
    ) -> None:
        self.review, self.writers, self.journal = review, tuple(writers), journal
        self.options = replace(
            options, bar=False, stop=review.why_stop,
            ended=lambda task: review.note(task.change.workspace_id, str(task.outcome),
                                           task.message),
            log=self._tell)
        self.interrupted = ""
        self.also_cut_off: list[Path] = []
        self.others: list[Path] = []
        self.messages: list[str] = []
        self.outcomes: pd.DataFrame | None = None
        self._thread: Thread | None = None

    def take_up(self) -> None:
        """Take up what an earlier kernel left: what can be undone, and what was cut off midway.

        What the run that was cut off was asked for is ticked again.
        """
        if self._is_held():
            self.review.say(f"A run that writes to {self.journal.name} is under way, in another "
                            "panel or program: wait for it, or cancel it there.", trouble=True)
            return
        ledger = self.refresh()
        if ledger.interrupted:
            self._offer(ledger.interrupted)
        elif not self.review.in_force and self.others:
            names = ", ".join(path.name for path in self.others)
            self.review.say(f"Earlier changes can be taken back by their own journals: {names} "
                            "(ws.review(…, journal=that), or ws.undo).")

    def refresh(self) -> JournalState:
        """Read the journal again: it may have been written to by somebody else."""
        ledger = self._ledger()
        self.review.in_force, self.interrupted = _in_force(ledger), ledger.interrupted
        return ledger

    def _offer(self, kind: str) -> None:
        """Say that a run was cut off, and tick what it was asked for."""
        more = "Confirm the undo to go on with it."
        if kind == str(Act.APPLY):
            requested = _asked_last(read_journal(self.journal))
            in_plan = requested & set(self.review.rows["workspace_id"])
            self.review.tick_ids(in_plan)
            more = (
                f"Of {counted(len(requested), 'change')} that it was asked for {len(in_plan):,} "
                "are in this plan and ticked: apply goes on with it where it ended, and undo "
                "takes back what was done."
            )
        also = "".join(f" {path.name} was cut off as well." for path in self.also_cut_off)
        self.review.say(_INTERRUPTED.format(kind=kind, journal=self.journal.name, more=more) + also,
                        trouble=True)

    def _is_held(self) -> bool:
        if not self.journal.exists():
            return False
        try:
            # Taken and given back at once: it only shows whether somebody else has it.
            with journal_lock(self.journal):
                return False
        except WsanalyticsError:
            return True

    def start(self, act: Act) -> None:
        """Carry out *act*, which the review has begun, in a thread."""
        # no daemon: a kernel that is shut down in good order lets the call under way end
        self._thread = Thread(target=self._run, args=(act,), name=f"wsanalytics {act}")
        self._thread.start()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the run is over; whether it is."""
        if self._thread is not None:
            self._thread.join(timeout_seconds)
            return not self._thread.is_alive()
        return True

    def _run(self, act: Act) -> None:
        self.messages = []
        try:
            frame = self._carried_out(act)
        except WsanalyticsError as error:
            self._end({}, f"Nothing more was done. {error}", trouble=True)
        except Exception as error:  # whatever it is, the panel must not stay locked
            self._end({}, f"The run broke off: {error!r}. What was done is in "
                          f"{self.journal.name}.", trouble=True)
            raise
        else:
            self.outcomes = frame
            rows = zip(frame["workspace_id"], frame["outcome"], frame["message"], strict=True)
            ended = {name: Ended(outcome, message) for name, outcome, message in rows}
            bad = not went_well(frame)
            self._end(ended, _told(act, ended, self.journal), trouble=bad)

    def _carried_out(self, act: Act) -> pd.DataFrame:
        review = self.review
        if act is Act.UNDO:
            return undo(self.journal, self.writers, dry_run=False, only=review.under_way,
                        options=replace(self.options, limit=None))
        chosen: Plan = review.plan.only(review.under_way)
        return apply_plan(
            chosen, self.writers, dry_run=act is Act.DRY_RUN, options=self.options,
            journal=self.journal, resume=bool(self.interrupted))

    def _end(self, ended: dict[str, Ended], message: str, *, trouble: bool) -> None:
        """Say how it ended; what the journal knows now can be undone."""
        # Where the run broke off, what single changes have reported until then is all that is
        # known.
        ended = ended or dict(self.review.ended)
        try:
            ledger = self._ledger()
        except WsanalyticsError as error:
            self.review.finish(ended, f"{message} {error}", trouble=True)
            return
        self.interrupted = ledger.interrupted
        self.review.finish(ended, " ".join([message, *self.messages]), trouble=trouble,
                           in_force=_in_force(ledger))

    def _ledger(self) -> JournalState:
        return journal_state(read_journal(self.journal) if self.journal.exists() else [])

    def _tell(self, message: str) -> None:
        self.messages.append(message)
        self.review.say(message)


def _told(act: Act, ended: dict[str, Ended], journal: Path) -> str:
    counts = in_words(ended) or "nothing to do"
    if act is Act.DRY_RUN:
        return f"Dry run: {counts}. Nothing was changed."
    verb = "Applied" if act is Act.APPLY else "Taken back"
    return f"{verb}: {counts}. Every call is in {journal.name}."


def worker_for(
    review: Review, writers: Sequence[Writer], options: RunOptions, folder: Path,
    named: Path | None = None,
) -> Worker:
    """Return a worker that writes to the file *named*, or to one of *folder*.

    A journal there whose last run, for the plan's accounts and some of its WorkSpaces, was cut off
    is gone on with (the latest, if there are several); otherwise it is named after the moment in
    which the plan was made.
    """
    if named is not None:
        return Worker(review, writers, named, options)
    paths = sorted(folder.glob("plan-*.journal.jsonl"), key=lambda path: path.stat().st_mtime)
    entries_by_path = {path: _entries_at(path) for path in reversed(paths)}
    # Newest first, so that the latest run that was cut off is the one to go on with.
    cut_off = [path for path, entries in entries_by_path.items() if _is_cut_off(entries, review)]
    default_path = folder / f"plan-{review.plan.created_at:%Y-%m-%dT%H%M%SZ}.journal.jsonl"
    worker = Worker(review, writers, cut_off[0] if cut_off else default_path, options)
    worker.also_cut_off = cut_off[1:]
    worker.others = [path for path, entries in entries_by_path.items() if path != worker.journal
                     and set(_in_force(journal_state(entries)).values()) & set(review.places)]
    return worker


def _is_cut_off(entries: list[Entry], review: Review) -> bool:
    """Whether the last run of a journal was cut off, and is one of this plan's."""
    ledger = journal_state(entries)
    if not ledger.interrupted:
        return False
    rows = review.rows
    ours = set(zip(rows["account_id"], rows["region"], strict=True))
    theirs = {(pair[0], pair[1]) for pair in _last_begin(entries).get("places") or ()}
    requested = _asked_last(entries) or set(ledger.net_changes)
    return theirs <= ours and bool(requested & set(rows["workspace_id"]))


def _last_begin(entries: list[Entry]) -> Entry:
    """Return the line with which the last run began."""
    return next((entry for entry in reversed(entries) if entry["event"] == "begin"), {})


def _asked_last(entries: list[Entry]) -> set[str]:
    """Return the WorkSpaces that the last run was asked to change."""
    return set((_last_begin(entries).get("plan") or {}).get("asked") or ())


def _entries_at(path: Path) -> list[Entry]:
    """Return the lines of a journal.

    None of one that is not ours, or damaged: it is not gone on with.
    """
    try:
        entries = read_journal(path)
        journal_state(entries)
    except InputError:
        return []
    return entries


def _in_force(ledger: JournalState) -> dict[str, Place]:
    return {name: (net_change.latest.account_id, net_change.latest.region)
            for name, net_change in ledger.net_changes.items()}
