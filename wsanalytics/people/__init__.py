"""The habits of people who use cloud desktops: an invented fleet, the same for the same seed.

Nobody in here exists. :func:`make_people` makes them up, each from a generator of their own, so
person 17 is the same in a fleet of 20 and of 2,000. :func:`person_sessions` says when one of them
is connected; it draws each local day by itself, so a longer window does not change the days that
a shorter one has. :func:`make_workspaces` gives each of them a WorkSpace, and
:func:`take_samples` looks at those as a collector would. The sample fleet in ``data/sample`` is
made from this module.
"""

from __future__ import annotations

from wsanalytics.people.person import (
    PLACES,
    Archetype,
    Kind,
    Person,
    Place,
    Purpose,
    code_of,
    make_people,
)
from wsanalytics.people.samples import NO_LOSS, Loss, take_samples
from wsanalytics.people.working_days import Sessions, fleet_sessions, person_sessions
from wsanalytics.people.workspaces import (
    ACCOUNT_ID,
    find_directory,
    make_workspace,
    make_workspaces,
)

__all__ = [
    "ACCOUNT_ID",
    "NO_LOSS",
    "PLACES",
    "Archetype",
    "Kind",
    "Loss",
    "Person",
    "Place",
    "Purpose",
    "Sessions",
    "code_of",
    "find_directory",
    "fleet_sessions",
    "make_people",
    "make_workspace",
    "make_workspaces",
    "person_sessions",
    "take_samples",
]
