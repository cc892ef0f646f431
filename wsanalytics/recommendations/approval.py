"""Approve the changes of a plan, or strike them: people's decisions, kept in ``plan.json``.

Decisions are written into the file as it is, so that fields of others stay. As soon as one change
is approved only approved ones are made; where there are none, all but those that were struck.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.files import write_text
from wsanalytics.formatting import counted, listed
from wsanalytics.recommendations.plan import Plan
from wsanalytics.recommendations.plan_file import read_plan
from wsanalytics.recommendations.reasons import NEEDS_APPROVAL
from wsanalytics.tables import load_object

YES, NO = "yes", "no"
_MEANT = {"yes": YES, "y": YES, "true": YES, "no": NO, "n": NO, "false": NO, "": ""}
"""What people write into the column approve, and what they mean by it. An x could be either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision on one change: ``approve`` is yes, no, or empty; a ``comment`` of None stays."""

    approve: str
    comment: str | None = None


def approve(path: Path, names: Iterable[str] | None) -> Plan:
    """Approve the changes of the WorkSpaces *names* (None: all) in the plan at *path*; return it.

    Raises :class:`InputError` for a WorkSpace that the plan does not change.
    """
    plan = read_plan(path)
    ids = plan.changes["workspace_id"].tolist()
    wanted = ids if names is None else list(names)
    if strangers := [name for name in wanted if name not in set(ids)]:
        alone = plan.left_alone.set_index("workspace_id")["reason"]
        why = f", which it leaves alone: {alone[strangers[0]].rstrip('.')}" if (
            strangers[0] in alone.index) else ""
        raise InputError(f"it does not change {listed(strangers)}{why}", where=str(path),
                         rule="what is approved are changes of the plan",
                         fix="name WorkSpaces of 'wsanalytics plan show'")
    return _written(path, {name: Decision(approve=YES) for name in wanted})


def take_decisions(path: Path, view: pd.DataFrame) -> tuple[Plan, pd.DataFrame]:
    """Take the decisions and comments of a *view* into the plan at *path*.

    *view* has a row a change: workspace_id, approve, comment, from_setting, to_setting and
    saving_usd_per_month, as a workbook or CSV view has. Returns the plan as it is now, and the
    rows that were refused: workspace_id and ``message``, which says what differs from the plan.
    Rows that are missing in the view stay undecided. Raises :class:`InputError` for a view of
    which no row is of this plan.
    """
    plan = read_plan(path)
    changes = {row["workspace_id"]: row for row in plan.changes.to_dict("records")}
    decisions, refused = {}, []
    is_twice = view["workspace_id"].duplicated(keep=False)
    for row, twice in zip(view.to_dict("records"), is_twice, strict=True):
        name = row["workspace_id"]
        if message := _what_differs(row, changes.get(name), twice):
            if name in changes and changes[name]["approved"]:
                message += f"; it keeps its earlier {changes[name]['approved']}"
            refused.append({"workspace_id": name, "message": message})
        else:
            decisions[name] = Decision(approve=_MEANT[_word(row["approve"])],
                                       comment=row["comment"] or None)
    if refused and not decisions:
        raise InputError(
            f"none of its {counted(len(view), 'row')} can be taken; the first, "
            f"{refused[0]['workspace_id']}: {refused[0]['message']}", where="the view",
            rule="a view is read back into the plan that it was made of",
            fix=f"make a new view with 'wsanalytics plan show {path} --output …'")
    return _written(path, decisions), pd.DataFrame(refused, columns=["workspace_id", "message"])


def _word(text: str) -> str:
    return text.strip().casefold()


def _what_differs(
    row: Mapping[Hashable, Any], change: Mapping[Hashable, Any] | None, twice: bool
) -> str:
    """Say why a row of a view is not taken: what it shows is not what the plan says now."""
    if change is None:
        return "the plan does not change it"
    if twice:
        return "it stands there twice"
    if _word(str(row["approve"])) not in _MEANT:
        return f"approve holds {str(row['approve'])[:40]!r}, which is neither yes nor no"
    for label, name in (("from", "from_setting"), ("to", "to_setting")):
        if row[name] != change[name]:
            return f"it was to change {label} {row[name]}; the plan says {change[name]} now"
    before, now = row["saving_usd_per_month"], change["saving_usd_per_month"]
    if not abs(before - now) < 0.005:  # nor if a cell holds no number
        return f"it was to save ${before:,.2f} a month; the plan says ${now:,.2f} now"
    return ""


def _written(path: Path, decisions: Mapping[str, Decision]) -> Plan:
    """Write decisions into the file; its digest stays, which shows that people have edited it."""
    document = load_object(path, "a plan")
    for change in document["changes"]:
        decision = decisions.get(change["workspace_id"])
        if decision is None:
            continue
        change["approved"] = {YES: True, NO: False, "": None}[decision.approve]
        if decision.comment is not None:
            change["comment"] = decision.comment
    write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path,
               private=True)
    return read_plan(path)


def unapproved(changes: pd.DataFrame) -> dict[str, str]:
    """Return the changes that are not to be made, and why, by ``workspace_id``.

    *changes* is a ``recommendations`` table of changes.
    """
    decided = dict(zip(changes["workspace_id"], changes["approved"], strict=True))
    struck = {str(name): "it was struck from the plan" for name, word in decided.items()
              if word == NO}
    if YES not in decided.values():
        return _unapproved_by_rule(changes) | struck
    return struck | {str(name): "it is not approved, while others are"
                     for name, word in decided.items() if not word}


def _unapproved_by_rule(changes: pd.DataFrame) -> dict[str, str]:
    """Return the changes that a rule of the house wants approved, by ``workspace_id``."""
    waiting = {}
    for name, checks in zip(changes["workspace_id"], changes["checked"], strict=True):
        wanted = [check for check in checks.split("; ") if check.startswith(NEEDS_APPROVAL)]
        if wanted:
            waiting[str(name)] = f"it {wanted[0]}, and is not approved"
    return waiting
