"""The running mode and timeout to create a WorkSpace with, from how comparable ones are used.

Nothing is known of a new user but that they work like others. So for each setting the mean cost of
those others is what they are expected to cost; how far that may be off is estimated by resampling
them (a bootstrap), and by how many of them would have been best served by another setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.formatting import as_output, counted, html_table, number, usd
from wsanalytics.recommendations.reasons import ENOUGH_DAYS
from wsanalytics.service_model import refuse_invalid_request
from wsanalytics.settings import Setting

DRAWS = 2000
FEWEST = 3
"""The fewest comparable WorkSpaces for an estimate."""
_PRICED_BY = ("region", "compute_type", "operating_system", "license", "root_gib", "user_gib")
ANYBODY = "USER_NAME"
"""The user of a request that is made before anybody is named."""


@dataclass(frozen=True, eq=False)
class NewWorkspaces:
    """The setting that suits a new user best, and how sure that is.

    ``table`` has a row a setting: setting, usd_per_month (the mean of the comparable
    WorkSpaces), usd_low and usd_high (the middle 80 % of what resampling them gives),
    cold_starts_per_week, and best_for (the share of them for whom it is the cheapest).
    ``chance`` is how often *setting* is the cheapest on average when they are resampled;
    ``workspaces`` how many they are.
    """

    setting: Setting
    table: pd.DataFrame
    chance: float
    workspaces: int

    @property
    def properties(self) -> dict[str, Any]:
        """The ``WorkspaceProperties`` for CreateWorkspaces: a mode, and a timeout if it has one."""
        minutes = self.setting.auto_stop_minutes
        timeout = {} if minutes is None else {"RunningModeAutoStopTimeoutInMinutes": minutes}
        return {"RunningMode": str(self.setting.running_mode)} | timeout

    def __str__(self) -> str:
        (row,) = self.table[self.table["setting"] == str(self.setting)].to_dict("records")
        return (
            f"{self.setting}: {usd(row['usd_per_month'])} a month on average "
            f"({usd(row['usd_low'])} to {usd(row['usd_high'])}), "
            f"{number(row['cold_starts_per_week'], 1)} cold starts a week, "
            f"from {counted(self.workspaces, 'comparable WorkSpace')}; the cheapest for "
            f"{row['best_for']:.0%} of them, and on average with a chance of {self.chance:.0%}"
        )

    def __repr__(self) -> str:
        return f"<NewWorkspaces {self}>"

    def _repr_html_(self) -> str:
        shown = self.table.assign(
            usd_per_month=self.table["usd_per_month"].map(usd),
            usd_low=self.table["usd_low"].map(usd), usd_high=self.table["usd_high"].map(usd),
            cold_starts_per_week=self.table["cold_starts_per_week"].round(1),
            best_for=self.table["best_for"].map("{:.0%}".format))
        return as_output(html_table(shown))


def creation_properties(
    comparison: pd.DataFrame,
    *,
    candidates: Iterable[Setting | str] | None = None,
    max_cold_starts_per_week: float | None = None,
    seed: int = 0,
) -> NewWorkspaces:
    """Choose the setting for a new WorkSpace whose user works like those of *comparison*.

    *comparison* is what :func:`~wsanalytics.recommendations.compare` gives for the comparable
    WorkSpaces; those without a price, or observed on fewer than 21 days, do not count.
    *candidates* are the settings to choose from (default: all compared);
    *max_cold_starts_per_week* the most that they may have on average. *seed* fixes the draws.
    Raises :class:`InputError` where fewer than three WorkSpaces can be compared, or no setting
    keeps to the limit.
    """
    wanted = None if candidates is None else {str(candidate) for candidate in candidates}
    usable = comparison[comparison["observed_days"] >= ENOUGH_DAYS]
    usable = usable.assign(setting=usable["setting"].astype("str"))
    costs = usable.pivot_table(index="workspace_id", columns="setting", values="usd_per_month")
    costs = costs.dropna()
    if wanted is not None:
        costs = costs[[name for name in costs.columns if name in wanted]]
    if len(costs) < FEWEST or costs.columns.empty:
        raise InputError(
            f"{counted(len(costs), 'comparable WorkSpace')} with a price and {ENOUGH_DAYS} "
            "observed days", where="the comparable WorkSpaces",
            rule=f"a new WorkSpace is judged by at least {FEWEST} others",
            fix="name a larger part of the fleet, or observe for longer")
    costs = costs[sorted(costs.columns, key=lambda name: Setting.parse(str(name)).order)]
    waits = usable.groupby("setting")["cold_starts_per_week"].mean().reindex(costs.columns)
    allowed = (waits <= max_cold_starts_per_week + 1e-9).to_numpy() if (
        max_cold_starts_per_week is not None) else np.ones(len(waits), dtype=bool)
    if not allowed.any():
        raise InputError(
            f"every setting has more than {number(max_cold_starts_per_week or 0, 1)} cold starts "
            f"a week on average", where="--max-cold-starts-per-week",
            rule="one setting at least keeps to the limit", fix="add ALWAYS_ON, or allow more")
    return _chosen(costs, waits, allowed, seed)


def _chosen(
    costs: pd.DataFrame, cold_starts: pd.Series,
    allowed: np.ndarray[Any, np.dtype[np.bool_]], seed: int,
) -> NewWorkspaces:
    values = costs.to_numpy(dtype=np.float64)
    count = len(values)
    # draws x WorkSpaces: how often each is drawn in a sample as large as the fleet; times the
    # costs, over the count, that is the mean of each sample and setting.
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    means = drawn @ values / count
    low, high = np.quantile(means, [0.1, 0.9], axis=0)
    # Settings over the limit cannot win: they count as infinitely dear.
    mean = values.mean(axis=0)
    best = int(np.where(allowed, mean, np.inf).argmin())
    winners = np.where(allowed, means, np.inf).argmin(axis=1)
    cheapest_of_each = np.where(allowed, values, np.inf).argmin(axis=1)
    table = pd.DataFrame({
        "setting": costs.columns.astype("str"), "usd_per_month": mean, "usd_low": low,
        "usd_high": high, "cold_starts_per_week": cold_starts.to_numpy(dtype=np.float64),
        "best_for": np.bincount(cheapest_of_each, minlength=len(mean)) / count,
    })
    return NewWorkspaces(Setting.parse(str(costs.columns[best])), table,
                    float((winners == best).mean()), count)


def priced_as(workspaces: pd.DataFrame, bundle_id: str) -> pd.DataFrame:
    """Return the *workspaces* as if each were of the bundle of the new WorkSpace.

    They show how people work; what that costs depends on the new WorkSpace's own hardware. As
    they are where none of them is of that bundle.
    """
    of_bundle = workspaces[workspaces["bundle_id"] == bundle_id]
    if of_bundle.empty:
        return workspaces
    return workspaces.assign(**{name: of_bundle[name].mode().iloc[0] for name in _PRICED_BY})


def creation_request(
    new_workspaces: NewWorkspaces,
    workspaces: pd.DataFrame,
    users: Sequence[str] = (),
    *,
    directory_id: str | None = None,
    bundle_id: str | None = None,
) -> dict[str, Any]:
    """Build a CreateWorkspaces request for *users*, valid by AWS's own service model.

    The directory and the bundle are those of most of *workspaces* (a ``workspaces`` table of the
    comparable ones) unless they are named. Without *users* it is a request for ``USER_NAME``, to
    be filled in. Raises :class:`InputError` for what AWS's model refuses, and for a user who is
    named twice.
    """
    twice = [name for name, times in Counter(users).items() if times > 1]
    if twice:
        raise InputError(f"{twice[0]} is named twice", where="--user",
                         rule="a user gets one WorkSpace in a directory", fix="name each once")
    common = {"DirectoryId": directory_id or of_most(workspaces, "directory_id"),
           "BundleId": bundle_id or of_most(workspaces, "bundle_id"),
           "WorkspaceProperties": new_workspaces.properties}
    request = {"Workspaces": [{"UserName": name} | common for name in users or [ANYBODY]]}
    for first in range(0, len(request["Workspaces"]), 25):  # a call takes 25
        refuse_invalid_request("workspaces", "CreateWorkspaces",
                               {"Workspaces": request["Workspaces"][first : first + 25]})
    return request


def of_most(workspaces: pd.DataFrame, column: str) -> str:
    """Return the directory or bundle of most of *workspaces*; :class:`InputError` for none."""
    named = workspaces.loc[workspaces[column] != "", column]
    if named.empty:
        option = "--into-directory" if column == "directory_id" else "--from-bundle"
        raise InputError(f"no {column} is known", where="the comparable WorkSpaces",
                         rule="a WorkSpace is created in a directory and from a bundle",
                         fix=f"name it with {option}")
    return str(named.value_counts().sort_index().idxmax())
