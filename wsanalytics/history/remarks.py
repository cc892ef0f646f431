"""Keep what is known of single WorkSpaces beside the tables: guesses, last connections, licences.

A guess is marked as one, and yields to evidence: a WorkSpace that CloudWatch has first figures of
on some day was probably created then, unless CloudTrail knows better, it was seen before, or AWS
knows of a connection before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from wsanalytics.timeline import INSTANT_DTYPE

COLUMNS = ("workspace_id", "remark", "value", "seen_at")
GUESSED, EXISTED, APPLICATION = "created, a guess", "existed", "application"
"""Kinds of remarks; the value of the first two is an instant, that of the last a bundle's name."""
NOBODY = {"", "[undefined]"}
"""Names of users, in small letters, by which AWS marks that there is none."""
_LICENSED = re.compile(r"\bplus\b|\boffice\b|visual studio", re.IGNORECASE)


def no_remarks() -> pd.DataFrame:
    """Return an empty table of remarks."""
    return pd.DataFrame(columns=list(COLUMNS)).astype(
        {"workspace_id": "str", "remark": "str", "value": "str", "seen_at": INSTANT_DTYPE})


def remarks_of(kind: str, values: Mapping[str, object], seen_at: datetime) -> pd.DataFrame:
    """Return a remark of one *kind* on each WorkSpace of *values*."""
    texts = {name: value.isoformat() if isinstance(value, datetime) else str(value)
             for name, value in values.items()}
    frame = pd.DataFrame({"workspace_id": list(texts), "remark": kind,
                          "value": list(texts.values()), "seen_at": seen_at})
    return frame.astype(no_remarks().dtypes.to_dict())


def guesses_in(remarks: pd.DataFrame) -> dict[str, pd.Timestamp]:
    """Return the guesses about when WorkSpaces were created that no evidence contradicts."""
    earliest = _instants(remarks, EXISTED).groupby(level=0).min()
    guessed = _instants(remarks, GUESSED).groupby(level=0).min()
    against = earliest.reindex(guessed.index)
    return dict(guessed[~(against < guessed)])


def with_guesses(workspaces: pd.DataFrame, remarks: pd.DataFrame) -> pd.DataFrame:
    """Return the *workspaces* with guesses about their creation, where nothing better is known."""
    guesses = pd.Series(guesses_in(remarks), dtype=INSTANT_DTYPE)
    if guesses.empty:
        return workspaces
    created = workspaces["created_at"].fillna(
        pd.Series(workspaces["workspace_id"].map(guesses), dtype=INSTANT_DTYPE))
    return workspaces.assign(created_at=created)


def _instants(remarks: pd.DataFrame, kind: str) -> pd.Series:
    rows = remarks[remarks["remark"] == kind]
    at = pd.DatetimeIndex([pd.Timestamp(value) for value in rows["value"]], tz="UTC")
    return pd.Series(at.as_unit("us"), index=list(rows["workspace_id"]), dtype=INSTANT_DTYPE)


def contradicted(
    guesses: Mapping[str, pd.Timestamp], samples: pd.DataFrame
) -> dict[str, datetime]:
    """Return the *guesses* that *samples* contradict.

    An instant before each at which it existed.
    """
    guessed = samples[samples["workspace_id"].isin(list(guesses))]
    existed = guessed[["sampled_at", "last_connected_at"]].min(axis=1)
    earliest = existed.groupby(guessed["workspace_id"].astype("str")).min()
    return {str(name): at.to_pydatetime() for name, at in earliest.items()
            if at < guesses[str(name)]}


def licensed(bundle: Mapping[str, object]) -> str:
    """Return the name of a bundle that comes with a licence for applications; or empty.

    >>> licensed({"Name": "Standard Plus Office 2013"}), licensed({"Name": "Standard"})
    ('Standard Plus Office 2013', '')
    """
    name, text = str(bundle.get("Name") or ""), str(bundle.get("Description") or "")
    return (name or text) if _LICENSED.search(f"{name} {text}") else ""


def replacements(workspaces: pd.DataFrame) -> dict[str, str]:
    """Map each WorkSpace to the terminated one that it replaced: same user, same directory."""
    users = workspaces["user_name"].str.casefold()
    fleet = workspaces.assign(owner=users + "\0" + workspaces["directory_id"])[
        ~users.isin(NOBODY) & ~workspaces["standby"]]
    living, terminated = (fleet[fleet["terminated_at"].isna() == alive] for alive in (True, False))
    # Two living WorkSpaces of one user: neither can be called the replacement.
    living = living[~living["owner"].duplicated(keep=False)]
    last = terminated.sort_values("terminated_at").drop_duplicates("owner", keep="last")
    former = dict(zip(last["owner"], last["workspace_id"], strict=True))
    return {str(name): str(former[owner]) for name, owner in zip(
        living["workspace_id"], living["owner"], strict=True) if owner in former}


@dataclass(frozen=True, eq=False)
class Remarks:
    """Additions to the descriptions of single WorkSpaces, by id."""

    last: dict[str, tuple[datetime, datetime | None]]
    """The time of AWS's last answer, and of the last connection that it knew of."""
    guessed: frozenset[str]
    applications: dict[str, str]
    replaces: dict[str, str]

    @classmethod
    def of(
        cls, workspaces: pd.DataFrame, known: pd.DataFrame, remarks: pd.DataFrame,
        samples: pd.DataFrame,
    ) -> Remarks:
        """Collect from an inventory with guesses, one without (*known*), remarks, and samples."""
        late = samples.sort_values("sampled_at").drop_duplicates("workspace_id", keep="last")
        last = {str(row["workspace_id"]): (
            row["sampled_at"].to_pydatetime(), None if pd.isna(row["last_connected_at"])
            else row["last_connected_at"].to_pydatetime()) for row in late.to_dict("records")}
        is_guess = workspaces["created_at"].notna() & known["created_at"].isna()
        named = remarks[remarks["remark"] == APPLICATION].sort_values("seen_at")
        return cls(last, frozenset(workspaces.loc[is_guess, "workspace_id"]),
                   dict(zip(named["workspace_id"], named["value"], strict=True)),
                   replacements(workspaces))

    def rows_on(self, workspace_id: str) -> Iterator[tuple[str, str]]:
        """Give what a reader should know of one WorkSpace beside its inventory, label and text."""
        if workspace_id in self.guessed:
            yield "created", ("that date is a guess: CloudWatch's first figures of it are of then, "
                              "and nothing else says when it was created")
        if before := self.replaces.get(workspace_id):
            yield "replaces", (f"{before} of the same user in the same directory, which is gone; "
                               "what that one was used for is not counted here")
        for after, before in self.replaces.items():
            if before == workspace_id:
                yield "replaced by", f"{after} of the same user in the same directory"
        if bundle := self.applications.get(workspace_id):
            yield "applications", (f"its bundle ({bundle}) comes with a licence for applications, "
                                   "which costs more a month and is not in these prices")

    def long_ago(self, at_least: timedelta) -> list[str]:
        """Those whose users AWS knew last to be connected so long before it was asked, or never."""
        return sorted(name for name, (asked_at, last_at) in self.last.items()
                      if last_at is None or asked_at - last_at >= at_least)

    def last_connection(self, workspace_id: str) -> str:
        """Describe when its user was last connected, for all that AWS knows.

        Empty: it was not asked.
        """
        if workspace_id not in self.last:
            return ""
        asked_at, last_at = self.last[workspace_id]
        if last_at is None:
            return f"never, for all that AWS knows (asked on {asked_at:%Y-%m-%d})"
        days = (asked_at - last_at).days
        return (f"{last_at:%Y-%m-%d %H:%M} UTC, for all that AWS knows"
                + (f" ({days:,} {'day' if days == 1 else 'days'} before it was asked)"
                   if days > 0 else ""))
