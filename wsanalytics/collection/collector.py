"""Poll a fleet in AWS, once or repeatedly, and write what was seen to a store.

One poll asks for every WorkSpace and for the connection status of each, 25 to a call, at the pace
that the service allows (two calls a second for an account in a region; WorkSpaces quotas). Accounts
and regions are polled side by side. What one of them refuses becomes a row of the result; the
others go on.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pandas as pd

from wsanalytics.aws import (
    Connection,
    Refusal,
    Statuses,
    connect,
    known_directories,
    read_statuses,
    read_workspaces,
    text,
    workspaces_frame,
)
from wsanalytics.collection.accounts import (
    DONE,
    IN_PART,
    REFUSED,
    as_rounds,
    refused_row,
    round_row,
)
from wsanalytics.collection.clock import Clock
from wsanalytics.collection.fleet_metadata import Facts
from wsanalytics.collection.health import NAME, Health
from wsanalytics.collection.remarks import note_polled
from wsanalytics.collection.samples import Poll, as_samples, pace_text
from wsanalytics.collection.target_store import compacted, new_store
from wsanalytics.collection.unreachable import Unreached
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.errors import InputError, WsanalyticsError
from wsanalytics.formatting import counted
from wsanalytics.history import EmptyError, Store, changed_since, updated, with_last_known
from wsanalytics.progress import working

_LOG = logging.getLogger(__name__)
_MOMENT_SECONDS = 0.2


@dataclass(frozen=True, eq=False)
class Collected:
    """The result of :func:`collect`: ``rounds`` has a row for each poll of an account and region.

    Its columns: started_at, account_id, region, role_arn, workspaces, samples, seconds, outcome
    (done, done in part, refused) and message.
    """

    store: Store
    rounds: pd.DataFrame

    def __repr__(self) -> str:
        done = self.rounds["outcome"] != REFUSED
        return (
            f"<Collected {int(self.rounds['samples'].sum()):,} samples in {int(done.sum())} polls, "
            f"{int((~done).sum())} refused, into {self.store.folder}>"
        )

    def _repr_html_(self) -> str:
        frame: pd.DataFrame = self.rounds
        return frame.to_html(index=False)

    @property
    def complete(self) -> bool:
        """Whether every poll of every account and region came to its end."""
        return bool((self.rounds["outcome"] == DONE).all())


@renamed_arguments(tell="log", looks="rounds")
def collect(
    store: Store | Path | str,
    *,
    regions: Sequence[str] = (),
    profile: str | None = None,
    role_arns: Sequence[str] = (),
    directories: Sequence[str] = (),
    every: timedelta | None = None,
    rounds: int | None = None,
    log: Callable[[str], None] = _LOG.info,
    clock: Clock | None = None,
    connections: tuple[Sequence[Connection], Sequence[Refusal]] | None = None,
) -> Collected:
    """Poll the WorkSpaces of some accounts and regions and write what was seen to *store*.

    One poll; with *every*, again and again until Ctrl-C, or so many *rounds*. Without *regions*,
    *profile* and *role_arns* boto3's own ways find region and credentials; each of *role_arns* is
    polled in each of *regions*. *directories* narrow the fleet. *log* is called with how long
    a poll takes. Raises :class:`AwsError` if nothing at all could be polled, and
    :class:`InputError` if another collector is at work on the store.
    """
    opened, refused = connections or connect(
        regions=regions, profile=profile, role_arns=role_arns
    )
    with new_store(store) as opened_store, opened_store.locked("collect"):
        collector = _Collector(opened_store, list(opened), tuple(directories), log,
                               clock or Clock(), _known(opened_store))
        opened_store.tidy()
        again = None if connections else lambda role: connect(
            regions=regions, profile=profile, role_arns=[role])
        collector.unreached = Unreached(list(refused), again)
        try:
            collector.run(every, rounds if every is not None else 1)
        finally:
            collector.stop.set()
            if connections is None:
                for connection in collector.connections:
                    connection.close()
        return Collected(opened_store, as_rounds(collector.rows))


def _known(store: Store) -> dict[tuple[str, str], pd.DataFrame]:
    try:
        inventory = store.inventory(guesses=False)
    except EmptyError:
        return {}
    return {
        (str(account), str(region)): rows.reset_index(drop=True)
        for (account, region), rows in inventory.groupby(["account_id", "region"])
    }


PollResult = tuple[dict[str, Any], WsanalyticsError | None]
"""The row of one poll, and why it could not be done."""


class _Interrupted(Exception):  # noqa: N818  # it is none: somebody pressed Ctrl-C
    """Raised in the threads of a poll that nobody waits for any more."""


@dataclass
class _Collector:
    store: Store
    connections: list[Connection]
    directories: tuple[str, ...]
    log: Callable[[str], None]
    clock: Clock
    known: dict[tuple[str, str], pd.DataFrame]
    rows: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[tuple[str, str], Facts] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    logged_counts: dict[str, int] = field(default_factory=dict)
    messages: SimpleQueue[str] = field(default_factory=SimpleQueue)
    health: Health | None = None
    unreached: Unreached = field(default_factory=Unreached)

    def reach(self) -> list[dict[str, Any]]:
        """Give rows for the accounts that cannot be reached; those that now can are taken in."""
        self.connections += self.unreached.try_again()
        for refusal in self.unreached.refused:
            _LOG.warning("%s", refusal)
        return [refused_row(refusal, self.clock.now()) for refusal in self.unreached.refused]

    def run(self, every: timedelta | None, rounds: int | None) -> None:
        count = 0
        if every is not None:
            self.health = Health(self.store.folder / NAME, self.log)
        try:
            while rounds is None or count < rounds:
                count += 1
                self.poll_all(every)
                if every is None or count == rounds:
                    break
                compacted(self.store, self.clock.now().date(), self.log)
                self.wait(every, is_first=count == 1)
        except KeyboardInterrupt:
            if every is None:
                raise
            self.log("ended on request; every sample so far is in the store")

    def wait(self, every: timedelta, *, is_first: bool) -> None:
        """Wait for the next round; on a terminal it is counted down to, elsewhere named once."""
        step = every.total_seconds()
        seconds = step - time.time() % step  # full hours: there hours are billed
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        if is_first:
            self.log(f"polled again every {step / 60:g} min, next at {at:%H:%M:%S} UTC; "
                     "Ctrl-C ends it")
        end = time.monotonic() + seconds
        with working(f"next poll at {at:%H:%M:%S} UTC", math.ceil(seconds)) as advance:
            while (remaining := end - time.monotonic()) > 0 and not self.stop.is_set():
                self.stop.wait(min(remaining, 1))
                advance(1)

    def poll_all(self, every: timedelta | None) -> None:
        """Poll every connection once, side by side."""
        unreached = self.reach()
        self.rows += unreached
        # From the last poll's inventory, so that the time a poll takes is known before it begins.
        counts = [len(self.known.get(_key(reached), ())) for reached in self.connections]
        for connection, count in zip(self.connections, counts, strict=True):
            self.say_pace(connection, count, every)
        self.pass_on()
        total = 2 * sum(counts)
        with working("polling WorkSpaces", total or None) as advance:
            done = self.side_by_side(partial(self.poll_one, advance=advance), advance)
        rows, errors = [row for row, _ in done], [error for _, error in done if error]
        self.rows += rows
        # Nothing in any of them: either they are empty, or there are no such directories.
        if self.directories and not errors and not sum(row["workspaces"] for row in rows):
            self.refuse_unknown_directories()
        if self.health is not None:
            self.health.note([*unreached, *rows], self.clock.now())
        if every is None and len(errors) == len(rows) and errors:
            raise errors[0]

    def refuse_unknown_directories(self) -> None:
        """Raise :class:`InputError` for directories that no account and region knows."""
        registered = {name for connection in self.connections
                 for name in known_directories(connection, self.directories)}
        if unknown := [name for name in self.directories if name not in registered]:
            raise InputError(
                "there is no such directory", where=f"--directory {' '.join(unknown)}",
                rule="a directory is one that these accounts and regions have registered",
                fix="check the ids and the region")

    def side_by_side(
        self, poll: Callable[[Connection], PollResult], advance: Callable[[int], None]
    ) -> list[PollResult]:
        """Poll all connections at once, in threads that nobody has to wait for."""
        results: dict[int, PollResult | BaseException] = {}

        def run(index: int, connection: Connection) -> None:
            try:
                results[index] = poll(connection)
            except BaseException as error:  # noqa: BLE001  # raised again below
                results[index] = error

        threads = [threading.Thread(target=run, args=both, daemon=True, name="collect")
                   for both in enumerate(self.connections)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            # Wait in moments, not in join(): so Ctrl-C reaches the main thread at once.
            self.stop.wait(_MOMENT_SECONDS)
            self.pass_on()
            advance(0)  # draws the bar in a notebook, where only the main thread may
        self.pass_on()
        in_order = [results[index] for index in range(len(threads))]
        for result in in_order:
            if isinstance(result, BaseException):
                raise result
        return [result for result in in_order if not isinstance(result, BaseException)]

    def say_pace(self, connection: Connection, count: int, every: timedelta | None) -> None:
        """Log how long a poll takes, as soon as that is known and where it has changed."""
        where = f"{connection.account_id} {connection.region}"
        if count and self.logged_counts.get(where) != count:
            self.logged_counts[where] = count
            self.messages.put(pace_text(where, count, every))

    def say_empty(self, connection: Connection) -> None:
        """Log once that there are no WorkSpaces, and what may be the reason."""
        where = f"{connection.account_id} {connection.region}"
        if self.logged_counts.get(where) != 0:
            self.logged_counts[where] = 0
            self.messages.put(
                f"{where}: there are no WorkSpaces here. If there should be some, look "
                "at the region (--region) and the account (--profile, --role-arn)"
            )

    def pass_on(self) -> None:
        """Log the messages of the threads: a notebook shows only what the main one prints."""
        while not self.messages.empty():
            self.log(self.messages.get())

    def poll_one(self, connection: Connection, advance: Callable[[int], None]) -> PollResult:
        """Poll one connection; whatever it refuses is in the message of its row."""
        started_at, began = self.clock.now(), time.monotonic()
        who = (started_at, connection.account_id, connection.region, connection.role_arn)
        try:
            poll = self.seen(connection, advance)
            self.keep(connection, poll, started_at)
        except WsanalyticsError as error:
            _LOG.warning("%s", error)
            return round_row(*who, seconds=time.monotonic() - began, outcome=REFUSED,
                        message=str(error)), error
        missing = [*poll.lost, *self.facts[_key(connection)].missing]
        if poll.nameless:
            missing.append(f"{counted(poll.nameless, 'answer')} of DescribeWorkspaces "
                           "without an id, left out; nobody is taken for terminated")
        row = round_row(*who, workspaces=poll.present, samples=len(poll.samples),
                   seconds=time.monotonic() - began, outcome=IN_PART if missing else DONE,
                   message="; ".join(missing))
        _LOG.info("%s %s: %d samples in %.1f s", connection.account_id, connection.region,
                  len(poll.samples), row["seconds"])
        return row, None

    def seen(self, connection: Connection, advance: Callable[[int], None]) -> Poll:
        """Read the WorkSpaces of a connection, and a sample of each."""
        def paged(count: int) -> None:
            if self.stop.is_set():
                raise _Interrupted
            advance(count)

        nameless: list[int] = []
        described = read_workspaces(connection, directories=self.directories, on_page=paged,
                                    on_nameless=nameless.append)
        polled_at = self.clock.now()
        if described or self.directories:
            self.say_pace(connection, len(described), None)
        else:
            self.say_empty(connection)
        facts = self.facts.setdefault(_key(connection), Facts())
        facts.refresh(connection, described)
        frame = workspaces_frame(connection, described, facts.directories, facts.bundles,
                                 facts.tags)
        frame = with_last_known(frame, self.known.get(_key(connection)), facts.failed)
        answers = [
            answer._replace(answered_at=self.clock.seen(answer.answered_at))
            for answer in read_statuses(
                connection,
                [workspace["WorkspaceId"] for workspace in described],
                on_page=paged,
                goes_on=True,
            )
        ]
        refused = [answer for answer in answers if answer.refused]
        if refused and len(refused) == len(answers) and refused[0].refused:
            raise refused[0].refused
        states = {workspace["WorkspaceId"]: text(workspace.get("State")) for workspace in described}
        lost = [_lost(refused)] if refused else []
        return Poll(frame, as_samples(answers, states), polled_at, lost, sum(nameless))

    def keep(self, connection: Connection, poll: Poll, started_at: datetime) -> None:
        """Write what changed of the WorkSpaces, then the samples: none is ever without its own."""
        key = _key(connection)
        before = self.known.get(key)
        # Only a poll of the whole fleet can show that a WorkSpace is gone.
        is_whole = not self.directories and not poll.nameless
        now = updated(poll.workspaces, before, poll.polled_at, whole=is_whole)
        # WorkSpaces before samples: a kill between the two must not leave samples of unknown ids.
        changed = changed_since(now, before)
        name = f"{started_at:%Y%m%dT%H%M%S}{started_at.microsecond // 1000:03}Z-{'-'.join(key)}"
        if len(changed):
            self.store.add_workspaces(changed, poll.polled_at, name)
        if len(poll.samples):
            self.store.add_samples(poll.samples, name)
            note_polled(self.store, poll.workspaces, poll.samples, self.facts[key].bundles,
                        poll.polled_at, name)
        unpolled = before[~before["workspace_id"].isin(now["workspace_id"])] if (
            before is not None) else now[:0]
        self.known[key] = pd.concat([unpolled, now], ignore_index=True) if len(unpolled) else now


def _lost(refused: Sequence[Statuses]) -> str:
    """Give a message on the connection statuses that are missing as AWS refused some requests."""
    count = sum(len(answer.asked) for answer in refused)
    return f"no connection status of {counted(count, 'WorkSpace')}: {refused[0].refused}"


def _key(connection: Connection) -> tuple[str, str]:
    return connection.account_id, connection.region
