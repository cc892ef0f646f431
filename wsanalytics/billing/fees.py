"""Decide which WorkSpaces are billed, and the fee of a month that they existed in part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.not_simulated import is_simulated
from wsanalytics.prices import PriceBook
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    Hours,
    Months,
    column_micros,
)


def fee_shares(workspaces: pd.DataFrame, months: Months) -> Hours:
    """Return the share of each month's fee that each WorkSpace owes, before the window's cut.

    One row a WorkSpace, one column a month: 0 before its creation and after its termination, in
    the month of its creation the days left (that day included) over the days of the month, else
    1, the month of its termination included (price page).
    """
    edges, days = months.edges, months.days
    shares = np.ones((len(workspaces), len(days)))
    created = column_micros(workspaces["created_at"])[:, None]
    is_known = workspaces["created_at"].notna().to_numpy()[:, None]
    # WorkSpaces x months: whole days of each month before the creation, negative in later months.
    days_gone = np.floor((created - edges[:-1]) / MICROS_PER_DAY)
    days_left_share = np.clip((days - days_gone) / days, 0, 1)
    shares = np.where(is_known, days_left_share, shares)
    terminated = column_micros(workspaces["terminated_at"])[:, None]
    is_gone = workspaces["terminated_at"].notna().to_numpy()[:, None]
    return np.where(is_gone & (terminated < edges[:-1]), 0.0, shares)


@dataclass(frozen=True, slots=True, eq=False)
class Tariff:
    """The prices of a fleet, in USD; NaN where no price is known.

    ``always_on`` and ``auto_stop`` are the fees by WorkSpace (rows) and month, as far as they are
    owed; ``monthly`` is the whole ALWAYS_ON fee, of which a conversion pays a share; ``hourly``
    the rate of a billed hour.
    """

    always_on: Hours
    auto_stop: Hours
    monthly: Hours
    hourly: Hours

    @classmethod
    def of(cls, fleet: pd.DataFrame, prices: PriceBook, months: Months) -> Tariff:
        """Look up the tariff of the *fleet* (a ``workspaces`` table) in *months*."""
        rates = prices.rates(fleet)
        owed = fee_shares(fleet, months) * months.covered
        monthly = rates["always_on_usd"].to_numpy(dtype=np.float64)
        fixed = rates["auto_stop_usd"].to_numpy(dtype=np.float64)
        return cls(monthly[:, None] * owed, fixed[:, None] * owed, monthly,
                   rates["hourly_usd"].to_numpy(dtype=np.float64))

    @property
    def is_priced(self) -> npt.NDArray[np.bool_]:
        """Whether each WorkSpace has a price in both modes."""
        has_prices: npt.NDArray[np.bool_] = ~(np.isnan(self.monthly) | np.isnan(self.hourly)
                                         | np.isnan(self.auto_stop).any(axis=1))
        return has_prices


def billable(workspaces: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Mark the WorkSpaces that are simulated and billed, by :mod:`wsanalytics.not_simulated`."""
    return is_simulated(workspaces)
