"""Bundles of WorkSpaces: the volumes that each compute type comes with."""

from __future__ import annotations

import pandas as pd

BASE_VOLUMES = {
    "VALUE": (80, 10),
    "STANDARD": (80, 50),
    "PERFORMANCE": (80, 100),
    "POWER": (175, 100),
    "POWERPRO": (175, 100),
    "GENERALPURPOSE_4XLARGE": (175, 100),
    "GENERALPURPOSE_8XLARGE": (175, 100),
    "GRAPHICS": (100, 100),
    "GRAPHICSPRO": (100, 100),
    "GRAPHICS_G4DN": (100, 100),
    "GRAPHICSPRO_G4DN": (100, 100),
}
"""Root and user volume in GiB that each bundle comes with, the pair its list price is named for."""


def with_base_volumes(frame: pd.DataFrame) -> pd.DataFrame:
    """The *frame* with the bundle's base volumes where ``root_gib`` or ``user_gib`` is empty."""
    filled = frame.copy()
    for index, name in enumerate(("root_gib", "user_gib")):
        base = frame["compute_type"].map(
            {compute_type: pair[index] for compute_type, pair in BASE_VOLUMES.items()}
        )
        filled[name] = frame[name].fillna(base.astype("Int64"))
    return filled
