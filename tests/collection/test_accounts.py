"""Several accounts and regions are the ordinary case: every command, one role refused."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.aws.test_check_times import EVENING, IDLE
from tests.helpers.endpoints import use_sandbox
from tests.helpers.plans import plan_of, rote_changes
from tests.helpers.sandboxes import BoxClock, connected, frozen
from wsanalytics.actions.apply import apply_plan
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.stop_idle import stop_idle
from wsanalytics.aws.errors import AwsError
from wsanalytics.aws.writer import Writer
from wsanalytics.cli import main
from wsanalytics.collection.collector import collect
from wsanalytics.history.history import configured
from wsanalytics.history.store import Store
from wsanalytics.recommendations.plan import Plan
from wsanalytics.recommendations.plan_file import read_plan, write_plan
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.keys import account_ids, role_arn
from wsanalytics.sandbox.server import Sandbox

client = sys.modules["wsanalytics.aws.connect"]  # its package shows the function of this name

Capture = pytest.CaptureFixture[str]
ACCOUNTS = account_ids(2)
REGIONS = ("us-east-1", "eu-west-1")
ROLES = [role_arn(one) for one in ACCOUNTS]
STRANGE = role_arn("999999999999")
PLACES = [(account, region) for account in ACCOUNTS for region in REGIONS]
QUICK = RetryPolicy(
    poll_seconds=0.01,
    propagation_seconds=0.2,
    confirm_seconds=5,
    transition_seconds=1,
    backoff_seconds=0.01,
)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Two accounts with two regions each that boto3 finds, and an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client.connect, "__kwdefaults__",
                        client.connect.__kwdefaults__ | {"pace": (1e4, 1e4)})
    with Sandbox(workspaces=48, seed=2, speed=20, history_days=36, accounts=ACCOUNTS,
                 regions=REGIONS) as one:
        use_sandbox(monkeypatch, one)
        yield one


def run(capsys: Capture, *argv: str) -> tuple[int, str, str]:
    status = main(list(argv))
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return status, told.out, told.err


def settings(box: Sandbox) -> dict[str, str]:
    return {str(name): str(one) for name, one in configured(box.workspaces()).items()}


def test_the_whole_way_over_two_accounts_and_two_regions_one_role_refused(
    box: Sandbox, capsys: Capture
) -> None:
    places = ["--role-arn", *ROLES, "--region", *REGIONS]
    refused = ["--role-arn", *ROLES, STRANGE, "--region", *REGIONS]
    status, out, _ = run(capsys, "collect", "--store", "fleet", *refused)
    assert status == 1
    assert "999999999999" in out  # a row of its own
    assert "refused" in out
    status, _, _ = run(capsys, "backfill", "--store", "fleet", "--days", "35", *refused)
    assert status == 1
    inventory = Store(Path("fleet")).inventory()
    counts = inventory.groupby(["account_id", "region"]).size()
    assert list(counts.index) == sorted(PLACES)
    assert counts.sum() == 48
    assert run(capsys, "collect", "--store", "fleet", *places)[0] == 0
    assert run(capsys, "recommend", "--store", "fleet", "--output", "plan.json")[0] == 0
    plan = read_plan(Path("plan.json"))
    assert plan.account_id is None or len(set(plan.changes["account_id"])) > 1
    best = plan.changes.sort_values("saving_usd_per_month", ascending=False)["workspace_id"]
    roles = ["--role-arn", *ROLES]
    before = settings(box)
    status, _, err = run(capsys, "apply", "plan.json", "--limit", "4", *roles)
    assert status == 0, err
    assert settings(box) == before
    status, _, err = run(capsys, "apply", "plan.json", "--limit", "4", "--yes", *roles,
                         "--output", "done.csv")
    assert status == 0, err  # the limit was asked for
    told = pd.read_csv("done.csv")
    assert set(told.loc[told["outcome"] == "done", "workspace_id"]) == set(best[:4])
    assert (told["outcome"] == "left for the next run").sum() == len(best) - 4
    assert run(capsys, "verify", "plan.journal.jsonl", "--store", "fleet")[0] in {0, 1}
    status, _, err = run(capsys, "undo", "plan.journal.jsonl", "--yes", *roles)
    assert status == 0, err
    assert settings(box) == before


def test_the_changes_of_an_account_whose_role_is_refused_are_skipped_rows(
    box: Sandbox, capsys: Capture
) -> None:
    places = ["--role-arn", *ROLES, "--region", *REGIONS]
    assert run(capsys, "collect", "--store", "fleet", *places)[0] == 0
    assert run(capsys, "backfill", "--store", "fleet", "--days", "35", *places)[0] == 0
    assert run(capsys, "recommend", "--store", "fleet", "--output", "plan.json")[0] == 0
    changes = read_plan(Path("plan.json")).changes.set_index("workspace_id")
    before = settings(box)
    box.faults = Faults(denied_accounts=(ACCOUNTS[1],))
    status, _, err = run(capsys, "apply", "plan.json", "--yes", "--role-arn", *ROLES,
                         "--output", "done.csv")
    assert status == 1
    assert ACCOUNTS[1] in err
    told = pd.read_csv("done.csv").set_index("workspace_id")
    is_ours = changes["account_id"].reindex(told.index) == ACCOUNTS[0]
    assert is_ours.any()
    assert not is_ours.all()
    assert set(told.loc[is_ours, "outcome"]) == {"done"}
    assert set(told.loc[~is_ours, "outcome"]) == {"skipped"}
    assert told.loc[~is_ours, "message"].str.contains(ACCOUNTS[1]).all()
    changed = {name for name, one in settings(box).items() if one != before[name]}
    assert changed == set(told.index[is_ours])
    for command in ("stop-idle", "start-early"):
        more = ["--idle-minutes", "30"] if command == "stop-idle" else []
        status, _, err = run(capsys, command, "--store", "fleet", "--role-arn", *ROLES, *more)
        assert status == 1
        assert ACCOUNTS[1] in err


def test_a_collector_of_two_accounts_of_which_one_refuses_ends_on_ctrl_c(
    box: Sandbox, capsys: Capture
) -> None:
    store = Path("fleet")

    def interrupt() -> None:
        while not box.calls["resourcegroupstaggingapi", "GetResources"] or not any(
                store.glob("samples/*/*.parquet")):
            ended.wait(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    ended = threading.Event()
    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    status, out, err = run(capsys, "collect", "--store", "fleet", "--every", "5m", "--role-arn",
                           ROLES[0], STRANGE, "--region", "us-east-1")
    thread.join()
    assert status == 1
    assert "999999999999" in out
    assert "ended on request" in err


def test_a_plan_without_changes_is_applied_by_doing_nothing(box: Sandbox, capsys: Capture) -> None:
    write_plan(plan_of({}, account=None, region=None), Path("plan.json"))
    status, _, err = run(capsys, "apply", "plan.json", "--yes")
    assert status == 0
    assert "nothing to change" in err
    assert not box.calls


def plan_over(box: Sandbox) -> Plan:
    """A change of each WorkSpace, of which the places take turns in saving most."""
    fleet = box.workspaces().set_index("workspace_id")
    plan = plan_of(rote_changes(box.workspaces(), 24), account=None, region=None)
    frame = plan.recommendations.assign(**{
        name: plan.recommendations["workspace_id"].map(fleet[name])
        for name in ("account_id", "region")})
    return Plan(frame, plan.created_at, plan.hour_rule, plan.prices_date)


def writers(both: Any) -> list[Writer]:
    return [Writer(one) for one in both[0]]


def test_limits_shares_and_failures_count_over_all_places(tmp_path: Path) -> None:
    with frozen(workspaces=48, seed=2, accounts=ACCOUNTS, regions=REGIONS) as (box, _), connected(
            box, regions=REGIONS, role_arns=tuple(ROLES)) as both:
        plan = plan_over(box)
        order = plan.changes.sort_values("saving_usd_per_month", ascending=False)["workspace_id"]
        places = plan.changes.set_index("workspace_id")[["account_id", "region"]]
        assert len(places.loc[order[:6]].drop_duplicates()) > 2
        for more in ({"limit": 6}, {"limit": None, "max_share": 6 / 48}):
            dry = apply_plan(plan, writers(both), options=RunOptions(retry=QUICK, **more))
            would = dry.loc[dry["outcome"] == "would be done", "workspace_id"]
            assert would.tolist() == order[:6].tolist()
        box.faults = Faults(denied_actions=("workspaces:ModifyWorkspaceProperties",))
        terms = RunOptions(limit=None, retry=QUICK, stop_after_failures=3)
        frame = apply_plan(plan, writers(both), dry_run=False, journal=tmp_path / "a.jsonl",
                           options=terms)
        failed = frame.loc[frame["outcome"] == "failed", "workspace_id"]
        assert failed.tolist() == order[:3].tolist()


def test_a_region_that_refuses_to_be_looked_at_holds_up_no_other(tmp_path: Path) -> None:
    with frozen(workspaces=48, seed=2, accounts=ACCOUNTS, regions=REGIONS) as (box, _), connected(
            box, regions=REGIONS, role_arns=tuple(ROLES)) as both:
        plan = plan_over(box)
        regions = plan.changes.set_index("workspace_id")["region"]
        box.faults = Faults(denied_regions=("eu-west-1",))
        frame = apply_plan(plan, writers(both), dry_run=False, journal=tmp_path / "a.jsonl",
                           options=RunOptions(limit=None, retry=QUICK)).set_index("workspace_id")
        assert set(frame["outcome"][regions == "us-east-1"]) == {"done"}
        assert set(frame["outcome"][regions == "eu-west-1"]) == {"skipped"}
        assert frame["message"][regions == "eu-west-1"].str.contains("AWS does not answer").all()
        box.faults = Faults(denied_regions=REGIONS)
        with pytest.raises(AwsError):
            apply_plan(plan, writers(both), options=RunOptions(limit=None, retry=QUICK))


def test_the_limit_of_stop_idle_takes_what_saves_most_of_all_places(tmp_path: Path) -> None:
    with frozen(workspaces=120, seed=2, accounts=ACCOUNTS, regions=REGIONS) as (box, _), connected(
            box, regions=REGIONS, role_arns=tuple(ROLES)) as both:
        box.clock.step(EVENING)
        collect(tmp_path / "store", connections=both, clock=BoxClock(box))
        store = Store(tmp_path / "store")
        every = stop_idle(store, writers(both), idle=IDLE,
                          options=RunOptions(limit=None, retry=QUICK))
        three = stop_idle(store, writers(both), idle=IDLE, options=RunOptions(limit=3, retry=QUICK))
        assert len(every) > 3
        would = three[three["outcome"] == "would be done"]
        assert len(would) == 3
        best = every["saved_hours"].sort_values(ascending=False).tolist()[:3]
        assert sorted(would["saved_hours"], reverse=True) == best
