"""The commands about plans: ``plan show``, ``plan diff`` and ``plan check``. No AWS is asked."""

from __future__ import annotations

from argparse import Namespace

from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.cli.printing import plans as plantables
from wsanalytics.files import check_output
from wsanalytics.formatting import counted, usd
from wsanalytics.recommendations import read_plan
from wsanalytics.report import write_workbook
from wsanalytics.safe_text import plain
from wsanalytics.views import write_csv_view

VIEWS = {".csv": write_csv_view, ".xlsx": write_workbook}
"""The files that a plan can be viewed as, by their endings."""


def plan_show(args: Namespace) -> None:
    """What a plan would change, and why; or a view of it in a file."""
    if args.output is not None:
        check_output(args.output, tuple(VIEWS))
    plan = read_plan(args.plan)
    if args.output is None:
        plantables.print_plan(plan, str(args.plan),
                              most=None if args.all else plantables.MOST_SHOWN)
        return
    VIEWS[args.output.suffix](plan, args.output)
    terminal.tell(f"{counted(len(plan.changes), 'change')} written to {args.output}")


def plan_diff(args: Namespace) -> None:
    """What a plan changes, line by line; or how another plan differs from it."""
    plan = read_plan(args.plan)
    if args.other is None:
        plantables.print_changes_of(plan)
    else:
        plantables.print_differences(plan, read_plan(args.other), (str(args.plan), str(args.other)))


def plan_check(args: Namespace) -> None:
    """One line on a plan that is whole and valid; any other is refused."""
    plan = read_plan(args.plan)
    terminal.console().print(
        f"{plain(str(args.plan))}: a valid plan of {plan.created_at:%Y-%m-%d %H:%M} UTC, "
        f"{counted(len(plan.changes), 'change')}, {usd(plan.saving_usd_per_month)} a month.",
        soft_wrap=True)
