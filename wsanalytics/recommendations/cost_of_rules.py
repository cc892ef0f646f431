"""What the rules of a house cost a month: what is decided with them, against without them."""

from __future__ import annotations

import pandas as pd

from wsanalytics.recommendations.analysis import Analysis
from wsanalytics.rules import RuleBook


def cost_of_rules(bound: Analysis, free: Analysis) -> pd.DataFrame:
    """Return what each WorkSpace is expected to cost a month with its rules and without any.

    Both analyses are of the same fleet and window; *bound* was made with rules. Columns, by
    ``workspace_id``: ``rule`` (empty for none), ``usd_per_month`` and ``usd_per_month_without``,
    each of the setting that the policy decides to open the next month in. WorkSpaces that are not
    billed, or have no known price, have no amounts.
    """
    frame = (bound.limits.rules or RuleBook()).holding(bound.workspaces)
    return frame.assign(usd_per_month=_as_decided(bound).reindex(frame.index),
                        usd_per_month_without=_as_decided(free).reindex(frame.index))


def _as_decided(analysis: Analysis) -> pd.Series:
    """Return the expected cost of what was decided, by ``workspace_id``."""
    costs = analysis.comparison.astype({"setting": "str"}).set_index(
        ["workspace_id", "setting"])["expected_usd_per_month"]
    decided = analysis.decision.settings["from_next_month"]
    pairs = pd.MultiIndex.from_arrays([decided.index.astype("str"), decided.astype("str")])
    return pd.Series(costs.reindex(pairs).to_numpy(), index=decided.index)
