"""The commands about plans: ``plan show``, ``plan diff`` and ``plan check``. No AWS is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from wsanalytics.cli.options import OUTPUT, command, flag, option, subject
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH

if TYPE_CHECKING:
    from wsanalytics.recommendations import Plan

PlanFile = Annotated[Path, subject("the plan", "plan.json", PATH)]


@command("What a plan would change, and why.",
         "wsanalytics plan show plan.json",
         "wsanalytics plan show plan.json --output plan.xlsx")
def show(
    plan: PlanFile, /, *,
    output: Annotated[Path | None, option(
        "write the changes to a .csv or .xlsx file instead", PATH, metavar="F",
        group=OUTPUT)] = None,
    all: Annotated[bool, flag(  # noqa: A002  # the option's name
        "print every change (default: the 100 that save most)", group=OUTPUT)] = False,
) -> None:
    """Print what a plan would change, and why; or write a view of it to a file."""
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import next_steps, note
    from wsanalytics.cli.printing.plans import MOST_SHOWN, print_plan
    from wsanalytics.files import check_output, ending_of
    from wsanalytics.formatting import counted
    from wsanalytics.recommendations import read_plan
    from wsanalytics.report import write_workbook
    from wsanalytics.tables import RECOMMENDATIONS
    from wsanalytics.views import facts_of, write_csv_view

    views = {".csv": write_csv_view, ".xlsx": write_workbook}
    if output is not None:
        check_output(output, tuple(views))
    content = read_plan(plan)
    if is_json():
        print_json("plan", plan=plan, facts=dict(facts_of(content)),
                   saving_usd_per_month=content.saving_usd_per_month,
                   unused_workspaces=list(content.unused),
                   recommendations=records(content.recommendations, RECOMMENDATIONS))
    if output is None:
        print_plan(content, str(plan), most=None if all else MOST_SHOWN)
        if content.account_id and len(content.changes):
            next_steps(["apply", str(plan)])
        return
    views[ending_of(output, tuple(views))](content, output)
    note(f"{counted(len(content.changes), 'change')} written to {output}")


@command("From which setting to which, line by line; with a second plan, what was struck, added "
         "or altered in it.",
         "wsanalytics plan diff plan.json",
         "wsanalytics plan diff last-month.json plan.json")
def diff(
    plan: PlanFile,
    other: Annotated[Path | None, subject("another plan to hold against it", "other.json", PATH)
                     ] = None, /,
) -> None:
    """Print what a plan changes, line by line; or how another plan differs from it."""
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.cli.printing.plans import print_changes_of, print_differences
    from wsanalytics.recommendations import read_plan

    content = read_plan(plan)
    later = read_plan(other) if other is not None else None
    if is_json():
        print_json("plan-diff", plan=plan, other=other, **_difference(content, later))
    if later is None:
        print_changes_of(content)
    else:
        print_differences(content, later, (str(plan), str(other)))


def _difference(old: Plan, new: Plan | None) -> dict[str, list[dict[str, Any]]]:
    """Return the changes of a plan, or what was struck, added and altered from it to another."""
    from wsanalytics.cli.printing.as_json import records

    before = {row["workspace_id"]: row for row in records(old.changes)}
    if new is None:
        return {"changes": list(before.values())}
    after = {row["workspace_id"]: row for row in records(new.changes)}
    return {"struck": [row for name, row in before.items() if name not in after],
            "added": [row for name, row in after.items() if name not in before],
            "altered": [{"before": before[name], "after": row} for name, row in after.items()
                        if name in before and before[name] != row]}


@command("Whether a plan can be read: exit 0, or 2 and why not.",
         "wsanalytics plan check plan.json")
def check(plan: PlanFile, /) -> None:
    """Print one line about a plan that is whole and valid; any other is refused."""
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.cli.printing.console import console
    from wsanalytics.formatting import counted, usd
    from wsanalytics.recommendations import read_plan
    from wsanalytics.safe_text import plain

    content = read_plan(plan)
    if is_json():
        print_json("plan-check", plan=plan, created_at=content.created_at,
                   changes=len(content.changes),
                   saving_usd_per_month=content.saving_usd_per_month)
    console().print(
        f"{plain(str(plan))}: a valid plan of {content.created_at:%Y-%m-%d %H:%M} UTC, "
        f"{counted(len(content.changes), 'change')}, {usd(content.saving_usd_per_month)} a month.",
        soft_wrap=True)
