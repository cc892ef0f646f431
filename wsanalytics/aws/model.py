"""What AWS's own service model says, as shipped with botocore: no network, no credentials."""

from __future__ import annotations

import os
from functools import cache
from typing import Any


def plain_session() -> Any:  # noqa: ANN401  # botocore ships no types
    """A botocore session that knows nothing of the user's profiles and configuration files."""
    import botocore.session  # noqa: PLC0415  # costs 0.1 s, and most runs never need it

    nothing = (None, None, os.devnull, None)
    return botocore.session.Session(session_vars={
        "profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing,
    })


@cache
def compute_types() -> frozenset[str]:
    """Every compute type that the WorkSpaces API knows, priced or not (``ComputeType.Name``)."""
    model = plain_session().get_service_model("workspaces")
    return frozenset(model.shape_for("Compute").enum)


@cache
def regions_of(service: str) -> tuple[str, ...]:
    """The regions in which botocore knows an endpoint of *service*, GovCloud and China included."""
    session = plain_session()
    return tuple(sorted(
        region for partition in session.get_available_partitions()
        for region in session.get_available_regions(service, partition_name=partition)
    ))


@cache
def _locations() -> dict[str, str]:
    data = plain_session().get_data("endpoints")
    return {
        region["description"]: code
        for partition in data["partitions"] for code, region in partition["regions"].items()
    }


def region_at(location: str) -> str | None:
    """The region code of a *location* as price lists write it; None for an unknown one.

    >>> region_at("EU (Ireland)"), region_at("Europe (Ireland)"), region_at("Any")
    ('eu-west-1', 'eu-west-1', None)
    """
    known = _locations()
    return known.get(location) or known.get(location.replace("EU (", "Europe ("))
