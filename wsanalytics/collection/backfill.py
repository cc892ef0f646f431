"""Fill a store with years of history on the first day, from CloudWatch and CloudTrail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.aws import (
    AwsError,
    Connection,
    MetricRequest,
    Refusal,
    Series,
    calls_needed,
    connect,
    price_usd,
    read_changes,
    read_metrics,
)
from wsanalytics.check_times import evidence_at
from wsanalytics.collection.accounts import DONE, IN_PART, REFUSED, as_rounds, refused_row
from wsanalytics.collection.clock import Clock
from wsanalytics.collection.cloudtrail_settings import created_in, settings_in, unchanged_in
from wsanalytics.collection.cloudwatch_samples import (
    FINE,
    HOUR,
    HOURLY,
    PERIOD,
    Periods,
    compare_with_samples,
    fine_periods,
    hourly_periods,
    samples_of,
)
from wsanalytics.collection.collector import collect
from wsanalytics.collection.remarks import note_guesses
from wsanalytics.collection.target_store import compacted, new_store
from wsanalytics.defaults import FINE_DAYS, HOURLY_DAYS
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.errors import InputError
from wsanalytics.files import BusyError
from wsanalytics.formatting import cents, counted
from wsanalytics.history import Store
from wsanalytics.progress import working
from wsanalytics.tables import Source
from wsanalytics.timeline import INSTANT_DTYPE, MICROS_PER_SECOND, column_micros

_LOG = logging.getLogger(__name__)
TRAIL_DAYS = 90
"""For how long CloudTrail's event history goes back (CloudTrail user guide)."""
NEWCOMER_AFTER = timedelta(hours=6)
"""A WorkSpace whose first value comes so long after the start of the time asked for, is taken to
have been created then."""
LAG = timedelta(minutes=15)
"""CloudWatch's values come late; the last minutes are left to the next backfill or collector."""
_AT_ONCE = 50
_FINE_METRICS = (("UserConnected", "Maximum"), ("Stopped", "Minimum"))
_HOURLY_METRICS = (("UserConnected", "Average"), ("UserConnected", "SampleCount"),
                   ("Stopped", "Average"))


@dataclass(frozen=True, eq=False)
class Backfilled:
    """The result of :func:`backfill`.

    ``rounds`` has a row for each account and region: account_id, region, workspaces, samples,
    outcome, message. ``compared`` samples of the store were held against CloudWatch's values of
    the same time; ``disagreements`` (workspace_id, sampled_at, connected: what the sample said)
    are those that say otherwise. ``price_usd`` is what AWS charges for the calls.
    """

    store: Store
    rounds: pd.DataFrame
    price_usd: float
    compared: int
    disagreements: pd.DataFrame

    def __repr__(self) -> str:
        against = (
            f"{len(self.disagreements):,} of {self.compared:,} own samples disagree"
            if self.compared else "there were no own samples of that time"
        )
        return (
            f"<Backfilled {int(self.rounds['samples'].sum()):,} samples into {self.store.folder}; "
            f"{against}>"
        )

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for could be had."""
        return bool((self.rounds["outcome"] == DONE).all())


@renamed_arguments(tell="log")
def backfill(
    store: Store | Path | str,
    *,
    days: int = FINE_DAYS,
    regions: Sequence[str] = (),
    profile: str | None = None,
    role_arns: Sequence[str] = (),
    log: Callable[[str], None] = _LOG.info,
    clock: Clock | None = None,
    connections: tuple[Sequence[Connection], Sequence[Refusal]] | None = None,
) -> Backfilled:
    """Fill *store* with what AWS still knows of the last *days* of the fleet.

    CloudWatch's UserConnected and Stopped by five minutes for up to 63 days, by the hour for up
    to 455; CloudTrail's changes of setting for up to 90 days, where the user may read them. *log*
    receives the price of the calls before they are made. Twice the same changes nothing. Raises as
    :func:`wsanalytics.collection.collect` does, which polls the fleet first.
    """
    if not 1 <= days <= HOURLY_DAYS:
        raise InputError(
            f"{days} days", where="--days",
            rule=f"CloudWatch keeps five-minute values for {FINE_DAYS} days and hourly ones for "
            f"{HOURLY_DAYS}", fix=f"use 1 to {HOURLY_DAYS}")
    opened, refused = connections or connect(
        regions=regions, profile=profile, role_arns=role_arns)
    with new_store(store) as opened_store, opened_store.locked("backfill"):
        clock = clock or Clock()
        try:
            polled_rounds = _poll(opened_store, opened, refused, clock)
            job = _Backfill(opened_store, days, clock.now(), log)
            for connection in opened:
                job.fill(connection)
        finally:
            if connections is None:
                for connection in opened:
                    connection.close()
        compacted(opened_store, job.end.date(), log)
        return job.result(polled_rounds)


def _poll(
    store: Store, opened: Sequence[Connection], refused: Sequence[Refusal], clock: Clock
) -> pd.DataFrame:
    """Poll the fleet once, or use what the collector at work on the store has seen."""
    try:
        done = collect(store, log=lambda _: None, clock=clock, connections=(opened, refused))
    except BusyError:
        store.inventory()  # refuses where that collector has seen nothing yet
        return as_rounds([refused_row(refusal, clock.now()) for refusal in refused])
    return done.rounds


@dataclass
class _Backfill:
    store: Store
    days: int
    now: datetime
    log: Callable[[str], None]
    rows: list[dict[str, Any]] = field(default_factory=list)
    price: float = 0.0
    compared: int = 0
    wrong: list[pd.DataFrame] = field(default_factory=list)

    @property
    def end(self) -> datetime:
        return _floor(self.now - LAG, PERIOD)

    @property
    def fine_start(self) -> datetime:
        # Just as CloudWatch drops the oldest of its 63 days while the calls are made: one hour less
        # is asked.
        return _floor(self.end - timedelta(days=min(self.days, FINE_DAYS)), HOUR) + timedelta(
            hours=1 if self.days >= FINE_DAYS else 0)

    @property
    def start(self) -> datetime:
        if self.days <= FINE_DAYS:
            return self.fine_start
        return _floor(self.end - timedelta(days=self.days), HOUR)

    def requests(self, ids: tuple[str, ...]) -> list[MetricRequest]:
        """Return the requests to CloudWatch: five-minute values, and hourly ones before them."""
        fine = MetricRequest(ids, _FINE_METRICS, self.fine_start, self.end, PERIOD)
        if self.start == self.fine_start:
            return [fine]
        return [MetricRequest(ids, _HOURLY_METRICS, self.start, self.fine_start, HOUR), fine]

    def fill(self, connection: Connection) -> None:
        """Fill in everything of one account and region."""
        inventory = self.store.inventory(guesses=False)
        workspaces = inventory[(inventory["account_id"] == connection.account_id)
                        & (inventory["region"] == connection.region)
                        & ~(inventory["terminated_at"] <= self.start)]
        if workspaces.empty:
            self.rows.append({
                "account_id": connection.account_id, "region": connection.region,
                "workspaces": 0, "samples": 0, "outcome": IN_PART,
                "message": "no WorkSpaces are known here; collect first"})
            return
        requests = self.requests(tuple(workspaces["workspace_id"]))
        price = sum(map(price_usd, requests))
        where = f"{connection.account_id} {connection.region}"
        self.log(
            f"{where}: {counted(len(workspaces), 'WorkSpace')}, {counted(self.days, 'day')}: "
            f"{counted(sum(map(calls_needed, requests)), 'call')} of GetMetricData for "
            f"{counted(sum(request.queries for request in requests), 'metric')}, which AWS charges "
            f"with {cents(price)}"
        )
        samples, messages, outcome = 0, [], DONE
        try:
            messages += self.learn_changes(connection, workspaces)
            self.price += price
            for request in requests:
                samples += self.fill_metrics(connection, request, workspaces)
        except AwsError as error:
            _LOG.warning("%s", error)
            # What was written before the refusal stays, and counts: the next backfill goes on from
            # there.
            outcome = REFUSED if not samples else IN_PART
            messages.append(str(error))
        self.rows.append({
            "account_id": connection.account_id, "region": connection.region,
            "workspaces": len(workspaces), "samples": samples,
            "outcome": IN_PART if messages and outcome == DONE else outcome,
            "message": "; ".join(messages),
        })

    def learn_changes(self, connection: Connection, workspaces: pd.DataFrame) -> list[str]:
        """Read changes of setting and creations from CloudTrail.

        Give a message where it is refused.
        """
        # An hour inside CloudTrail's 90 days, so that the oldest day is still complete when it is
        # read.
        start = max(self.start, self.now - timedelta(days=TRAIL_DAYS) + timedelta(hours=1))
        try:
            changes = read_changes(connection, start, self.now)
        except AwsError as error:
            _LOG.warning("%s", error)
            return [f"without changes of setting: {error.refusal.action} was refused"]
        changes = [
            change for change in changes if change.workspace_id in set(workspaces["workspace_id"])
        ]
        name = f"{self.now:%Y%m%dT%H%M%SZ}-{connection.account_id}-{connection.region}-trail"
        earlier = self.store.settings()
        settings = pd.concat([settings_in(changes, self.start, earlier),
                              unchanged_in(changes, start, earlier)], ignore_index=True)
        if len(settings):
            self.store.add_settings(settings, name)
        created = created_in(changes)
        self._note_created(
            workspaces[workspaces["workspace_id"].isin(list(created))], created, name
        )
        return []

    def _note_created(self, rows: pd.DataFrame, created: dict[str, datetime], name: str) -> None:
        if len(rows):
            stamps = pd.Series([created[workspace_id] for workspace_id in rows["workspace_id"]],
                               index=rows.index, dtype=INSTANT_DTYPE)
            self.store.add_workspaces(rows.assign(created_at=stamps), self.now, name)

    def fill_metrics(
        self, connection: Connection, request: MetricRequest, workspaces: pd.DataFrame
    ) -> int:
        """Write the samples of one request, some WorkSpaces at a time; return their number."""
        fine = request.period_seconds == PERIOD
        polled = self._seen(request) if fine else {}
        count, created, batch = 0, {}, []
        what = "reading CloudWatch" if fine else "reading CloudWatch, hourly"
        start = int(request.start.timestamp())
        stem = (f"{'backfill' if fine else 'hourly'}-{connection.account_id}-"
                f"{connection.region}-{request.start:%Y%m%dT%H%M}")
        with working(what, request.queries) as advance:
            for number, (workspace_id, series) in enumerate(
                _by_workspace(read_metrics(connection, request, on_call=advance)), start=1
            ):
                # The instants are epoch seconds, as CloudWatch's; the store's samples are
                # microseconds.
                periods = _periods(request, series)
                first = periods.first_known
                if request.start == self.start and first is not None and (
                    first - start > NEWCOMER_AFTER.total_seconds()
                ):
                    created[workspace_id] = datetime.fromtimestamp(first, UTC)
                # Both sources saw the same time: their disagreement says how far CloudWatch can be
                # trusted.
                if workspace_id in polled:
                    self._compare(workspace_id, periods, *polled[workspace_id])
                batch.append(samples_of(workspace_id, periods, FINE if fine else HOURLY))
                if len(batch) == _AT_ONCE or number == len(request.workspace_ids):
                    count += self._write(batch, f"{stem}-{(number - 1) // _AT_ONCE:05}")
                    batch = []
        count += self._write(batch, f"{stem}-rest") if batch else 0
        # A first value in the middle of the time means a new WorkSpace, unless most of the fleet
        # begins there.
        if len(created) * 2 > len(request.workspace_ids):
            return count  # not all of them are new: CloudWatch knows nothing of the time before
        note_guesses(self.store, workspaces, created, self.now,
                     f"{self.now:%Y%m%dT%H%M%SZ}-{stem}-first-seen")
        return count

    def _write(self, batch: list[pd.DataFrame], name: str) -> int:
        # Each frame has one category; without a common dtype pandas would fall back to plain text.
        names = [frame["workspace_id"].cat.categories[0] for frame in batch if len(frame)]
        samples = pd.concat(
            [frame.astype({"workspace_id": pd.CategoricalDtype(pd.Index(names, dtype="str"))})
             for frame in batch if len(frame)] or batch, ignore_index=True)
        self.store.add_samples(samples, name)
        return len(samples)

    def _seen(self, request: MetricRequest) -> dict[str, tuple[Any, Any]]:
        """Return the store's own polls at the time of *request*.

        Instants and connected, by WorkSpace.
        """
        samples = self.store.samples(request.start.date(), self.end.date() + timedelta(days=1),
                                     sources=[Source.SAMPLE])
        by_workspace = samples.groupby("workspace_id", observed=True)
        return {
            str(name): (column_micros(evidence_at(rows)) // MICROS_PER_SECOND,
                        (rows["connection_state"] == "CONNECTED").to_numpy())
            for name, rows in by_workspace
        }

    def _compare(
        self, workspace_id: str, periods: Periods, at: np.ndarray, connected: np.ndarray
    ) -> None:
        compared, wrong = compare_with_samples(periods, at, connected)
        self.compared += compared
        if wrong.size:
            self.wrong.append(pd.DataFrame({
                "workspace_id": workspace_id,
                "sampled_at": pd.to_datetime(at[wrong], unit="s", utc=True),
                "connected": connected[wrong],
            }))

    def _take_in(self, polled_rounds: pd.DataFrame) -> None:
        """Add to each row what the poll of the fleet was denied.

        It is denied to the backfill as well.
        """
        for polled in polled_rounds[polled_rounds["outcome"] == IN_PART].to_dict("records"):
            for row in self.rows:
                if (row["account_id"], row["region"]) == (polled["account_id"], polled["region"]):
                    row["message"] = "; ".join(filter(None, [polled["message"], row["message"]]))
                    row["outcome"] = IN_PART if row["outcome"] == DONE else row["outcome"]

    def result(self, polled_rounds: pd.DataFrame) -> Backfilled:
        columns = ["account_id", "region", "workspaces", "samples", "outcome", "message"]
        refused = polled_rounds[polled_rounds["outcome"] == REFUSED].reindex(columns=columns)
        self._take_in(polled_rounds)
        rounds = pd.DataFrame(self.rows, columns=columns)
        parts = [part for part in (refused, rounds) if len(part)]
        wrong = pd.concat(self.wrong, ignore_index=True) if self.wrong else pd.DataFrame(
            columns=["workspace_id", "sampled_at", "connected"])
        return Backfilled(self.store, pd.concat(parts, ignore_index=True) if parts else rounds,
                          self.price, self.compared, wrong)


def _floor(instant: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(instant.timestamp() // seconds * seconds, UTC)


def _by_workspace(series: Iterator[Series]) -> Iterator[tuple[str, dict[tuple[str, str], Any]]]:
    for workspace_id, of_workspace in groupby(series, key=lambda values: values.workspace_id):
        yield (
            workspace_id,
            {
                (metric.metric, metric.statistic): (metric.at, metric.values)
                for metric in of_workspace
            },
        )


def _periods(request: MetricRequest, series: dict[tuple[str, str], Any]) -> Periods:
    none = (np.empty(0, dtype=np.int64), np.empty(0))
    values = [series.get(metric, none) for metric in request.metrics]
    start = int(request.start.timestamp())
    if request.period_seconds == PERIOD:
        return fine_periods(start, request.points, values[0], values[1])
    return hourly_periods(start, request.points, values[0], values[1], values[2])
