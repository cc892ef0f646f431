"""Print what was done, or would be, to each WorkSpace, as a table on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from wsanalytics.actions import Outcome
from wsanalytics.cli.printing.changes import SAVES, STARTS, USER, change_text
from wsanalytics.cli.printing.console import console
from wsanalytics.cli.printing.layout import Column, print_rows
from wsanalytics.formatting import counted, listed, measured, number, usd, usd_range
from wsanalytics.recommendations import NewWorkspaces
from wsanalytics.safe_text import plain

_EFFECTIVE = {Outcome.DONE, Outcome.WOULD, Outcome.ALREADY}
_ONE_BY_ONE = {Outcome.DONE, Outcome.WOULD, Outcome.FAILED, Outcome.UNKNOWN}
"""Outcomes whose rows are shown; of the others there are counts, with the reasons."""
_WHY = Column("why", wraps=True, leaves=3)
_NAMED = 5
"""How many WorkSpaces are named where a reason is that of many."""


def print_applied(frame: pd.DataFrame, *, dry_run: bool) -> None:
    """The sum in one line, what is or would be done, and the reasons for all that is not.

    *frame* has the columns that :func:`wsanalytics.actions.apply_plan` gives.
    """
    if frame.empty:
        console().print("There is nothing to change.")
        return
    aim = Outcome.WOULD if dry_run else Outcome.DONE
    _print_headline(frame, aim)
    rows = frame[frame["outcome"].isin(list(map(str, _ONE_BY_ONE)))]
    if len(rows):
        _print_outcomes(
            "What would be done" if dry_run else "What was done", rows,
            (Column("change"), Column(SAVES, right=True), Column(STARTS, right=True, leaves=1)),
            [{"change": change_text(row), SAVES: usd(row["saving_usd_per_month"]),
              STARTS: number(row["extra_cold_starts_per_week"], 1)}
             for row in rows.fillna({"saving_usd_per_month": 0.0}).to_dict("records")])
    _print_others(frame[frame["outcome"] != str(aim)], "change")


def _print_headline(frame: pd.DataFrame, aim: Outcome) -> None:
    done = frame[frame["outcome"] == str(aim)]
    what = f"{counted(len(done), 'change')} {aim}"
    console().print(f"{what}: {_effect(done)}." if len(done) else f"{what}.", soft_wrap=True)
    console().print()


def _print_outcomes(
    title: str, frame: pd.DataFrame, columns: Sequence[Column], cells: list[dict[str, str]]
) -> None:
    """Print rows of outcomes; where the reasons have no room in the table, they follow it."""
    has_reasons = bool((frame["message"] != "").any())
    rows = [{"outcome": str(row["outcome"]), "WorkSpace": plain(row["workspace_id"]),
             "user": plain(row["user_name"]), "why": plain(row["message"]), **more}
            for row, more in zip(frame.to_dict("records"), cells, strict=True)]
    left_out = print_rows(title, (Column("outcome"), Column("WorkSpace"), USER, *columns,
                                  *([_WHY] if has_reasons else [])), rows)
    if _WHY.name in left_out:
        _print_reasons(frame)


def _print_others(frame: pd.DataFrame, noun: str) -> None:
    """Count what is not shown one by one, with the reasons and whom they hold for."""
    out = console()
    for outcome, rows in frame.groupby("outcome", sort=False):
        text = f"{counted(len(rows), noun)} {outcome}"
        if outcome == Outcome.ALREADY:
            text += f": {_effect(rows)}"
        out.print(text, soft_wrap=True)
        if outcome not in _ONE_BY_ONE:
            _print_reasons(rows)


def _print_reasons(frame: pd.DataFrame) -> None:
    """Print each reason once, and the WorkSpaces that it holds for."""
    reasoned = frame[(frame["message"] != "") & ~frame["message"].str.startswith("over the limit")]
    for message, rows in reasoned.groupby("message", sort=False):
        ids = listed([plain(name) for name in rows["workspace_id"]], _NAMED)
        console().print(f"  {ids}: {plain(str(message))}", soft_wrap=True)


def _effect(rows: pd.DataFrame) -> str:
    saving, waits = rows["saving_usd_per_month"].sum(), rows["extra_cold_starts_per_week"].sum()
    money = f"saves {usd(saving)}" if saving >= 0 else f"costs {usd(-saving)}"
    more = "more" if waits >= 0 else "fewer"
    return f"{money} a month, {number(abs(waits), 1)} {more} cold starts a week"


def print_switched(
    frame: pd.DataFrame, verb: str, zone_of: Mapping[str, ZoneInfo], *, dry_run: bool
) -> None:
    """Every WorkSpace that was stopped or started, or would be; and who was left alone and why.

    *frame* is a ``switched`` table, *verb* stop or start; *zone_of* has the clock of each
    WorkSpace's user.
    """
    if frame.empty:
        console().print(f"There is nothing to {verb}.")
        return
    aim = frame["outcome"] == str(Outcome.WOULD if dry_run else Outcome.DONE)
    saved = frame.loc[aim, "saved_hours"].sum()
    effect = f": {measured(abs(saved), 'hour')} {'saved' if saved >= 0 else 'more'}"
    console().print(
        f"{counted(int(aim.sum()), 'WorkSpace')} {'would be ' if dry_run else ''}{_PAST[verb]}"
        + (f"{effect}." if aim.any() else "."), soft_wrap=True)
    console().print()
    rows = frame[frame["outcome"].isin(list(map(str, _ONE_BY_ONE)))]
    if len(rows):
        columns, cells = (_stopped if verb == "stop" else _started)(rows, zone_of)
        _print_outcomes(f"What would be {_PAST[verb]}" if dry_run else f"What was {_PAST[verb]}",
                        rows, columns, cells)
    _print_others(frame[~aim], "WorkSpace")


_PAST = {"stop": "stopped", "start": "started"}
_Cells = tuple[Sequence[Column], list[dict[str, str]]]


def _stopped(rows: pd.DataFrame, zone_of: Mapping[str, ZoneInfo]) -> _Cells:
    return (Column("setting"), Column("last there", leaves=1),
            Column("hours saved", right=True, leaves=2)), [
        {"setting": row["setting"], "hours saved": number(row["saved_hours"], 1),
         "last there": _when(row["last_connected_at"], zone_of.get(row["workspace_id"]))}
        for row in rows.to_dict("records")]


def _started(rows: pd.DataFrame, zone_of: Mapping[str, ZoneInfo]) -> _Cells:
    return (Column("setting"), Column("usually comes", leaves=1),
            Column("chance\ntoday", right=True, leaves=2),
            Column("hours it\ncosts", right=True, leaves=4)), [
        {"setting": row["setting"], "chance\ntoday": f"{row['chance']:.0%}",
         "hours it\ncosts": number(-row["saved_hours"], 1),
         "usually comes": _when(row["expected_at"], zone_of.get(row["workspace_id"]))}
        for row in rows.to_dict("records")]


def _when(at: Any, zone: ZoneInfo | None) -> str:  # noqa: ANN401  # an instant, or none
    """Return an instant on a clock that is named, as in ``2026-11-25 09:12 CET``."""
    return "never" if pd.isna(at) else f"{at.astimezone(zone or UTC):%Y-%m-%d %H:%M %Z}"


def print_verified(frame: pd.DataFrame) -> None:
    """Print what each change has saved against its expectation; the wrong ones come first.

    *frame* is a ``verified`` table.
    """
    out = console()
    if frame.empty:
        out.print("The journal tells of no change that is in force.")
        return
    judged = frame[~frame["verdict"].isin(_NOT_JUDGED)]
    wrong = int(frame["verdict"].eq("wrong").sum())
    out.print(f"{usd(judged['realised_usd'].sum())} realised of {usd(judged['promised_usd'].sum())}"
              f" promised so far, by {counted(len(judged), 'change')} that can be judged"
              + (f"; {counted(wrong, 'change')} wrong." if wrong else "."), soft_wrap=True)
    order = frame.assign(rank=frame["verdict"].map({"wrong": 0, "less": 1}).fillna(2))
    print_rows("Promised and realised", (
        Column("verdict"), Column("WorkSpace"), USER, Column("change"),
        Column("promised", right=True, leaves=1), Column("interval", right=True, leaves=4),
        Column("realised", right=True), Column("days", right=True, leaves=3)),
        [{"verdict": row["verdict"], "WorkSpace": plain(row["workspace_id"]),
          "user": plain(row["user_name"]), "change": change_text(row),
          "days": number(row["days"], 1), "promised": usd(row["promised_usd"]),
          "interval": usd_range(row["promised_low_usd"], row["promised_high_usd"]),
          "realised": usd(row["realised_usd"])}
         for row in order.sort_values(
             ["rank", "realised_usd", "workspace_id"]).to_dict("records")])
    for verdict, rows in frame.groupby("verdict"):
        out.print(f"{counted(len(rows), 'change')} {verdict}", soft_wrap=True)


_NOT_JUDGED = ("too early", "no price", "unobserved")


def print_new_workspace(new_workspaces: NewWorkspaces) -> None:
    """Print each setting's cost for new users, on the error stream: the request goes to output."""
    print_rows("What comparable WorkSpaces cost a month", (
        Column("setting"), Column("on average", right=True),
        Column("80 % interval", right=True, leaves=2),
        Column(_COLD, right=True, leaves=1), Column("cheapest for", right=True, leaves=3)),
        [{"setting": row["setting"], "on average": usd(row["usd_per_month"]),
          "80 % interval": usd_range(row["usd_low"], row["usd_high"]),
          _COLD: number(row["cold_starts_per_week"], 1), "cheapest for": f"{row['best_for']:.0%}"}
         for row in new_workspaces.table.to_dict("records")], out=console(error=True))


_COLD = "cold starts\na week"


def print_created(frame: pd.DataFrame, *, dry_run: bool) -> None:
    """For whom a WorkSpace was created, or would be. *frame* is a ``created`` table."""
    has_reasons = bool((frame["message"] != "").any())
    left_out = print_rows("What would be created" if dry_run else "What was created", (
        Column("outcome"), Column("user"), Column("WorkSpace"), Column("setting", leaves=1),
        Column("directory", leaves=3), Column("bundle", leaves=2),
        *([Column(_WHY.name, wraps=True, leaves=4)] if has_reasons else [])),
        [{"outcome": row["outcome"], "user": plain(row["user_name"]),
          "WorkSpace": row["workspace_id"], "directory": row["directory_id"],
          "bundle": row["bundle_id"], "setting": row["setting"], "why": plain(row["message"])}
         for row in frame.to_dict("records")])
    if _WHY.name in left_out:
        _print_reasons(frame.assign(workspace_id=frame["user_name"]))
