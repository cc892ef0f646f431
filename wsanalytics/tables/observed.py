"""Tables of what was observed: WorkSpaces, samples, sessions, gaps, settings, commands, runs."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.tables.contract import (
    ID,
    SETTING,
    Column,
    Kind,
    Table,
    flag,
    instant,
    number,
    text,
)
from wsanalytics.timeline import (
    MICROS_PER_MINUTE,
)

WORKSPACES = Table(
    "workspaces",
    "one WorkSpace, as it is configured now",
    (
        ID,
        text("region", "AWS region code, such as eu-west-1"),
        text("compute_type", "the bundle's hardware, such as VALUE or POWERPRO"),
        text("running_mode", "how it is paid for today; MANUAL is reported, not simulated",
             choices=("ALWAYS_ON", "AUTO_STOP", "MANUAL")),
        Column(name="auto_stop_minutes", kind=Kind.WHOLE, unit="minutes", required=False,
               nullable=True, default_text="needed for AUTO_STOP",
               meaning="AutoStop timeout: a multiple of 60 from 60 to 2880"),
        text("account_id", "the AWS account that pays for it", ""),
        text("directory_id", "the directory it is registered in, d-…", ""),
        text("user_name", "the person it belongs to", ""),
        text("computer_name", "its name in the directory", ""),
        text("bundle_id", "the bundle it was made from, wsb-…", ""),
        text("operating_system", "WINDOWS, AMAZON_LINUX_2, UBUNTU, RHEL, ROCKY, or AWS's longer "
             "names such as WINDOWS_11", "WINDOWS"),
        text("license", "included, or byol for bring your own license", "included"),
        Column(name="root_gib", kind=Kind.WHOLE, unit="GiB", required=False, nullable=True,
               default_text="the bundle's base volume", meaning="root volume"),
        Column(name="user_gib", kind=Kind.WHOLE, unit="GiB", required=False, nullable=True,
               default_text="the bundle's base volume", meaning="user volume"),
        text("state", "what AWS last said of it, such as AVAILABLE or STOPPED", "AVAILABLE"),
        instant("created_at", "when it was created", required=False, nullable=True,
            default_text="before the window"),
        instant("terminated_at", "when it was terminated", required=False, nullable=True,
            default_text="never"),
        flag("maintenance_enabled", "its directory's maintenance mode, which starts an "
             "AUTO_STOP WorkSpace once a month"),
        flag("standby", "a standby WorkSpace of another region: reported, not simulated"),
        text("tags", "its tags as a JSON object", "{}", default_text="none"),
    ),
    ("workspace_id",),
)

SAMPLES = Table(
    "samples",
    "what one poll of one WorkSpace saw",
    (
        ID,
        instant("sampled_at", "when it was polled"),
        text("connection_state", "UNKNOWN is what AWS reports of a stopped WorkSpace",
             choices=("CONNECTED", "DISCONNECTED", "UNKNOWN")),
        text("state", "the WorkSpace's state, such as AVAILABLE or STOPPED", nullable=True),
        instant("last_connected_at", "the last moment that AWS knew a user to be connected",
            nullable=True),
        instant("checked_at",
                "when AWS checked the connection: the connection state is evidence of "
            "this instant", required=False, nullable=True, default_text="sampled_at"),
        text("source", "where the sample came from", nullable=True),
    ),
    ("workspace_id", "sampled_at"),
)

SESSIONS = Table(
    "sessions",
    "one stretch in which a user was connected",
    (
        ID,
        instant("connected_at", "when the user connected"),
        instant("disconnected_at", "when the user disconnected (excluded)"),
        number("start_uncertain_minutes", "by how much the start may be off", "minutes",
               required=False, nullable=True, default_text="not known"),
        number("end_uncertain_minutes", "by how much the end may be off", "minutes",
               required=False, nullable=True, default_text="not known"),
        flag("revealed", "no sample saw it: last_connected_at gave it away"),
    ),
    ("workspace_id", "connected_at"),
)

RUNS = Table(
    "runs",
    "one stretch in which a WorkSpace was seen switched on",
    (
        ID,
        instant("started_at", "when it was switched on"),
        instant("stopped_at", "when it was switched off (excluded)"),
        number("start_uncertain_minutes", "by how much the start may be off", "minutes"),
        number("end_uncertain_minutes", "by how much the end may be off", "minutes"),
    ),
    ("workspace_id", "started_at"),
)

GAPS = Table(
    "gaps",
    "one interval that nobody observed: neither connected nor free",
    (
        ID,
        instant("from_at", "the last sample before the silence"),
        instant("to_at", "the first sample after it"),
    ),
    ("workspace_id", "from_at"),
)

SETTINGS = Table(
    "settings",
    "one WorkSpace from one moment on: what it is set to until its next row",
    (
        ID,
        SETTING,
        instant("since", "when it was set so, or was first seen so"),
    ),
    ("workspace_id", "since"),
)

ORDERS = Table(
    "orders",
    "one command given to one WorkSpace at one moment",
    (
        ID,
        instant("at", "when"),
        text("order", "START, STOP, or the setting from then on"),
    ),
    ("workspace_id", "at"),
)

SHORTEST_BRIDGE = 20 * MICROS_PER_MINUTE
"""By default gaps up to 20 minutes are bridged: that long AWS itself waits before it calls a
client without a connection disconnected (WorkSpaces admin guide, running mode)."""


class Source(StrEnum):
    """The origin of a sample; the value stands in its column ``source``.

    People's own files may name other sources: what ends in "hourly" counts as hourly figures.
    """

    SAMPLE = "sample"
    """A poll of our own: what AWS said of the connection at that time."""
    NO_STATUS = "sample without status"
    """A poll in which AWS said nothing of the connection: unless the WorkSpace was stopped, nobody
    knows whether somebody was connected."""
    CLOUDWATCH = "cloudwatch"
    """CloudWatch's figures of five minutes."""
    CLOUDWATCH_HOURLY = "cloudwatch hourly"
    """CloudWatch's figures of an hour: their sessions' ends lie anywhere in it."""


def is_hourly(source: pd.Series) -> npt.NDArray[np.bool_]:
    """Mark the samples that come from figures of a whole hour."""
    return _matches(source, lambda name: name.endswith("hourly"))


def is_from_cloudwatch(source: pd.Series) -> npt.NDArray[np.bool_]:
    """Mark the samples that come from CloudWatch, rather than from a poll."""
    return _matches(source, lambda name: name.startswith(Source.CLOUDWATCH))


def _matches(source: pd.Series, is_meant: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
    names = source.astype("category")  # a handful of names in millions of rows
    wanted = np.array([is_meant(str(name)) for name in names.cat.categories], dtype=bool)
    codes = names.cat.codes.to_numpy()  # -1 where there is none
    return np.append(wanted, False)[codes]
