"""The commands about plans: ``plan show``, ``plan diff`` and ``plan check``. No AWS is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from wsanalytics.cli.options import INPUT, OUTPUT, SAFETY, command, flag, option, subject
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH, TEXTS

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
    force: Annotated[bool, flag("replace a view there that people have filled in, too",
                                group=SAFETY)] = False,
) -> None:
    """Print what a plan would change, and why; or write a view of it to a file."""
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import next_steps, note_written
    from wsanalytics.cli.printing.plans import MOST_SHOWN, print_plan
    from wsanalytics.cli.replacing import refuse_filled_in
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
    if not force:
        refuse_filled_in(output, content, plan)
    views[ending_of(output, tuple(views))](content, output)
    note_written(f"{counted(len(content.changes), 'change')} written to", output)


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


@command("Approve changes of a plan: those that are named, all, or as people decided in the column "
         "approve of a workbook or CSV view, whose comments are taken over as well. 'apply' then "
         "makes approved changes alone. A row that is not what the plan says now is refused.",
         "wsanalytics plan approve plan.json --from view.xlsx",
         "wsanalytics plan approve plan.json ws-1234567ab ws-2345678bc")
def approve(
    plan: PlanFile,
    ids: Annotated[list[str], subject("WorkSpaces, by id or user's name", "ID", TEXTS)] = [],  # noqa: B006  # never changed
    /, *,
    from_: Annotated[Path | None, option(
        "the view that people have filled in, .xlsx or .csv", PATH, metavar="VIEW", name="--from",
        group=INPUT)] = None,
    all: Annotated[bool, flag("approve every change", group=INPUT)] = False,  # noqa: A002  # the option's name
) -> int:
    """Write people's decisions into a plan; 1 where rows of a view were refused."""
    import pandas as pd

    from wsanalytics.cli.exit_codes import status_of
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import console, next_steps
    from wsanalytics.cli.printing.layout import Column, print_rows
    from wsanalytics.errors import InputError
    from wsanalytics.formatting import counted
    from wsanalytics.recommendations import approve as approve_changes
    from wsanalytics.recommendations import read_plan, take_decisions
    from wsanalytics.safe_text import plain
    from wsanalytics.views import read_view, workspace_meant

    if sum((bool(ids), from_ is not None, all)) != 1:
        raise InputError("several ways to name them are given" if ids or all else
                         "it is not said what is approved", where="the options",
                         rule="changes are named by id, by --all, or by --from VIEW",
                         fix="give one of the three")
    refused = pd.DataFrame(columns=["workspace_id", "message"])
    if from_ is not None:
        content, refused = take_decisions(plan, read_view(from_))
    else:
        known = read_plan(plan).recommendations
        content = approve_changes(
            plan, None if all else [workspace_meant(name, known) for name in ids])
    counts = content.changes["approved"].value_counts()
    if is_json():
        print_json("plan-approve", plan=plan, approved=int(counts.get("yes", 0)),
                   struck=int(counts.get("no", 0)), undecided=int(counts.get("", 0)),
                   refused=records(refused))
    console().print(
        f"{counted(int(counts.get('yes', 0)), 'change')} approved, {counts.get('no', 0)} struck, "
        f"{counts.get('', 0)} undecided.", soft_wrap=True)
    if len(refused):
        print_rows("Rows that were not taken", (Column("WorkSpace"), Column("why", wraps=True)),
                   [{"WorkSpace": plain(row["workspace_id"]), "why": plain(row["message"])}
                    for row in refused.to_dict("records")])
    next_steps(["apply", str(plan)])
    return status_of(is_complete=refused.empty)


@command("Whether a plan can be read: exit 0, or 2 and why not.",
         "wsanalytics plan check plan.json")
def check(plan: PlanFile, /) -> None:
    """Print one line about a plan that is whole and valid; any other is refused."""
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.cli.printing.console import console
    from wsanalytics.cli.replacing import is_edited
    from wsanalytics.formatting import counted, usd
    from wsanalytics.recommendations import read_plan
    from wsanalytics.safe_text import plain

    content = read_plan(plan)
    if is_json():
        print_json("plan-check", plan=plan, edited=is_edited(plan), created_at=content.created_at,
                   changes=len(content.changes),
                   saving_usd_per_month=content.saving_usd_per_month)
    console().print(
        f"{plain(str(plan))}: a valid plan of {content.created_at:%Y-%m-%d %H:%M} UTC, "
        f"{counted(len(content.changes), 'change')}, {usd(content.saving_usd_per_month)} a month"
        f"{', edited since it was written' if is_edited(plan) else ''}.",
        soft_wrap=True)
