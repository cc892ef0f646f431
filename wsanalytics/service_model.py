"""Read AWS's own service model, as shipped with botocore: no network, no credentials."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from wsanalytics.errors import InputError


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
    """Return the region code of a *location* as price lists write it; None for an unknown one.

    >>> region_at("EU (Ireland)"), region_at("Europe (Ireland)"), region_at("Any")
    ('eu-west-1', 'eu-west-1', None)
    """
    locations = _locations()
    return locations.get(location) or locations.get(location.replace("EU (", "Europe ("))


def refuse_invalid_request(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Refuse a request that AWS's service model does not allow, before anybody sends it.

    botocore itself checks neither enumerations nor patterns nor the largest lengths; these are
    checked here. Raises :class:`InputError` that names the member.
    """
    shape = plain_session().get_service_model(service).operation_model(operation).input_shape
    for where, what, rule in _faults(shape, request, operation):
        raise InputError(what, where=where, rule=rule, fix="correct it")


def _faults(shape: Any, value: Any, where: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401  # as botocore has them
    """List what is wrong with *value*: where, what, and which rule of the model it breaks."""
    kind = shape.type_name
    if kind == "structure":
        yield from ((f"{where}.{name}", "it is missing", "the model requires it")
                    for name in shape.required_members if name not in value)
        for name, member in value.items():
            if name not in shape.members:
                yield f"{where}.{name}", "there is no such member", "the model knows others"
            else:
                yield from _faults(shape.members[name], member, f"{where}.{name}")
        return
    wanted: type = {"list": list, "string": str, "integer": int, "boolean": bool}.get(kind, object)
    if not isinstance(value, wanted):
        yield where, f"it is {value!r}", f"the model wants a {kind}"
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    size = value if kind == "integer" else len(value) if isinstance(value, list | str) else None
    if size is not None and ((least is not None and size < least)
                             or (most is not None and size > most)):
        yield where, f"its size is {size}", f"the model wants {least or 0} to {most}"
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(shape.member, item, f"{where}[{index}]")
    if kind == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        yield where, f"it is {value!r}", f"it is one of {', '.join(shape.enum)}"
    pattern = shape.metadata.get("pattern") if kind == "string" else None
    if pattern and not re.search(pattern, str(value)):
        yield where, f"it is {value!r}", f"it is written as {pattern}"
