"""Convert CloudTrail's events to settings, and to the times at which WorkSpaces were created."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pandas as pd

from wsanalytics.aws import Change
from wsanalytics.defaults import DEFAULT_TIMEOUT
from wsanalytics.errors import InputError
from wsanalytics.settings import ALWAYS_ON, Setting, auto_stop
from wsanalytics.tables import SETTINGS
from wsanalytics.timeline import INSTANT_DTYPE

USUAL = auto_stop(DEFAULT_TIMEOUT)
"""The timeout that AWS gives where none was named (Cost Optimizer issue 66)."""


def settings_in(
    changes: Iterable[Change], start: datetime, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the settings that *changes* made, as a ``settings`` table.

    Also what a WorkSpace was set to before its first change, from *start* on, where *known* (a
    ``settings`` table) has nothing earlier: the other running mode, since a change to the mode
    that it had would hardly have been made. Its timeout then is not known and taken to be AWS's
    own, 60 minutes.
    """
    earlier = {} if known is None else dict(known.groupby("workspace_id")["since"].min())
    rows: list[tuple[str, str, datetime]] = []
    now: dict[str, Setting] = {}
    for change in sorted(changes, key=lambda event: event.at):
        before = now.get(change.workspace_id)
        is_known = change.workspace_id in earlier and earlier[change.workspace_id] < change.at
        after = _after(change, before or USUAL)
        if after is None:
            continue
        is_first = before is None and not is_known and change.event != "CreateWorkspaces"
        if is_first and change.at > start:
            # A change of the mode alone means that it had the other mode: a call for the same mode
            # is rare.
            was = USUAL if after == ALWAYS_ON or change.running_mode is None else ALWAYS_ON
            rows.append((change.workspace_id, str(was), start))
        rows.append((change.workspace_id, str(after), change.at))
        now[change.workspace_id] = after
    frame = pd.DataFrame(rows, columns=list(SETTINGS.names)).astype({"since": INSTANT_DTYPE})
    return frame.drop_duplicates(list(SETTINGS.key), keep="last")


def unchanged_in(
    changes: Iterable[Change], start: datetime, known: pd.DataFrame
) -> pd.DataFrame:
    """Return the settings of those without any change from *start* on: they had them all along.

    *known* (a ``settings`` table) says what each was seen with; those that were seen with several
    settings, though CloudTrail shows no change, are left out. A ``settings`` table.
    """
    changed = {change.workspace_id for change in changes}
    quiet = known[~known["workspace_id"].isin(changed)]
    # One setting in all polls, and no event: the setting held for all of CloudTrail's time.
    same = quiet.groupby("workspace_id")["setting"].transform("nunique") == 1
    first = quiet[same].sort_values("since").drop_duplicates("workspace_id")
    later = first[first["since"] > pd.Timestamp(start)]
    return later.assign(since=pd.Series([start] * len(later), index=later.index,
                                        dtype=INSTANT_DTYPE))[list(SETTINGS.names)]


def created_in(changes: Iterable[Change]) -> dict[str, datetime]:
    """Return when WorkSpaces were created, by id."""
    return {
        change.workspace_id: change.at for change in changes if change.event == "CreateWorkspaces"
    }


def _after(change: Change, before: Setting) -> Setting | None:
    """Return the setting after *change*; None where it does not touch it, or is not known here."""
    if change.running_mode == ALWAYS_ON.running_mode:
        return ALWAYS_ON
    if change.running_mode not in (None, USUAL.running_mode) or (
        change.running_mode is None and change.auto_stop_minutes is None
    ):
        return None
    minutes = change.auto_stop_minutes or before.auto_stop_minutes or USUAL.auto_stop_minutes
    try:
        return auto_stop(minutes or 60)
    except InputError:
        return None
