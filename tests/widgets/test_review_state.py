"""What may be ticked, asked and begun in a review, without anything to look at."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest

from tests.helpers.plans import plan_of
from wsanalytics.errors import InputError
from wsanalytics.widgets.review_state import CANCELLED, Act, Ended, Phase, Review, in_words

PLACE = "111122223333 us-east-1"
HERE = (("111122223333", "us-east-1"),)
CHANGES = {f"ws-{place}": ("ALWAYS_ON", "AUTO_STOP:60") if place % 2 else ("AUTO_STOP:60",
           "ALWAYS_ON") for place in range(10)}
"""ws-0 saves most ($10), ws-9 least ($1); each brings half a wait a week."""


def inventory() -> pd.DataFrame:
    return pd.DataFrame({
        "workspace_id": [*CHANGES, "ws-else"], "directory_id": ["d-a"] * 4 + ["d-b"] * 7,
        "compute_type": ["STANDARD"] * 9 + ["POWER"] * 2,
        "tags": ['{"team": "a"}'] + ["{}"] * 10})


def looked_at(**more: object) -> Review:
    return Review(plan_of(CHANGES), inventory(), **({"places": HERE} | more))  # type: ignore[arg-type]  # named fields


def test_rows_come_with_what_the_inventory_knows() -> None:
    rows = looked_at().rows
    assert rows["workspace_id"].tolist() == list(CHANGES)
    assert rows["directory_id"].tolist() == ["d-a"] * 4 + ["d-b"] * 6
    assert rows["tags"].tolist() == ['{"team": "a"}'] + [""] * 9
    bare = Review(plan_of(CHANGES)).rows
    assert (bare["directory_id"] == "").all()


def test_sums_follow_the_ticks() -> None:
    review = looked_at()
    assert str(review.sums) == "0 changes, $0.00 a month saved, 0 more cold starts a week"
    assert review.tick_ids(["ws-0", "ws-3"])
    assert review.picked == ["ws-0", "ws-3"]
    assert str(review.sums) == "2 changes, $17.00 a month saved, 1 more cold start a week"
    review.tick_ids(["ws-0"], on=False)
    assert review.sums.saving_usd_per_month == 7


def test_all_in_one_directory_that_save_over_five_dollars_and_hardly_lose() -> None:
    plan = plan_of(CHANGES, chance_of_loss=0.02)
    risky = plan.recommendations["workspace_id"] == "ws-5"
    plan.recommendations.loc[risky, "chance_of_loss"] = 0.2
    review = Review(plan, inventory(), HERE)
    review.filter(directory_id="d-b", min_saving_usd=4, max_chance_of_loss=0.05)
    assert review.rows.loc[review.shown, "workspace_id"].tolist() == ["ws-4", "ws-6"]
    review.tick_shown()
    review.filter(directory_id="", min_saving_usd=None, max_chance_of_loss=None)
    assert review.shown.all()
    assert review.picked == ["ws-4", "ws-6"]
    review.filter(change="ALWAYS_ON → AUTO_STOP:60")
    assert int(review.shown.sum()) == 5
    review.filter(change="", compute_type="POWER")
    assert review.rows.loc[review.shown, "workspace_id"].tolist() == ["ws-9"]
    review.filter(compute_type="", max_extra_cold_starts_per_week=0.4)
    assert not review.shown.any()


def test_what_is_not_known_passes_no_limit() -> None:
    review = looked_at()
    assert review.rows["chance_of_loss"].isna().all()
    review.filter(max_chance_of_loss=1)
    assert not review.shown.any()


def test_a_filter_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="no filter 'colour'"):
        looked_at().filter(colour="red")


def test_choices_for_the_filters() -> None:
    review = looked_at()
    assert review.choices("directory_id") == ["d-a", "d-b"]
    assert review.choices("change") == ["ALWAYS_ON → AUTO_STOP:60", "AUTO_STOP:60 → ALWAYS_ON"]


def test_nothing_can_be_asked_without_ticks_or_without_a_writer() -> None:
    review = looked_at()
    assert review.request(Act.APPLY) is None
    assert review.begin(Act.DRY_RUN) is None
    bare = looked_at(places=())
    bare.tick_shown()
    assert bare.request(Act.APPLY) is None
    assert review.request(Act.UNDO) is None


def test_a_confirmation_names_the_account_and_the_number() -> None:
    review = looked_at()
    review.tick_ids(["ws-1", "ws-2", "ws-3"])
    ask = review.request(Act.APPLY)
    assert ask is not None and ask.words == f"apply 3 in {PLACE}"
    assert "3 changes in account 111122223333 us-east-1" in ask.question
    assert review.confirm("apply 4 in 111122223333 us-east-1") is None
    assert review.phase is Phase.CONFIRMING
    assert review.confirm(f" {ask.words} ") is Act.APPLY
    assert review.phase is Phase.RUNNING
    assert review.under_way == ("ws-1", "ws-2", "ws-3")


def test_over_the_limit_the_number_is_that_of_one_run() -> None:
    review = looked_at(limit=4)
    review.tick_shown()
    ask = review.request(Act.APPLY)
    assert ask is not None and ask.words == f"apply 4 in {PLACE}"
    assert "6 more that are ticked are left" in ask.question


def test_nothing_changes_under_way_and_a_second_click_does_nothing() -> None:
    review = looked_at()
    review.tick_ids(["ws-1"])
    assert review.request(Act.APPLY) is not None
    assert not review.tick_shown()  # what is confirmed is what was asked
    assert review.confirm(f"apply 1 in {PLACE}") is Act.APPLY
    assert review.confirm(f"apply 1 in {PLACE}") is None
    assert review.request(Act.APPLY) is None
    assert review.begin(Act.DRY_RUN) is None
    assert not review.tick_ids(["ws-2"])
    assert review.picked == ["ws-1"]
    review.finish({"ws-1": Ended("done")}, "Applied", in_force={"ws-1": HERE[0]})
    assert review.phase is Phase.LOOKING
    assert review.tick_ids(["ws-2"])


def test_going_back_changes_nothing() -> None:
    review = looked_at()
    review.tick_ids(["ws-1"])
    review.request(Act.APPLY)
    review.back()
    assert (review.phase, review.ask) == (Phase.LOOKING, None)
    assert review.confirm(f"apply 1 in {PLACE}") is None


def test_a_run_can_be_cancelled_and_only_a_run() -> None:
    review = looked_at()
    assert not review.cancel()
    review.tick_ids(["ws-1", "ws-2"])
    review.begin(Act.DRY_RUN)
    assert review.why_stop() == ""
    review.note("ws-1", "would be done")
    assert review.cancel()
    assert review.why_stop() == CANCELLED
    assert review.ended == {"ws-1": Ended("would be done")}


def test_of_many_clicks_at_once_one_begins() -> None:
    review = looked_at()
    review.tick_shown()
    ask = review.request(Act.APPLY)
    assert ask is not None
    begun: list[Act | None] = []
    clicks = [threading.Thread(target=lambda: begun.append(review.confirm(ask.words)))
              for _ in range(20)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert sum(one is not None for one in begun) == 1


def test_listeners_are_told() -> None:
    review, told = looked_at(), []
    review.listen(lambda: told.append(review.picked))
    review.tick_ids(["ws-7"])
    assert told == [["ws-7"]]


def test_marks_of_another_length_are_refused() -> None:
    assert not looked_at().tick(np.ones(3, dtype=bool))


def test_what_is_picked_is_a_plan() -> None:
    plan = plan_of(CHANGES)
    picked = plan.only(["ws-3", "ws-1"])
    assert picked.changes["workspace_id"].tolist() == ["ws-1", "ws-3"]
    assert len(plan.changes) == 10
    with pytest.raises(InputError, match="does not change ws-else"):
        plan.only(["ws-else"])


def test_outcomes_in_words() -> None:
    ended = {"a": Ended("skipped"), "b": Ended("done"), "c": Ended("done")}
    assert in_words(ended) == "2 done, 1 skipped"


def test_only_what_is_where_a_writer_is_counts() -> None:
    plan = plan_of(CHANGES)
    frame = plan.recommendations
    there = frame["workspace_id"].isin(["ws-1", "ws-2"])
    frame.loc[there, "account_id"] = "999900009999"
    review = Review(plan, inventory(), HERE)
    review.tick_ids(["ws-0", "ws-1", "ws-2"])
    ask = review.request(Act.APPLY)
    assert ask is not None and ask.words == f"apply 1 in {PLACE}" and ask.ids == ("ws-0",)
    assert "2 more that are ticked are left" in ask.question
    review.back()
    review.tick_ids(["ws-0"], on=False)
    assert review.request(Act.APPLY) is None
    assert "Nothing that is ticked is in 111122223333 us-east-1" in review.message
    assert "999900009999 us-east-1" in review.message and review.trouble


def test_a_plan_that_names_no_account_is_refused_before_anybody_types() -> None:
    review = Review(plan_of(CHANGES, account=None), None, HERE)
    review.tick_shown()
    assert review.request(Act.APPLY) is None
    assert "it is in no account us-east-1" in review.message


def test_what_can_be_taken_back_is_what_is_here() -> None:
    review = looked_at(in_force={"ws-1": HERE[0], "ws-2": ("111122223333", "eu-west-1")})
    assert review.can_undo == 1
    ask = review.request(Act.UNDO)
    assert ask is not None and ask.words == f"undo 1 in {PLACE}"
    assert review.confirm(ask.words) is Act.UNDO
    assert review.under_way == ("ws-1",) and review.expected == 1
