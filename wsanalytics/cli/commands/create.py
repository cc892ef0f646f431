"""The command ``creation-properties``: which setting suits a new WorkSpace, and creating it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.exit_codes import DONE
from wsanalytics.cli.options import (
    ANALYSIS,
    CALLER,
    CONSENT,
    INPUT,
    LIMITS,
    OUTPUT,
    SAFETY,
    AnalysisOptions,
    CallerOptions,
    ConsentOptions,
    Pair,
    command,
    flag,
    journal_option,
    option,
)
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import COUNT, PAIRS, PATH, TEXTS

if TYPE_CHECKING:
    import pandas as pd

    from wsanalytics.recommendations import NewWorkspaces
    from wsanalytics.rules import HouseRule

JOURNAL = "creations.journal.jsonl"


@command("A CreateWorkspaces request for new users, with the running mode and timeout that suit "
         "comparable WorkSpaces best. With --create and --yes the call is made.",
         "wsanalytics creation-properties --store fleet --like Team=Sales --user ada",
         "wsanalytics creation-properties --store fleet --user ada --create --yes")
def creation_properties(
    *,
    analysis: AnalysisOptions = ANALYSIS,
    like: Annotated[Sequence[Pair], option(
        "comparable are the WorkSpaces with this tag", PAIRS, metavar="TAG=VALUE",
        group=INPUT)] = (),
    user: Annotated[Sequence[str], option(
        "the users to create WorkSpaces for; may be repeated", TEXTS, metavar="NAME",
        group=INPUT)] = (),
    create: Annotated[bool, flag("create them: a dry run unless --yes is given too",
                                 group=SAFETY)] = False,
    into_directory: Annotated[str | None, option(
        "the directory of the new WorkSpaces (default: the one of most)", metavar="D",
        group=INPUT)] = None,
    from_bundle: Annotated[str | None, option(
        "the bundle of the new WorkSpaces (default: the one of most)", metavar="B",
        group=INPUT)] = None,
    output: Annotated[Path | None, option(
        "write the request there instead of to standard output", PATH, metavar="F.json",
        group=OUTPUT)] = None,
    limit: Annotated[int, option("the most WorkSpaces to create (default: 25)", COUNT,
                                 metavar="N", group=LIMITS)] = 25,
    journal: Annotated[Path | None, journal_option(
        "creations.journal.jsonl in the store, or in this folder")] = None,
    consent: ConsentOptions = CONSENT,
    caller: CallerOptions = CALLER,
) -> int:
    """Print a CreateWorkspaces request for new users; with ``--create``, make it."""
    from wsanalytics.cli.printing.actions import print_new_workspace
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.cli.printing.console import note, note_written
    from wsanalytics.files import check_output, write_text
    from wsanalytics.recommendations import creation_request

    if output:
        check_output(output, (".json",))
    _check(create=create, users=user, consent=consent)
    options = replace(analysis, tag=[*analysis.tag, *like])
    new_workspaces, living, bundle = _suited(options, from_bundle, into_directory, user)
    request = creation_request(new_workspaces, living, user, directory_id=into_directory,
                               bundle_id=bundle)
    text = json.dumps(request, indent=2, ensure_ascii=False) + "\n"
    note(str(new_workspaces))
    print_new_workspace(new_workspaces)
    if is_json() and not create:
        print_json("creation-properties", setting=new_workspaces.setting,
                   chance=new_workspaces.chance, workspaces=new_workspaces.workspaces,
                   settings=new_workspaces.table, request=request)
    if output:
        write_text(text, output, private=True)
        note_written("the request is in", output)
    elif not create and not is_json():
        sys.stdout.write(text)
    if not create:
        note("nothing was created; --create --user NAME … does that")
        return DONE
    calls = journal or (options.store or Path()) / JOURNAL
    return _create(living, request["Workspaces"], calls, limit, consent, caller)


def _check(*, create: bool, users: Sequence[str], consent: ConsentOptions) -> None:
    """Refuse options that do not go together."""
    from wsanalytics.errors import InputError

    if create and not users:
        raise InputError("nobody is named", where="--create",
                         rule="WorkSpaces are created for named users", fix="add --user NAME …")
    if (consent.yes or consent.interactive) and not create:
        raise InputError("nothing is to be created", where="--yes or --interactive",
                         rule="they go with --create", fix="add --create, or leave them out")


def _suited(
    options: AnalysisOptions, from_bundle: str | None, into_directory: str | None,
    users: Sequence[str],
) -> tuple[NewWorkspaces, pd.DataFrame, str]:
    """Choose the setting for new users; also return its WorkSpaces and the bundle."""
    from wsanalytics.billing import HourRule
    from wsanalytics.cli.inputs import candidates_of, fleet_of
    from wsanalytics.cli.printing.console import note
    from wsanalytics.progress import step_bar
    from wsanalytics.recommendations import Limits, analyse, of_most, priced_as
    from wsanalytics.recommendations import creation_properties as setting_for_new
    from wsanalytics.settings import setting_grid

    with step_bar(4) as step:
        step("reading")
        fleet = fleet_of(options, is_noted=False)
        living = fleet.workspaces[fleet.workspaces["terminated_at"].isna()]
        bundle = from_bundle or of_most(living, "bundle_id")
        rule = _rule_for_new(living, options, bundle, into_directory, users)
        candidates = candidates_of(options)
        allowed = (rule.allowed(candidates) if rule else ()) or candidates
        limits = Limits(candidates=setting_grid(auto_stop_minutes=(), always_on=False,
                                                include=[*candidates, *allowed]),
                        hour_rule=HourRule.parse(options.hour_rule),
                        maintenance_hours=options.maintenance_hours)
        result = analyse(fleet.sessions, priced_as(fleet.workspaces, bundle), window=fleet.window,
                         prices=fleet.prices, limits=limits, gaps=fleet.gaps,
                         commands=fleet.commands, step=step)
    most = [limit for limit in (options.max_cold_starts_per_week,
                                rule.most_cold_starts_per_week if rule else None)
            if limit is not None]
    new_workspaces = setting_for_new(result.comparison, candidates=allowed,
                                     max_cold_starts_per_week=min(most, default=None))
    if rule and rule.phrase:
        note(f"by the rule {rule.name!r}: {rule.phrase}")
    return new_workspaces, living, bundle


def _rule_for_new(
    living: pd.DataFrame, options: AnalysisOptions, bundle: str, into_directory: str | None,
    users: Sequence[str],
) -> HouseRule | None:
    """Return the rule of the house that would hold for a WorkSpace of this request.

    It has the tags that the comparable ones were chosen by; who it is for counts where it is one.
    """
    from wsanalytics.cli.house_rules import house_rules
    from wsanalytics.rules import Traits

    same = living[living["bundle_id"] == bundle]

    def of_bundle(column: str) -> str:
        return "" if same.empty else str(same[column].mode().iloc[0])

    directories = living.loc[living["directory_id"] != "", "directory_id"].mode()
    return house_rules().rule_for(Traits(
        bundle_id=bundle, tags=dict(options.tag), user_name=users[0] if len(users) == 1 else "",
        directory_id=into_directory or ("" if directories.empty else str(directories.iloc[0])),
        compute_type=of_bundle("compute_type"), operating_system=of_bundle("operating_system")))


def _create(
    workspaces: pd.DataFrame, requests: list[dict[str, object]], journal: Path, limit: int,
    consent: ConsentOptions, caller: CallerOptions,
) -> int:
    """Create WorkSpaces beside *workspaces*, as far as there is consent."""
    from wsanalytics.actions import RunOptions, create_workspaces
    from wsanalytics.cli.confirm import Action, carry_out, writers_of
    from wsanalytics.cli.printing.actions import print_created
    from wsanalytics.cli.printing.console import warn
    from wsanalytics.errors import InputError
    from wsanalytics.recommendations import the_one

    region = the_one(workspaces["region"])
    if region is None:
        raise InputError("the comparable WorkSpaces are in several regions", where="--create",
                         rule="WorkSpaces are created in one region",
                         fix="narrow the fleet, for example with --directory")
    accounts = set(workspaces["account_id"]) - {""} or None
    if accounts and len(accounts) > 1:
        raise InputError("the comparable WorkSpaces are in several accounts", where="--create",
                         rule="WorkSpaces are created in one account",
                         fix="narrow the fleet, for example with --directory")
    terms = RunOptions(limit=limit, log=warn)
    action = Action(verb="create", noun="WorkSpace", done="created", with_yes="does it",
                    journal=journal,
                    show=lambda frame, dry_run: print_created(frame, dry_run=dry_run))
    with writers_of(caller, [region], accounts) as writers:
        if len(writers) != 1:
            raise InputError(f"{len(writers)} accounts", where="--role-arn",
                             rule="WorkSpaces are created in one account", fix="name one role")

        def run(dry_run: bool) -> pd.DataFrame:
            return create_workspaces(requests, writers[0], dry_run=dry_run, journal=journal,
                                     options=terms)

        return carry_out(action, run, consent)
