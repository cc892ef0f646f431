"""Summarise a fleet by its parts: the cost of directories, tags, bundles and months."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.files import tags_of
from wsanalytics.prices import PriceBook, break_even, break_even_hours
from wsanalytics.recommendations import Plan
from wsanalytics.settings import ALWAYS_ON, Setting
from wsanalytics.timeline import (
    Window,
    months_of,
)


def fleet_costs(comparison: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return the fleet's cost a month as it is, under the plan, and under one setting for all.

    Columns: ``option`` (``today``, ``the plan``, then each setting), ``workspaces`` (how many
    are counted), ``fixed_usd``, ``hourly_usd``, ``total_usd`` (USD a month) and
    ``cold_starts_per_week``. All is as the past days would have cost, but the plan: it costs what
    the fleet costs today less what it is expected to save. WorkSpaces that lack a price under any
    setting are left out of every row, so that the rows can be compared; terminated ones too.
    """
    rows = priced_rows(comparison)
    after = planned_settings(rows, plan)
    setting = rows["setting"].astype("str")
    options = {"today": rows[setting == rows["baseline"]], "the plan": rows[setting == after]}
    options |= {
        f"all {name}": rows[setting == name] for name in comparison["setting"].cat.categories
    }
    frame = pd.DataFrame(
        [
            {
                "option": option,
                "workspaces": len(chosen),
                "fixed_usd": float(
                    chosen["usd_per_month"].sum() - chosen["hourly_usd_per_month"].sum()
                ),
                "hourly_usd": float(chosen["hourly_usd_per_month"].sum()),
                "total_usd": float(chosen["usd_per_month"].sum()),
                "cold_starts_per_week": float(chosen["cold_starts_per_week"].sum()),
            }
            for option, chosen in options.items()
        ]
    )
    is_counted = plan.changes["workspace_id"].isin(rows["workspace_id"])
    saving = float(plan.changes.loc[is_counted, "saving_usd_per_month"].sum())
    planned = frame["option"] == "the plan"
    total = float(frame.loc[frame["option"] == "today", "total_usd"].iloc[0]) - saving
    frame.loc[planned, "hourly_usd"] = total - frame.loc[planned, "fixed_usd"]
    frame.loc[planned, "total_usd"] = total
    return frame


def priced_rows(comparison: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of WorkSpaces with a known cost: not terminated, a price for each setting.

    *comparison* is a ``comparison`` table. Fleets are summed up over these, so that the sums under
    one setting and under another are of the same WorkSpaces.
    """
    has_price = comparison["usd_per_month"].notna()
    # transform spreads each WorkSpace's answer over all of its rows.
    whole = has_price.groupby(comparison["workspace_id"]).transform("all")
    return comparison[whole & comparison["terminated_at"].isna()]


def planned_settings(rows: pd.DataFrame, plan: Plan) -> pd.Series:
    """Return the setting of each row's WorkSpace in a ``comparison`` table under the *plan*."""
    proposed = plan.changes.set_index("workspace_id")["to_setting"]
    after = rows["workspace_id"].map(proposed)
    return after.where(after.notna(), rows["baseline"])


def break_even_usage(comparison: pd.DataFrame) -> pd.DataFrame:
    """Return how far each WorkSpace's billed hours are from the break-even of its two modes.

    Columns: ``workspace_id``, ``baseline``, ``billed_hours_per_month`` (under the shortest
    timeout compared), ``break_even_hours`` and ``share`` (1.0: both modes cost the same).
    WorkSpaces without hours have the share 0; those without a price are left out.
    """
    timeouts = [name for name in comparison["setting"].cat.categories if name != str(ALWAYS_ON)]
    if not timeouts or str(ALWAYS_ON) not in comparison["setting"].cat.categories:
        return pd.DataFrame(columns=["workspace_id", "baseline", "billed_hours_per_month",
                                     "break_even_hours", "share"])
    shortest = min(timeouts, key=lambda name: Setting.parse(name).order)
    auto = comparison[comparison["setting"] == shortest].set_index("workspace_id")
    flat = comparison[comparison["setting"] == str(ALWAYS_ON)].set_index("workspace_id")
    # What AUTO_STOP may spend on hours before ALWAYS_ON is cheaper.
    room = flat["usd_per_month"] - (auto["usd_per_month"] - auto["hourly_usd_per_month"])
    usage = pd.DataFrame(
        {
            "baseline": auto["baseline"],
            "billed_hours_per_month": auto["billed_hours_per_month"],
            "share": auto["hourly_usd_per_month"] / room,
        }
    )
    has_hours = usage["share"] > 0
    rate = (auto["hourly_usd_per_month"] / auto["billed_hours_per_month"]).where(has_hours)
    fee = auto["usd_per_month"] - auto["hourly_usd_per_month"]
    usage["break_even_hours"] = break_even(flat["usd_per_month"], fee, rate)
    return usage[usage["share"].notna()].reset_index()

GROUPINGS = {"account": "account_id", "bundle": "compute_type", "directory": "directory_id",
             "region": "region"}
"""By which column of a ``workspaces`` table a fleet is divided; by running mode and by tag too."""


def monthly_hours(comparison: pd.DataFrame, workspaces: pd.DataFrame) -> pd.DataFrame:
    """Return each WorkSpace's billed hours a month, and the break-even of its two modes.

    Columns: ``workspace_id``, ``compute_type`` (the bundle), ``baseline`` (its present setting),
    ``billed_hours_per_month`` (under its present timeout; of those that are ALWAYS_ON today under
    the shortest that was compared) and ``break_even_hours``, both hours a month; over the latter
    ALWAYS_ON is cheaper. Those without a price are left out; without hours, the break-even is
    empty.
    """
    usage = break_even_usage(comparison).drop(columns="share")
    auto_stop_rows = comparison[comparison["setting"].astype("str") == comparison["baseline"]]
    auto_stop_rows = auto_stop_rows[auto_stop_rows["baseline"] != str(ALWAYS_ON)].set_index(
        "workspace_id"
    )
    present = usage["workspace_id"].map(auto_stop_rows["billed_hours_per_month"])
    bundles = workspaces.set_index("workspace_id")["compute_type"]
    usage["billed_hours_per_month"] = present.fillna(usage["billed_hours_per_month"])
    usage.insert(1, "compute_type", usage["workspace_id"].map(bundles).astype("str"))
    return usage


def bundle_rates(workspaces: pd.DataFrame, prices: PriceBook) -> pd.DataFrame:
    """Return the cost of each kind of WorkSpace in either mode, the most frequent kind first.

    Columns: ``region``, ``compute_type``, ``operating_system``, ``license``, ``root_gib``,
    ``user_gib``, ``workspaces`` (how many there are), ``always_on_usd`` and ``auto_stop_usd`` (USD
    a month), ``hourly_usd`` (USD a billed hour) and ``break_even_hours`` (billed hours a month at
    which both modes cost the same). Kinds without a price are left out.
    """
    kind = ["region", "compute_type", "operating_system", "license", "root_gib", "user_gib"]
    counts = workspaces.groupby(kind, dropna=False).size().rename("workspaces").reset_index()
    rates = prices.rates(counts)
    frame = pd.concat([counts, rates], axis=1).assign(break_even_hours=break_even_hours(rates))
    frame = frame[frame["hourly_usd"].notna() & frame["always_on_usd"].notna()]
    return frame.sort_values(["workspaces", *kind], ascending=[False] + [True] * len(kind),
                             ignore_index=True)


def cost_by(
    comparison: pd.DataFrame, plan: Plan, workspaces: pd.DataFrame, by: str = "directory"
) -> pd.DataFrame:
    """Return the cost of each part of a fleet a month, today and planned; the dearest first.

    *by* is ``account``, ``bundle``, ``directory``, ``region``, ``running mode`` (that of today), or
    ``tag NAME`` for the values of one tag. Columns: ``group`` (empty: the WorkSpaces without such
    a tag), ``workspaces`` (how many are counted), ``today_usd``, ``planned_usd`` and ``saving_usd``
    (USD a month), ``cold_starts_per_week`` and ``planned_cold_starts_per_week``, and ``unpriced``:
    how many WorkSpaces of the group are left out of all that because a price is missing.
    Terminated WorkSpaces, and those that are not simulated (MANUAL, standby), are left out.
    Raises :class:`InputError` for anything else to divide by.
    """
    names = _groups(comparison, workspaces, by)
    living = comparison[comparison["terminated_at"].isna()]
    rows = priced_rows(comparison)
    setting = rows["setting"].astype("str")
    sides = []
    for prefix, wanted in (("today", rows["baseline"]), ("planned", planned_settings(rows, plan))):
        chosen = rows[setting == wanted].set_index("workspace_id")
        sides.append(chosen[["usd_per_month", "cold_starts_per_week"]].add_prefix(f"{prefix}_"))
    table = pd.concat(sides, axis=1)
    saving = plan.changes.set_index("workspace_id")["saving_usd_per_month"]
    table["saving_usd"] = saving.reindex(table.index).fillna(0.0)
    sums = table.groupby(names.reindex(table.index)).sum()
    # Counted apart from the sums: a group whose WorkSpaces all lack a price still has a row.
    count = table.groupby(names.reindex(table.index)).size()
    everyone = pd.Index(living["workspace_id"].unique())
    left_out = everyone.difference(table.index)
    unpriced = names.reindex(left_out).value_counts()
    groups = pd.Index(names.reindex(everyone).unique(), dtype="str")
    sums = sums.reindex(groups, fill_value=0.0)
    frame = pd.DataFrame({
        "group": groups, "workspaces": count.reindex(groups, fill_value=0).to_numpy(),
        "today_usd": sums["today_usd_per_month"].to_numpy(),
        "planned_usd": (sums["today_usd_per_month"] - sums["saving_usd"]).to_numpy(),
        "saving_usd": sums["saving_usd"].to_numpy(),
        "cold_starts_per_week": sums["today_cold_starts_per_week"].to_numpy(),
        "planned_cold_starts_per_week": sums["planned_cold_starts_per_week"].to_numpy(),
        "unpriced": unpriced.reindex(groups, fill_value=0).to_numpy(),
    })
    return frame.sort_values(["today_usd", "group"], ascending=[False, True], ignore_index=True)


def _groups(comparison: pd.DataFrame, workspaces: pd.DataFrame, by: str) -> pd.Series:
    """Return the name of the group of each WorkSpace, by its id."""
    index = pd.Index(workspaces["workspace_id"].astype("str"), name="workspace_id")
    if by == "running mode":
        present = comparison.drop_duplicates("workspace_id").set_index("workspace_id")["baseline"]
        return present.astype("str").str.split(":").str[0].astype("str")
    if by.startswith("tag ") and by[4:].strip():
        return pd.Series(_tag_values(workspaces["tags"], by[4:].strip()), index=index, dtype="str")
    if by in GROUPINGS:
        values = workspaces[GROUPINGS[by]].fillna("").astype("str")
        return pd.Series(values.to_numpy(), index=index, dtype="str")
    divisions = [*GROUPINGS, "running mode"]
    raise InputError(
        f"a fleet cannot be divided by {by!r}", where="by",
        rule=f"it is divided by {', '.join(divisions)}, or by 'tag NAME'",
        fix=did_you_mean(by, divisions, otherwise="use for example 'directory'"))


def _tag_values(tags: pd.Series, name: str) -> list[str]:
    """Return one tag's value by WorkSpace, empty without; *tags* are JSON objects or dicts."""
    return [each.get(name, "") for each in map(_tags, tags)]


def _tags(written: object) -> Mapping[str, str]:
    """Return the tags of one WorkSpace; none where they cannot be read."""
    return {name.strip(): value for name, value in tags_of(written).items()}


def tag_names(tags: pd.Series) -> list[str]:
    """Return the names of the tags of a fleet by which it can be divided, in order."""
    return sorted({name for each in map(_tags, tags) for name in each} - {""})


def cost_by_month(charges: pd.DataFrame, baseline: pd.Series, window: Window) -> pd.DataFrame:
    """Return the fleet's cost in each month of *window* under the settings that it has.

    *charges* is a ``charges`` table, *baseline* gives the present settings by ``workspace_id``
    (``history.configured``). Columns: ``month`` (UTC, YYYY-MM), ``covered`` (the share of the month
    that lies in the window, 0 to 1: a month of which half is missing costs half), ``workspaces``
    (how many are counted), ``fixed_usd``, ``hourly_usd``, ``total_usd`` (USD), and ``unpriced``:
    how many are left out of all months because a price is missing.
    """
    names = charges["workspace_id"].astype("str")
    present = charges[charges["setting"].astype("str") == names.map(baseline.to_dict())]
    names = present["workspace_id"].astype("str")
    is_known = present["total_usd"].notna().groupby(names).transform("all")
    rows = present[is_known].assign(month=present["month"].astype("str"))
    usd = ["fixed_usd", "hourly_usd", "total_usd"]
    months = months_of(window)
    labels = pd.Index(months.labels, dtype="str", name="month")
    sums = rows.groupby("month")[usd].sum().reindex(labels, fill_value=0.0)
    frame = pd.DataFrame({"month": labels, "covered": months.covered,
                          "workspaces": names[is_known].nunique()})
    return pd.concat([frame, sums.reset_index(drop=True)], axis=1).assign(
        unpriced=names[~is_known].nunique())
