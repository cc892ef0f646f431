"""What changes have saved is told by what users really did since, not by what was promised."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.plans import plan_of
from tests.sandboxes import connected, frozen, modify
from tests.test_applying import QUICK
from wsanalytics.applying import apply_plan, undo
from wsanalytics.aws.writer import Writer
from wsanalytics.backfilling import backfill
from wsanalytics.carrying import Terms
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.history import configured
from wsanalytics.sandbox import Sandbox
from wsanalytics.store import Store
from wsanalytics.verification import verify

APPLIED_AT = datetime(2026, 8, 12, 12, 0, 0, 500_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store, pd.DataFrame, str]:
    """Nine changes, and what a store knows seven weeks after; one was changed again since."""
    folder = tmp_path_factory.mktemp("verified")
    with frozen(workspaces=60, seed=3, start=APPLIED_AT) as (box, clients), connected(box) as both:
        settings = configured(box.workspaces().query("license != 'byol' and not standby"))
        changes: dict[str, tuple[str, str]] = {}
        for before, after in (("AUTO_STOP:60", "ALWAYS_ON"), ("ALWAYS_ON", "AUTO_STOP:60"),
                              ("AUTO_STOP:60", "AUTO_STOP:240")):
            for name in settings.index[settings == before]:
                if sum(one == (before, after) for one in changes.values()) < 3 and (
                        str(name) not in changes):
                    changes[str(name)] = (before, after)
        assert len(changes) == 9
        journal = folder / "plan.journal.jsonl"
        terms = Terms(limit=None, patience=QUICK, clock=box.clock.now)
        told = apply_plan(plan_of(changes), Writer(both[0][0]), dry_run=False, journal=journal,
                          terms=terms)
        assert set(told["outcome"]) == {"done"}, told
        box.clock.step(timedelta(days=30))
        again = next(name for name, one in changes.items() if one[1] == "AUTO_STOP:240")
        modify(clients("workspaces"), again, RunningModeAutoStopTimeoutInMinutes=480)
        box.clock.step(timedelta(days=20, hours=13))
        backfill(folder / "store", connections=both, days=63, clock=box.clock)
        meters = metered(box, changes)
    return journal, Store(folder / "store"), meters, again


def metered(box: Sandbox, changes: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """What the sandbox's own meter billed the changed WorkSpaces."""
    bill = box.bill()
    return bill[bill["workspace_id"].isin(changes)]


def test_what_is_in_force_is_judged(later: tuple[Path, Store, pd.DataFrame, str]) -> None:
    journal, store, _, again = later
    frame = verify(journal, store).set_index("workspace_id")
    assert len(frame) == 9
    end = pd.Timestamp("2026-10-02T00:00:00Z")
    assert (frame["changed_at"].dt.floor("s") == pd.Timestamp("2026-08-12T12:00:00Z")).all()
    assert set(frame.drop(index=again)["until_at"]) == {end}
    assert frame.loc[again, "until_at"] == pd.Timestamp("2026-09-11T00:00:00Z")
    off = frame[frame["to_setting"] == "AUTO_STOP:60"]
    assert off["days"].eq((end - pd.Timestamp("2026-09-01T00:00:00Z")).days).all()
    longer = frame[frame["to_setting"] == "AUTO_STOP:240"]
    assert (longer["realised_usd"] <= 0).all()  # a longer timeout saves nobody anything
    assert (longer.loc[longer["realised_usd"] < -0.01, "verdict"] == "wrong").all()
    assert (longer["extra_cold_starts"] <= 0).all()
    months = 31 / 31 * 0 + 30 / 30 + 1 / 31
    assert off["promised_usd"].tolist() == pytest.approx(
        [promise * months for promise in promises(journal, off.index)])


def promises(journal: Path, names: pd.Index) -> list[float]:
    told = [json.loads(line) for line in journal.read_text().splitlines()]
    by_id = {one["workspace_id"]: one["promise"] for one in told if one["event"] == "change"}
    return [by_id[name]["saving_usd_per_month"] for name in names]


def test_those_that_turned_always_on_are_billed_and_judged(
    later: tuple[Path, Store, pd.DataFrame, str]
) -> None:
    """That they are judged right is not held against the meter here, only that they are judged."""
    journal, store, meters, _ = later
    frame = verify(journal, store).set_index("workspace_id")
    sums = meters[meters["month"].isin(["2026-09"])].groupby("workspace_id")["total_usd"].sum()
    on = frame[frame["to_setting"] == "ALWAYS_ON"]
    assert len(on) == 3
    for name in on.index:
        assert sums[name] > 0
        assert frame.loc[name, "verdict"] in {"as promised", "better", "less", "wrong"}


def test_young_changes_are_too_early(later: tuple[Path, Store, pd.DataFrame, str]) -> None:
    journal, store, _, _ = later
    frame = verify(journal, store, min_days=90)
    assert (frame["verdict"] == "too early").all()
    assert frame["realised_usd"].isna().all()


def test_a_discount_scales_what_was_realised(
    later: tuple[Path, Store, pd.DataFrame, str]
) -> None:
    journal, store, _, _ = later
    full, less = verify(journal, store), verify(journal, store, discount=0.25)
    assert less["realised_usd"].tolist() == pytest.approx((full["realised_usd"] * 0.75).tolist())
    exact = verify(journal, store, hour_rule="exact")
    assert not exact["realised_usd"].equals(full["realised_usd"])


def test_the_command(
    later: tuple[Path, Store, pd.DataFrame, str], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal, store, _, _ = later
    output = tmp_path / "verified.csv"
    assert main(["verify", str(journal), "--store", str(store.folder), "--output",
                 str(output)]) == 0
    told = pd.read_csv(output)
    assert told["workspace_id"].tolist() == verify(journal, store)["workspace_id"].tolist()
    shown = capsys.readouterr().out
    assert "9 changes judged" in shown
    assert "wrong" in shown
    assert main(["verify", str(tmp_path / "none.jsonl"), "--store", str(store.folder)]) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_store_of_others_is_refused(
    later: tuple[Path, Store, pd.DataFrame, str], tmp_path: Path
) -> None:
    journal, _, _, _ = later
    with frozen(workspaces=5, seed=99, start=APPLIED_AT) as (box, _), connected(box) as both:
        backfill(tmp_path / "store", connections=both, days=10, clock=box.clock)
        text = journal.read_text()
        for name in {json.loads(line)["workspace_id"] for line in text.splitlines()
                     if '"event": "change"' in line}:
            text = text.replace(name, f"ws-{name[3:][::-1]}x")
        (tmp_path / "j.jsonl").write_text(text)
        with pytest.raises(InputError, match="none of the WorkSpaces"):
            verify(tmp_path / "j.jsonl", Store(tmp_path / "store"))


def test_what_was_taken_back_is_left_out(tmp_path: Path) -> None:
    with frozen(workspaces=20, start=APPLIED_AT) as (box, _), connected(box) as both:
        settings = configured(box.workspaces())
        name = str(settings.index[settings == "AUTO_STOP:60"][0])
        writer, journal = Writer(both[0][0]), tmp_path / "j.jsonl"
        terms = Terms(limit=None, patience=QUICK, clock=box.clock.now)
        apply_plan(plan_of({name: ("AUTO_STOP:60", "AUTO_STOP:120")}), writer, dry_run=False,
                   journal=journal, terms=terms)
        box.clock.step(timedelta(minutes=5))
        undo(journal, writer, dry_run=False, terms=terms)
        backfill(tmp_path / "store", connections=both, days=5, clock=box.clock)
        assert verify(journal, Store(tmp_path / "store")).empty
