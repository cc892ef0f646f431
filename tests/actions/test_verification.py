"""What changes have saved is told by what users really did since, not by what was promised."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers.build import ME, at, samples, workspaces
from tests.helpers.plans import ACCOUNT, REGION, plan_of
from tests.helpers.sandboxes import QUICK, connected, frozen, modify
from wsanalytics.actions.apply import apply_plan
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.undo import undo
from wsanalytics.actions.verify import verify
from wsanalytics.aws.writer import Writer
from wsanalytics.cli import main
from wsanalytics.collection.backfill import backfill
from wsanalytics.errors import InputError
from wsanalytics.history.history import configured
from wsanalytics.history.store import Store
from wsanalytics.sandbox.server import Sandbox

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
        terms = RunOptions(limit=None, retry=QUICK, clock=box.clock.now)
        told = apply_plan(plan_of(changes), Writer(both[0][0]), dry_run=False, journal=journal,
                          options=terms)
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
    assert "by 9 changes that can be judged" in shown
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
        terms = RunOptions(limit=None, retry=QUICK, clock=box.clock.now)
        apply_plan(plan_of({name: ("AUTO_STOP:60", "AUTO_STOP:120")}), writer, dry_run=False,
                   journal=journal, options=terms)
        box.clock.step(timedelta(minutes=5))
        undo(journal, writer, dry_run=False, options=terms)
        backfill(tmp_path / "store", connections=both, days=5, clock=box.clock)
        assert verify(journal, Store(tmp_path / "store")).empty


WORKED = [*range(17, 19), *range(21, 26)]
"""The days of September after the change on the 16th on which somebody works, 09:10 to 17:20."""
SEPTEMBER = datetime(2026, 9, 1, tzinfo=UTC)
CHANGED = datetime(2026, 9, 16, 6, tzinfo=UTC)


def told(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of one run that gave ``ws-me`` ALWAYS_ON in place of AUTO_STOP:60."""
    begin = {"event": "begin", "schema": "wsanalytics.journal", "version": 1, "kind": "apply",
             "plan": {"maintenance_hours": 0}}
    change = {
        "event": "change", "workspace_id": ME, "user_name": "me", "account_id": ACCOUNT,
        "region": REGION, "from": {"running_mode": "AUTO_STOP", "auto_stop_minutes": 60},
        "to": {"running_mode": "ALWAYS_ON", "auto_stop_minutes": None}, "promise": {}}
    return [begin, change, *entries]


def call(when: datetime, name: str, meaning: str) -> list[dict[str, Any]]:
    asked = {"WorkspaceId": ME, "WorkspaceProperties": {"RunningMode": "ALWAYS_ON"}}
    asking = {"event": "call", "call": name, "request": asked, "at": when.isoformat()}
    return [asking, {"event": "answer", "call": name, "meaning": meaning}] if meaning else [asking]


DONE_AND_ENDED = [{"event": "outcome", "workspace_id": ME, "outcome": "done"}, {"event": "end"}]


def a_journal(path: Path, *runs: list[dict[str, Any]]) -> Path:
    lines = [{"run": f"run-{number}", "at": CHANGED.isoformat()} | line
             for number, run in enumerate(runs) for line in run]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def a_store(folder: Path, *settings: tuple[str, str]) -> Store:
    """What a collector saw in September and October; ``settings`` as CloudTrail told them."""
    store = Store.create(folder)
    store.add_workspaces(workspaces(ME, running_mode="ALWAYS_ON", auto_stop_minutes=None),
                         datetime(2026, 10, 20, tzinfo=UTC), "seen")
    looks = pd.date_range(SEPTEMBER, "2026-11-01T00:00Z", freq="10min", inclusive="left")
    days = [*(date(2026, 9, day) for day in WORKED),
            *(date(2026, 10, day) for day in (*range(5, 10), *range(12, 17)))]
    clock = looks.hour * 60 + looks.minute
    is_there = pd.Index(looks.date).isin(days) & (clock >= 550) & (clock < 1040)
    store.add_samples(samples(*((str(look)[:16], "C" if there else "D") for look, there in
                                zip(looks, is_there, strict=True))), "looks")
    rows = [*settings, ("2026-09-16 06:00", "ALWAYS_ON")]
    store.add_settings(pd.DataFrame({
        "workspace_id": ME, "setting": [what for _, what in rows],
        "since": pd.to_datetime([at(when) for when, _ in rows], utc=True).as_unit("us")}), "trail")
    return store


@pytest.mark.parametrize(("settings", "saved"), [
    ([("2026-08-01", "AUTO_STOP:60")], 8.25),
    ([("2026-08-01", "AUTO_STOP:240"), ("2026-09-10 12:00", "AUTO_STOP:60")], 8.25),
    ([("2026-08-01", "ALWAYS_ON"), ("2026-09-10 12:00", "AUTO_STOP:60")], 4.75),
    ([("2026-08-01", "AUTO_STOP:60"), ("2026-09-05 12:00", "ALWAYS_ON"),
      ("2026-09-08 12:00", "AUTO_STOP:60")], 4.75),
    ([("2026-08-01", "ALWAYS_ON")], 4.75),
    ([], 8.25),
], ids=["AUTO_STOP all the time", "another timeout", "the month opened ALWAYS_ON",
        "ALWAYS_ON for three days", "the store missed the change before", "nothing known"])
def test_hours_that_a_flat_fee_had_paid_for_already_are_no_saving(
    tmp_path: Path, settings: list[tuple[str, str]], saved: float
) -> None:
    """ALWAYS_ON from 16 September; ten clock hours of $0.30 a day worked, of $35 and $9.75.

    October: 10 days, $9.75 + $30 against $35, saves $4.75 in any case. September in AUTO_STOP:
    7 days, $9.75 + $21 against $9.75 + $35 × 15/30, saves $3.50. In a September that a flat fee
    paid for earlier nothing more is paid either way.
    """
    journal = a_journal(tmp_path / "j.jsonl",
                        [*told(*call(CHANGED, "one", "taken")), *DONE_AND_ENDED])
    frame = verify(journal, a_store(tmp_path / "store", *settings))
    assert frame["realised_usd"].tolist() == pytest.approx([saved])
    assert frame["from_setting"].tolist() == ["AUTO_STOP:60"]


def test_a_call_that_a_kill_cut_off_is_not_somebody_elses_change(tmp_path: Path) -> None:
    """CloudTrail has the first call, the journal its end by the second one, an hour later."""
    journal = a_journal(
        tmp_path / "j.jsonl", told(*call(CHANGED, "one", "")),
        [*told(*call(CHANGED + timedelta(hours=1), "two", "taken")), *DONE_AND_ENDED])
    frame = verify(journal, a_store(tmp_path / "store", ("2026-08-01", "AUTO_STOP:60")))
    assert frame["realised_usd"].tolist() == pytest.approx([8.25])
