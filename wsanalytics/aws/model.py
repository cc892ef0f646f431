"""What AWS's own service model says, as shipped with botocore: no network, no credentials."""

from __future__ import annotations

from functools import cache


@cache
def compute_types() -> frozenset[str]:
    """Every compute type that the WorkSpaces API knows, priced or not (``ComputeType.Name``)."""
    import botocore.session  # noqa: PLC0415  # costs 0.1 s, and most runs never need it

    model = botocore.session.get_session().get_service_model("workspaces")
    return frozenset(model.shape_for("Compute").enum)
