"""The WorkSpaces of invented people, many of them in a setting that costs too much."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from json import dumps
from typing import TypeVar

import numpy as np
import pandas as pd

from wsanalytics.history import check_workspaces
from wsanalytics.people.person import Archetype, Person, Purpose, code_of
from wsanalytics.timeline import Window

T = TypeVar("T")

ACCOUNT_ID = "111122223333"
"""The account of the invented fleet; AWS's documentation uses it for examples."""
_ALWAYS_ON_SHARE = {
    Archetype.NINE_TO_FIVE: 0.6,
    Archetype.PART_TIME: 0.5,
    Archetype.SHIFTS: 0.55,
    Archetype.NIGHT_OWL: 0.5,
    Archetype.NEVER_LEAVES: 0.6,
    Archetype.RECONNECTS: 0.5,
    Archetype.CONTRACTOR: 0.6,
    Archetype.AUTOMATION: 0.4,
    Archetype.UNUSED: 0.6,
    Archetype.NEWCOMER: 0.5,
}
_TIMEOUTS = {60: 0.55, 120: 0.14, 180: 0.04, 240: 0.12, 480: 0.09, 1440: 0.06}
_BUNDLES = {"VALUE": 0.14, "STANDARD": 0.36, "PERFORMANCE": 0.27, "POWER": 0.14,
            "POWERPRO": 0.06, "GRAPHICS_G4DN": 0.03}
_SYSTEMS = {("WINDOWS", "included"): 0.8, ("WINDOWS", "byol"): 0.08,
            ("AMAZON_LINUX_2", "included"): 0.07, ("UBUNTU", "included"): 0.05}
_VOLUMES = ((80, 10), (80, 50), (80, 100), (175, 100))
_MAINTAINED = ("us-east-1", "eu-central-1")
"""Regions in which one of the two directories has maintenance mode switched on."""
_TEAMS = ("design", "finance", "legal", "operations", "research", "sales", "support")


def make_workspaces(people: Iterable[Person], *, seed: int, window: Window) -> pd.DataFrame:
    """Return a WorkSpace for each of the *people*, as a checked ``workspaces`` table.

    Many have a setting that costs too much for how they are used. Of each 200 people, two have a
    WorkSpace in MANUAL mode, one a standby WorkSpace, and one a bundle that has no known price.
    """
    rows = [make_workspace(person, seed=seed, window=window) for person in people]
    return check_workspaces(pd.DataFrame(rows))


def find_directory(region: str, office: int) -> str:
    """Return the id of the directory that serves one of the two offices (0 and 1) in *region*."""
    return f"d-9{sha256(f'{region}/{office}'.encode()).hexdigest()[:9]}"


def make_workspace(person: Person, *, seed: int, window: Window) -> dict[str, object]:
    """Return the WorkSpace of one *person*: a row of a ``workspaces`` table, not yet checked."""
    rng = np.random.default_rng((seed, person.index, Purpose.MACHINE))
    always_on = rng.random() < _ALWAYS_ON_SHARE[person.archetype]
    timeout = _pick(_TIMEOUTS, rng)
    compute_type = _pick(_BUNDLES, rng)
    system, license_ = _pick(_SYSTEMS, rng)
    volumes = _VOLUMES[rng.integers(len(_VOLUMES))] if rng.random() < 0.15 else (None, None)
    tags = {"team": _TEAMS[rng.integers(len(_TEAMS))],
            "cost-center": f"CC-{rng.integers(1, 9)}00"}
    shown = rng.random()
    place_in_200 = person.index % 200
    if place_in_200 == 83:
        compute_type = "GRAPHICS_G6_XLARGE"
    if compute_type.startswith("GRAPHICS"):
        system, license_, volumes = "WINDOWS", "included", (None, None)
    mode = "ALWAYS_ON" if always_on else "AUTO_STOP"
    if place_in_200 in (31, 131):
        mode = "MANUAL"
    elif place_in_200 == 57:
        mode = "AUTO_STOP"
    office = int(rng.random() < 0.3)
    over = person.terminated_at is not None and person.terminated_at < window.end
    return {
        "workspace_id": person.workspace_id,
        "region": person.place.region,
        "compute_type": compute_type,
        "running_mode": mode,
        "auto_stop_minutes": timeout if mode == "AUTO_STOP" else None,
        "account_id": ACCOUNT_ID,
        "directory_id": find_directory(person.place.region, office),
        "user_name": person.name,
        "computer_name": f"WSAMZN-{code_of(person.workspace_id)[:8].upper()}",
        "bundle_id": f"wsb-{code_of(f'{compute_type}/{system}/{license_}')}",
        "operating_system": system,
        "license": license_,
        "root_gib": volumes[0],
        "user_gib": volumes[1],
        "state": "TERMINATED" if over else "AVAILABLE",
        "created_at": person.created_at,
        "terminated_at": person.terminated_at,
        "maintenance_enabled": office == 1 and person.place.region in _MAINTAINED,
        "standby": place_in_200 == 57,
        "tags": dumps(tags if shown < 0.8 else {"team": tags["team"]} if shown < 0.9 else {}),
    }


def _pick(shares: dict[T, float], rng: np.random.Generator) -> T:
    """One of the keys, by their shares, which add up to 1."""
    return list(shares)[rng.choice(len(shares), p=list(shares.values()))]
