"""What the tests of plots share: stories, fleets, short names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from wsanalytics.tables.results import COMPARISON

SETTINGS = ["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120"]

HOSTILE = "<script>$x^2$ \u202e\x1b[1m \U0001f9ff \u4f60" + "y" * 300

BUNDLES = ["STANDARD", "VALUE", "POWER", "POWERPRO", "PERFORMANCE", "GRAPHICS", "GRAPHICSPRO",
           "GRAPHICS_G4DN", "GRAPHICS_G6_XLARGE", "GENERALPURPOSE_4XLARGE"]

Frame = pd.DataFrame


def drawn(draw: Callable[..., Axes], frame: Frame, **more: object) -> Axes:
    """The Axes, rendered as a notebook would, with the frame as it was."""
    before = frame.copy(deep=True)
    ax = draw(frame, **more)
    ax.figure.canvas.draw()
    pd.testing.assert_frame_equal(frame, before)
    return ax


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def ticks(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def comparison(size: int) -> Frame:
    """Fleets in which each WorkSpace is ALWAYS_ON for $40; by the hour for $10 and its hours."""
    rng = np.random.default_rng(3)
    hours = np.repeat(rng.uniform(0, 200, size), 3)
    names = np.tile(SETTINGS, size)
    flat = names == "ALWAYS_ON"
    frame = pd.DataFrame(dict.fromkeys(COMPARISON.names, 0.0), index=range(3 * size))
    frame["workspace_id"] = pd.Series(np.repeat([f"ws-{n}" for n in range(size)], 3), dtype="str")
    frame["setting"] = pd.Categorical(names, SETTINGS, ordered=True)
    frame["baseline"] = pd.Series("ALWAYS_ON", index=frame.index, dtype="str")
    frame["hourly_usd_per_month"] = np.where(flat, 0.0, 0.5 * hours)
    frame["usd_per_month"] = np.where(flat, 40.0, 10.0) + frame["hourly_usd_per_month"]
    frame["saving_usd_per_month"] = 40 - frame["usd_per_month"]
    frame["saving_low_usd"] = frame["saving_usd_per_month"] - np.where(flat, 0, 5)
    frame["saving_high_usd"] = frame["saving_usd_per_month"] + np.where(flat, 0, 8)
    frame["cold_starts_per_week"] = np.where(flat, 0.0, 3.0)
    frame["extra_cold_starts_per_week"] = frame["cold_starts_per_week"] * rng.uniform(
        0.5, 2, 3 * size)
    return frame


def monthly(size: int) -> Frame:
    places = np.arange(size)
    return pd.DataFrame({
        "workspace_id": [f"ws-{n}" for n in places],
        "compute_type": pd.Series(np.array(BUNDLES)[places % len(BUNDLES)], dtype="str"),
        "baseline": "AUTO_STOP:60", "billed_hours_per_month": places * 37.0 % 700,
        "break_even_hours": np.where(places % 7, 84.0, np.nan)})


def groups(size: int) -> Frame:
    usd = np.arange(size, 0, -1.0)
    return pd.DataFrame({
        "group": pd.Series([f"d-{n}" for n in range(size)], dtype="str"), "workspaces": 2,
        "today_usd": usd, "planned_usd": usd / 2, "saving_usd": usd / 2,
        "cold_starts_per_week": 1.0, "planned_cold_starts_per_week": 2.0, "unpriced": 0})


def months(size: int) -> Frame:
    return pd.DataFrame({
        "month": pd.Series([f"{2020 + n // 12}-{n % 12 + 1:02}" for n in range(size)], dtype="str"),
        "covered": 1.0, "workspaces": 3, "fixed_usd": 30.0, "hourly_usd": 12.5,
        "total_usd": 42.5, "unpriced": 0})


def bills(size: int) -> Frame:
    usd = np.linspace(5, 900, size)
    return pd.DataFrame({"workspace_id": [f"ws-{n}" for n in range(size)], "predicted_usd": usd,
                         "billed_usd": usd * 1.02})


def verified(size: int) -> Frame:
    promised = np.linspace(5, 300, size)
    return pd.DataFrame({
        "workspace_id": [f"ws-{n}" for n in range(size)], "promised_usd": promised,
        "promised_low_usd": promised - 3, "promised_high_usd": promised + 4,
        "realised_usd": promised + 1, "verdict": pd.Series("as promised", index=range(size),
                                                            dtype="str")})


def rates(**columns: object) -> Frame:
    return pd.DataFrame([{"compute_type": "STANDARD", "always_on_usd": 40.0, "auto_stop_usd": 10.0,
                          "hourly_usd": 0.5, "break_even_hours": 60.0} | columns])
