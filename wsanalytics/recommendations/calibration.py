"""Are intervals as sure as they say? What was promised at each month's begin, and what came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pandas as pd

from wsanalytics.backtesting import Choice, Rule, Seen, decide
from wsanalytics.billing import HourRule, bill, billable
from wsanalytics.defaults import DEFAULT_POLICY
from wsanalytics.history import configured
from wsanalytics.prices import PriceBook
from wsanalytics.recommendations.compare import compare
from wsanalytics.settings import setting_grid
from wsanalytics.simulation import Replay, replay
from wsanalytics.timeline import Window, months_later

FEWEST_DAYS = 28
"""WorkSpaces that were observed for fewer days are left out."""
COLUMNS = ("decided_at", "workspace_id", "from_setting", "to_setting", "saving_usd_per_month",
           "saving_low_usd", "saving_high_usd", "chance_of_loss", "came_usd_per_month")


def calibrate(
    sessions: pd.DataFrame, *, workspaces: pd.DataFrame, prices: PriceBook, window: Window,
    hour_rule: HourRule | str = HourRule.CLOCK_HOUR, months: int = 2, level: float = 0.8,
    policy: str | Rule | Callable[[Seen], Choice] | None = DEFAULT_POLICY,
) -> pd.DataFrame:
    """Return what was promised for each change that was proposed on a 1st, and what it then saved.

    At every first of a month in *window* from which *months* whole months can be seen, the *policy*
    is asked from the sessions before (a ``sessions`` table that begins earlier), each WorkSpace
    being set as *workspaces* list it. What it would change is held against what that then saved in
    those months: changes are proposed because they look good, so to judge every WorkSpace's best
    other setting (*policy* None) is easier. One row a change:
    ``decided_at``, ``workspace_id``, ``from_setting``, ``to_setting``, ``saving_usd_per_month``
    with its interval and ``chance_of_loss``, and ``came_usd_per_month``. WorkSpaces that were
    created within four weeks before, never used, terminated within those months, or have no
    price, are left out. :func:`coverage` sums it up.
    """
    begins = min(window.start, sessions["connected_at"].min().to_pydatetime())
    start = begins.replace(hour=0, minute=0, second=0, microsecond=0)
    parts = []
    at = window.start
    while (ends := months_later(at, months)) <= window.end:
        # A decision needs a history: the first months of a window may have none.
        if at - start >= timedelta(days=FEWEST_DAYS):
            parts.append(_decided(sessions, workspaces, prices, Window(start, at),
                                  Window(at, ends), HourRule.parse(hour_rule), level, policy))
        at = months_later(at, 1)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def coverage(calibrated: pd.DataFrame) -> dict[str, float]:
    """Return how often actual savings lay in the interval, were losses, and were predicted losses.

    Keys: ``decisions``, ``covered``, ``below``, ``above``, ``lost``, ``predicted_loss``: shares,
    but for the first. A cent more or less counts as in.
    """
    came = calibrated["came_usd_per_month"]
    # A cent of tolerance: amounts are rounded on the way.
    below = came < calibrated["saving_low_usd"] - 0.01
    above = came > calibrated["saving_high_usd"] + 0.01
    return {"decisions": len(calibrated), "covered": float((~below & ~above).mean()),
            "below": float(below.mean()), "above": float(above.mean()),
            "lost": float((came < -0.005).mean()),
            "predicted_loss": float(calibrated["chance_of_loss"].mean())}


def calibration_table(calibrated: pd.DataFrame) -> pd.DataFrame:
    """Return how often changes lost, by the predicted probability of a loss.

    Columns: ``chance_of_loss`` (the mean of each group), ``lost`` (the share that lost),
    ``decisions``.
    """
    edges = [-0.01, 0.01, 0.03, 0.07, 0.15, 0.25, 0.35, 0.5, 0.65, 0.8, 1.0]
    group = pd.cut(calibrated["chance_of_loss"], edges)
    frame = calibrated.assign(lost=calibrated["came_usd_per_month"] < -0.005)
    groups = frame.groupby(group, observed=True).agg(
        chance=("chance_of_loss", "mean"), lost=("lost", "mean"), decisions=("lost", "size"))
    return groups.rename(columns={"chance": "chance_of_loss"}).reset_index(drop=True)


def _decided(
    sessions: pd.DataFrame, workspaces: pd.DataFrame, prices: PriceBook, before: Window,
    after: Window, rule: HourRule, level: float,
    policy: str | Rule | Callable[[Seen], Choice] | None,
) -> pd.DataFrame:
    """Return the decisions of one day."""
    fleet = _known_at(workspaces, sessions, before, after)
    used = sessions[sessions["workspace_id"].isin(fleet["workspace_id"])]
    present = configured(fleet)
    grid = setting_grid(include=present.unique())
    before_replay, after_replay = (replay(used, grid, window=when) for when in (before, after))
    charges = bill(before_replay, fleet, prices, hour_rule=rule)
    compared = compare(charges, before_replay, fleet, baseline=present, level=level)
    setting = compared["setting"].astype("str")
    others = compared.assign(setting=setting)[setting != compared["baseline"]]
    if policy is not None:
        decision = decide(policy, used, workspaces=fleet, prices=prices, at=before.end,
                          present=present, hour_rule=rule)
        wanted = others["workspace_id"].map(decision.settings["from_now"])
        others = others[others["setting"] == wanted]
    best = others.sort_values("saving_usd_per_month", ascending=False, kind="stable")
    best = best.drop_duplicates("workspace_id").sort_values("workspace_id", ignore_index=True)
    usd = _usd_a_month(after_replay, fleet, prices, rule)
    present_usd = [
        usd[setting, name]
        for setting, name in zip(best["baseline"], best["workspace_id"], strict=True)
    ]
    proposed_usd = [
        usd[setting, name]
        for setting, name in zip(best["setting"], best["workspace_id"], strict=True)
    ]
    return best.rename(columns={"baseline": "from_setting", "setting": "to_setting"}).assign(
        decided_at=pd.Timestamp(before.end),
        came_usd_per_month=[old - new for old, new in zip(present_usd, proposed_usd, strict=True)],
    )[list(COLUMNS)]


def _usd_a_month(
    came: Replay, fleet: pd.DataFrame, prices: PriceBook, rule: HourRule
) -> dict[tuple[str, str], float]:
    charges = bill(came, fleet, prices, hour_rule=rule)
    total = charges.astype({"setting": "str", "workspace_id": "str"}).groupby(
        ["setting", "workspace_id"])["total_usd"].mean()
    return {(str(key[0]), str(key[1])): float(usd) for key, usd in total.items()}  # type: ignore[index]  # a pair


def _known_at(
    workspaces: pd.DataFrame, sessions: pd.DataFrame, before: Window, after: Window
) -> pd.DataFrame:
    """Return those that had been there for long enough, were used, and stayed.

    As they were known.
    """
    late = pd.Timestamp(before.end - timedelta(days=FEWEST_DAYS))
    used_before = sessions.loc[sessions["connected_at"] < pd.Timestamp(before.end), "workspace_id"]
    is_known = (
        billable(workspaces) & workspaces["workspace_id"].isin(used_before.unique()).to_numpy()
    )
    is_known &= (workspaces["created_at"].isna() | (workspaces["created_at"] <= late)).to_numpy()
    terminated_at = workspaces["terminated_at"]
    is_known &= (terminated_at.isna() | (terminated_at >= pd.Timestamp(after.end))).to_numpy()
    fleet = workspaces[is_known].reset_index(drop=True)
    # On the day of the decision nobody knew of an end to come.
    return fleet.assign(terminated_at=fleet["terminated_at"].mask(fleet["terminated_at"].notna()))

