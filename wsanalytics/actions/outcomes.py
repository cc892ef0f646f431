"""Name the outcomes of a change, and decide whether a whole run went well."""

from __future__ import annotations

from enum import StrEnum

import pandas as pd


class Outcome(StrEnum):
    """The end of one change."""

    DONE = "done"
    ALREADY = "already in force"
    WOULD = "would be done"
    NOT_DUE = "not due"
    NOT_APPROVED = "not approved"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    LEFT = "left for the next run"


GOOD = {Outcome.DONE, Outcome.ALREADY, Outcome.WOULD, Outcome.NOT_DUE,
        Outcome.NOT_APPROVED, Outcome.LEFT}
"""Outcomes as asked for; LEFT is among them, since a limit that leaves some was asked for, too."""
BY_RULE = "by_rule"
"""In a result's ``attrs``: the ids that were skipped by a rule, such as a tag of their owner's."""
REFUSALS = "refusals"
"""In a result's ``attrs``: the accounts and regions that could not be looked at at all."""


def went_well(frame: pd.DataFrame) -> bool:
    """Whether all that was asked for came about: nothing failed, is unknown, or had changed."""
    is_good = frame["outcome"].isin([str(outcome) for outcome in GOOD])
    by_rule = frame["workspace_id"].isin(list(frame.attrs.get(BY_RULE, ()))) & (
        frame["outcome"] == str(Outcome.SKIPPED))
    return bool((is_good | by_rule).all()) and not frame.attrs.get(REFUSALS)
