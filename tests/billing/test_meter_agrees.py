"""The bill that is predicted equals the one that the local endpoint's own meter keeps.

The meter counts its machines' running seconds with plain dates; the prediction replays the
sessions that people had, in arrays. They share no billing code.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import boto3
import botocore.exceptions
import pandas as pd
import pytest

from wsanalytics.billing.bill import bill
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.prices.book import load_prices
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.schedule import Schedule
from wsanalytics.simulation.fleet import replay
from wsanalytics.timeline import Window

START = datetime(2026, 10, 5, 13, 20, 7, tzinfo=UTC)
AMOUNTS = ["billed_hours", "cold_starts", "fixed_usd", "hourly_usd", "total_usd"]


@contextmanager
def clients(box: Sandbox) -> Iterator[object]:
    client = boto3.client(
        "workspaces", endpoint_url=box.url, region_name="us-east-1", aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    yield client
    client.close()


def meddle(box: Sandbox, rng: random.Random, *, steps: int) -> int:
    """Somebody changes settings, starts and stops at random through weeks; counts what AWS took."""
    taken = 0
    with clients(box) as aws:
        ids = sorted(box.workspaces()["workspace_id"])
        for _ in range(steps):
            hours, seconds = rng.choice([1, 5, 17, 30]), rng.randrange(3600)
            if rng.random() < 0.2:  # at midnight to the second, where days and months turn
                now = box.clock.now()
                midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0,
                                                             microsecond=0)
                box.clock.step(midnight - now)
            else:
                box.clock.step(timedelta(hours=hours, seconds=seconds))
            for name in rng.sample(ids, 6):
                try:
                    taken += _one_call(aws, name, rng)
                except botocore.exceptions.ClientError:
                    continue  # MANUAL, or in no state for it: AWS refuses as well
    return taken


def _one_call(aws: object, name: str, rng: random.Random) -> int:
    what = rng.choice(["ALWAYS_ON", "AUTO_STOP", "timeout", "start", "stop"])
    if what == "start":
        done = aws.start_workspaces(StartWorkspaceRequests=[{"WorkspaceId": name}])
    elif what == "stop":
        done = aws.stop_workspaces(StopWorkspaceRequests=[{"WorkspaceId": name}])
    else:
        minutes = {"RunningModeAutoStopTimeoutInMinutes": rng.choice([60, 120, 240])}
        done = aws.modify_workspace_properties(
            WorkspaceId=name,
            WorkspaceProperties=minutes if what == "timeout" else {"RunningMode": what})
    return not done.get("FailedRequests")


def predicted(box: Sandbox, window: Window) -> dict[str, pd.DataFrame]:
    """The charges under each hour rule, from the sessions and the settings in force."""
    settings = box.settings()
    opening = settings.drop_duplicates("workspace_id").set_index("workspace_id")["setting"]
    commands = box.orders()
    commands = commands[
        commands["workspace_id"].isin(opening.index)
    ]  # MANUAL ones are not simulated
    replayed = replay(box.sessions(), [Schedule(opening, commands)], window=window)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one WorkSpace has no price, some are not simulated
        return {
            rule: bill(replayed, box.workspaces(), load_prices(), hour_rule=rule)
            for rule in HourRule if rule is not HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT
        }


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("meddling", [0, 45], ids=["settings left alone", "settings changed"])
def test_the_prediction_equals_the_meter_for_every_workspace_month_and_rule(
    seed: int, meddling: int
) -> None:
    with Sandbox(workspaces=40, seed=seed, start=START) as box:
        box.clock.speed = 0
        if meddling:
            assert meddle(box, random.Random(seed), steps=meddling) > meddling
        else:
            box.clock.step(timedelta(days=40))
        window = Window(START - timedelta(days=63), box.clock.now())
        charges = predicted(box, window)
        for rule, rows in charges.items():
            meter = box.bill(rule)
            both = meter.merge(
                rows.astype({"workspace_id": "str", "month": "str"}),
                on=["workspace_id", "month"], how="outer", suffixes=("", "_predicted"),
                indicator=True,
            )
            assert (both["_merge"] == "both").all()
            assert len(both) > 100 and both["billed_hours"].sum() > 1000
            for name in AMOUNTS:
                pd.testing.assert_series_equal(
                    both[f"{name}_predicted"].astype(float), both[name].astype(float),
                    check_names=False, rtol=0, atol=1e-6, obj=f"{name} under {rule}",
                )
