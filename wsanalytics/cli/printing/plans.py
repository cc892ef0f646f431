"""Plans on a terminal: what one changes and why, and how two of them differ."""

from __future__ import annotations

from typing import Any

from wsanalytics.cli.printing.changes import print_change_rows
from wsanalytics.cli.printing.console import console
from wsanalytics.cli.printing.fleet import print_left_alone
from wsanalytics.cli.printing.layout import print_facts
from wsanalytics.formatting import counted, number, usd
from wsanalytics.recommendations import Plan
from wsanalytics.safe_text import plain
from wsanalytics.views import facts_of

MOST_SHOWN = 100
_LABELS = {"from_setting": "from", "to_setting": "to", "saving_usd_per_month": "saves",
           "best_date": "best on", "apply_by": "begin by", "comment": "comment"}
"""The figures that are compared in two plans, and their names."""


def print_plan(plan: Plan, name: str, *, most: int | None = MOST_SHOWN) -> None:
    """The facts about a plan, its changes, the reason of each, and what is left alone.

    The *most* changes are shown one by one, those that save most; the rest in one row.
    """
    out = console()
    out.print(plain(name))
    print_facts((label, plain(text)) for label, text in facts_of(plan))
    out.print()
    if len(plan.changes):
        print_change_rows("", plan.changes, most)
        _print_reasons(plan, most)
        if most is not None and len(plan.changes) > most:
            out.print(f"{counted(len(plan.changes) - most, 'change')} more; --all shows them, "
                      "--output F.csv or F.xlsx writes them.", soft_wrap=True)
    print_left_alone(plan)


def _print_reasons(plan: Plan, most: int | None) -> None:
    out = console()
    out.print("Why:")
    for row in plan.changes.head(len(plan.changes) if most is None else most).to_dict("records"):
        note = f" [{row['comment']}]" if row["comment"] else ""
        user = f" ({row['user_name']})" if row["user_name"] else ""
        out.print(plain(f"{row['workspace_id']}{user}: {row['reason']}{note}"), soft_wrap=True)
    out.print()


def print_changes_of(plan: Plan) -> None:
    """Each change of a plan as lines with - and +, and the total."""
    out = console()
    changes = plan.changes
    for row in changes.to_dict("records"):
        out.print(_heading(row), soft_wrap=True)
        out.print(f"- {row['from_setting']}", soft_wrap=True)
        out.print(f"+ {row['to_setting']}   saves {usd(row['saving_usd_per_month'])} a month",
                  soft_wrap=True)
        out.print()
    out.print(_total(plan), soft_wrap=True)


def print_differences(old: Plan, new: Plan, names: tuple[str, str]) -> None:
    """The changes that were struck, added and altered from *old* to *new*, and both totals."""
    out = console()
    before, after = (_by_id(plan) for plan in (old, new))
    counts = dict.fromkeys(("struck", "added", "altered"), 0)
    for kind, mark, rows, others in (("struck", "-", before, after), ("added", "+", after, before)):
        for name in (label for label in rows if label not in others):
            counts[kind] += 1
            out.print(f"{kind}: {_heading(rows[name])}", soft_wrap=True)
            out.print(f"{mark} {_in_a_line(rows[name])}", soft_wrap=True)
            out.print()
    for name in (label for label in before if label in after):
        lines = _altered(before[name], after[name])
        if lines:
            counts["altered"] += 1
            out.print("\n".join([f"altered: {_heading(after[name])}", *lines, ""]), soft_wrap=True)
    out.print(", ".join(f"{number(count)} {kind}" for kind, count in counts.items()),
              soft_wrap=True)
    for mark, name, plan in (("-", names[0], old), ("+", names[1], new)):
        out.print(f"{mark} {plain(name)}: {_total(plan)}", soft_wrap=True)


def _by_id(plan: Plan) -> dict[str, dict[Any, Any]]:
    return {row["workspace_id"]: row for row in plan.changes.to_dict("records")}


def _altered(old: dict[Any, Any], new: dict[Any, Any]) -> list[str]:
    """Return a line with - and one with + for each thing that a reader sees differ."""
    lines = []
    for name, label in _LABELS.items():
        before, after = (_written(row, name) for row in (old, new))
        if before != after:
            lines += [f"- {label} {before}", f"+ {label} {after}"]
    return lines


def _written(row: dict[Any, Any], name: str) -> str:
    if name == "saving_usd_per_month":
        return f"{usd(row[name])} a month"
    return plain(row[name]) or "(nothing)"


def _heading(row: dict[Any, Any]) -> str:
    return plain(f"{row['workspace_id']}  {row['user_name']}").rstrip()


def _in_a_line(row: dict[Any, Any]) -> str:
    return (f"{row['from_setting']} → {row['to_setting']}   "
            f"saves {usd(row['saving_usd_per_month'])} a month")


def _total(plan: Plan) -> str:
    return (f"{counted(len(plan.changes), 'change')}, {usd(plan.saving_usd_per_month)} "
            "a month in all")
