"""The commands ``doctor`` and ``iam-policy``: what the work needs, and whether it is there.

Neither changes anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from wsanalytics.cli.options import (
    ACCOUNT,
    AWS,
    INPUT,
    REPORTED,
    AccountOptions,
    ForCommands,
    command,
    option,
)
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH, TEXTS

if TYPE_CHECKING:
    from wsanalytics.cli.doctor_checks import Finding


@command("Print the IAM policy with the least rights that the named commands need.",
         "wsanalytics iam-policy --for collect,backfill",
         "wsanalytics iam-policy --for apply,undo --region eu-west-1", has_json=False)
def iam_policy(
    *,
    for_commands: ForCommands = REPORTED,
    role_arn: Annotated[Sequence[str], option(
        "roles that will be assumed; may be repeated", TEXTS, metavar="ARN", group=AWS)] = (),
    region: Annotated[Sequence[str], option(
        "where it is to hold, for its partition (GovCloud, China; default: the configured region)",
        TEXTS, metavar="R", group=AWS)] = (),
) -> None:
    """Print the IAM policy that the commands need, as JSON; the roles may then be assumed too.

    Its ARNs are of the partition of the roles, or of the regions, or of the region that boto3 is
    configured for.
    """
    from wsanalytics.aws import check_regions, check_role_arns, configured_region, partition_of
    from wsanalytics.cli.permissions import policy
    from wsanalytics.errors import InputError
    from wsanalytics.formatting import listed

    check_role_arns(role_arn)
    check_regions(region)
    regions: Sequence[str | None] = region or [configured_region()]
    partitions = {role.split(":")[1] for role in role_arn} or {*map(partition_of, regions)}
    if len(partitions) > 1:
        raise InputError(
            f"{listed(sorted(partitions))} at once", where="--region or --role-arn",
            rule="a policy is of one partition, as an account is", fix="name those of one")
    needed = policy(for_commands or REPORTED, role_arns=role_arn, partition=partitions.pop())
    sys.stdout.write(json.dumps(needed, indent=2) + "\n")


@command("Credentials, account, denied actions and the IAM statement that would allow them, clock, "
         "store, pace for this fleet, prices. Changes nothing.",
         "wsanalytics doctor --store fleet",
         "wsanalytics doctor --for apply,undo --region eu-west-1")
def doctor(
    *,
    account: AccountOptions = ACCOUNT,
    store: Annotated[Path | None, option("a store to check as well", PATH, metavar="DIR",
                                         group=INPUT)] = None,
    for_commands: ForCommands = REPORTED,
    in_force: Annotated[Sequence[str], Parameter(parse=False)] = (),
) -> int:
    """Check everything that the commands need, change nothing, and print a verdict and why.

    *in_force* are lines about which options hold and from where; the command line gives them.
    The exit code is 1 where there is a warning or a failure. Raises :class:`WsanalyticsError`
    where there are no credentials or no region to begin with.
    """
    from wsanalytics.aws import connect
    from wsanalytics.cli import doctor_checks as checks
    from wsanalytics.cli.exit_codes import status_of
    from wsanalytics.cli.permissions import actions_of
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.progress import step_bar

    actions = actions_of(for_commands or REPORTED)
    connections, refusals = connect(regions=account.region, profile=account.profile,
                                    role_arns=account.role_arn)
    findings: list[Finding] = [checks.failed(refusal) for refusal in refusals]
    try:
        with step_bar(2 + 2 * len(connections)) as step:
            for _, alike in groupby(connections, key=lambda made: (made.role_arn,
                                                                   made.account_id)):
                step("credentials")
                findings += checks.check_credentials(next(alike))
            for connection in connections:
                step(f"{connection.account_id} {connection.region}")
                findings += checks.check_region(connection, actions, account.profile)
            step("prices")
            findings += checks.check_prices(connections)
            step("store")
            findings += checks.check_store(store)
    finally:
        for connection in connections:
            connection.close()
    findings += checks.name_untried(actions)
    findings += [checks.Finding("note", line) for line in in_force]
    if is_json():
        print_json("doctor", verdict=checks.verdict(findings),
                   findings=[asdict(finding) for finding in findings])
    _print(findings)
    is_well = all(finding.status in {"ok", "note"} for finding in findings)
    if not any(finding.status == "fail" for finding in findings):
        _print_next(account, store)
    return status_of(is_complete=is_well)


def _print(findings: Sequence[Finding]) -> None:
    """Print the verdict, then what is to be done, then all that is well."""
    from wsanalytics.cli import doctor_checks as checks
    from wsanalytics.cli.printing.console import console

    out = console()
    out.print(checks.verdict(findings), soft_wrap=True)
    out.print()
    order = ("fail", "warn", "ok", "note")
    for finding in sorted(findings, key=lambda found: order.index(found.status)):
        out.print(f"{finding.status:<4}  {finding.text}", soft_wrap=True)
        if finding.fix:
            out.print(f"      {finding.fix}", soft_wrap=True)


def _print_next(account: AccountOptions, store: Path | None) -> None:
    """Name what to do when all is in place: collect, or use what was collected."""
    from wsanalytics.cli.printing.console import next_steps

    if store is not None and store.exists():
        next_steps(["report", "--store", str(store), "--output", "report.html"],
                   ["recommend", "--store", str(store), "--output", "plan.json"])
        return
    who = [*(["--profile", account.profile] if account.profile else []),
           *(["--region", *account.region] if account.region else []),
           *(["--role-arn", *account.role_arn] if account.role_arn else [])]
    next_steps(["collect", "--store", str(store or "fleet"), "--once", *who])
