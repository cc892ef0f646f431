"""Print what was done, or would be, to each WorkSpace, as a table on a terminal."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from wsanalytics.cli.printing.console import SAVES, WAITS, console, new_table
from wsanalytics.formatting import counted, number, usd, usd_range
from wsanalytics.recommendations import NewWorkspaces
from wsanalytics.safe_text import plain

_EFFECTIVE = {"done", "would be done", "already in force"}


def print_applied(frame: pd.DataFrame, *, dry_run: bool) -> None:
    """Every change and what became of it, the reasons of those that were not made, and the sum.

    *frame* has the columns that :func:`wsanalytics.actions.apply_plan` gives.
    """
    out = console()
    if frame.empty:
        out.print("There is nothing to change.")
        return
    table = new_table("What would be done" if dry_run else "What was done",
                         ["WorkSpace", "user", "change"], [SAVES, WAITS], ["outcome"])
    for row in frame.fillna({"saving_usd_per_month": 0.0}).to_dict("records"):
        table.add_row(plain(row["workspace_id"]), plain(row["user_name"]),
                      f"{row['from_setting']} → {row['to_setting']}",
                      usd(row["saving_usd_per_month"]),
                      number(row["extra_cold_starts_per_week"], 1), _said(row))
    out.print(table)
    _print_sums(frame)


def _print_sums(frame: pd.DataFrame) -> None:
    out = console()
    for outcome, rows in frame.groupby("outcome", sort=False):
        text = f"{counted(len(rows), 'change')} {outcome}"
        if outcome in _EFFECTIVE:
            text += f": {_effect(rows)}"
        out.print(text, soft_wrap=True)


def _effect(rows: pd.DataFrame) -> str:
    saving, waits = rows["saving_usd_per_month"].sum(), rows["extra_cold_starts_per_week"].sum()
    money = f"saves {usd(saving)}" if saving >= 0 else f"costs {usd(-saving)}"
    more = "more" if waits >= 0 else "fewer"
    return f"{money} a month, {number(abs(waits), 1)} {more} cold starts a week"


def _said(row: dict[Hashable, Any]) -> str:
    """Return the outcome, and the reason where the outcome alone does not explain it."""
    message = "" if str(row["message"]).startswith("over the limit") else row["message"]
    return plain(f"{row['outcome']}: {message}" if message else str(row["outcome"]))


def print_switched(frame: pd.DataFrame, verb: str, *, dry_run: bool) -> None:
    """Every WorkSpace that was stopped or started, or would be; and who was left alone and why.

    *frame* is a ``switched`` table, *verb* stop or start.
    """
    out = console()
    if frame.empty:
        out.print(f"There is nothing to {verb}.")
        return
    is_stop = verb == "stop"
    table = new_table(
        f"What would be {_PAST[verb]}" if dry_run else f"What was {_PAST[verb]}",
        ["WorkSpace", "user", "setting"],
        ["last there (UTC)", "hours saved"] if is_stop else
        ["usually comes (UTC)", "chance today", "hours it costs"], ["outcome"])
    for row in frame.to_dict("records"):
        left = [plain(row["workspace_id"]), plain(row["user_name"]), row["setting"]]
        middle = [_when(row["last_connected_at"]), number(row["saved_hours"], 1)] if is_stop else [
            _when(row["expected_at"]), f"{row['chance']:.0%}", number(-row["saved_hours"], 1)]
        table.add_row(*left, *middle, _said(row))
    out.print(table)
    for outcome, rows in frame.groupby("outcome", sort=False):
        out.print(f"{counted(len(rows), 'WorkSpace')} {outcome}", soft_wrap=True)


_PAST = {"stop": "stopped", "start": "started"}


def _when(at: Any) -> str:  # noqa: ANN401  # an instant, or none
    return "never" if pd.isna(at) else f"{at:%Y-%m-%d %H:%M}"


def print_verified(frame: pd.DataFrame) -> None:
    """Print what each change has saved against its expectation; the wrong ones come first.

    *frame* is a ``verified`` table.
    """
    out = console()
    judged = frame[~frame["verdict"].isin(_NOT_JUDGED)]
    if frame.empty:
        out.print("The journal tells of no change that is in force.")
        return
    table = new_table("Promised and realised", ["WorkSpace", "user", "change"],
                      ["days", "promised", "interval", "realised"], ["verdict"])
    order = frame.assign(rank=frame["verdict"].map({"wrong": 0, "less": 1}).fillna(2))
    for row in order.sort_values(["rank", "realised_usd", "workspace_id"]).to_dict("records"):
        table.add_row(
            plain(row["workspace_id"]), plain(row["user_name"]),
            f"{row['from_setting']} → {row['to_setting']}", number(row["days"], 1),
            usd(row["promised_usd"]), usd_range(row["promised_low_usd"], row["promised_high_usd"]),
            usd(row["realised_usd"]), row["verdict"])
    out.print(table)
    out.print(f"{counted(len(judged), 'change')} judged: {usd(judged['promised_usd'].sum())} "
              f"promised so far, {usd(judged['realised_usd'].sum())} realised.", soft_wrap=True)
    for verdict, rows in frame.groupby("verdict"):
        out.print(f"{counted(len(rows), 'change')} {verdict}", soft_wrap=True)


_NOT_JUDGED = ("too early", "no price", "unobserved")


def print_new_workspace(new_workspaces: NewWorkspaces) -> None:
    """Print each setting's cost for new users, on the error stream: the request goes to output."""
    table = new_table("What comparable WorkSpaces cost a month", ["setting"],
                      ["on average", "80 % interval", "cold starts\na week", "cheapest for"])
    for row in new_workspaces.table.to_dict("records"):
        table.add_row(row["setting"], usd(row["usd_per_month"]),
                      usd_range(row["usd_low"], row["usd_high"]),
                      number(row["cold_starts_per_week"], 1), f"{row['best_for']:.0%}")
    console(error=True).print(table)


def print_created(frame: pd.DataFrame, *, dry_run: bool) -> None:
    """For whom a WorkSpace was created, or would be. *frame* is a ``created`` table."""
    table = new_table("What would be created" if dry_run else "What was created",
                      ["user", "WorkSpace", "directory", "bundle", "setting"], [], ["outcome"])
    for row in frame.to_dict("records"):
        table.add_row(plain(row["user_name"]), row["workspace_id"], row["directory_id"],
                      row["bundle_id"], row["setting"], _said(row))
    console().print(table)
