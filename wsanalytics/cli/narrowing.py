"""The part of a fleet that a command is about, by directory, tag, bundle, WorkSpace or user."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from wsanalytics.aws import StateReader, Writer
from wsanalytics.cli.options import NarrowingOptions
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.files import tags_of
from wsanalytics.formatting import listed
from wsanalytics.views import workspace_meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """The part of a fleet that a command is about; an empty field means all."""

    directories: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    bundles: tuple[str, ...] = ()
    workspaces: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: NarrowingOptions) -> Narrowing:
        """Return the part of a fleet that the *options* of a command name."""
        return cls(directories=tuple(options.directory), tags=tuple(options.tag),
                   bundles=tuple(options.bundle), workspaces=tuple(options.workspace))

    def keep(self, workspaces: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of *workspaces* that are meant; :class:`InputError` if there are none.

        Values of one kind are alternatives; kinds narrow one another down.
        """
        remaining = workspaces
        if self.workspaces:
            meant = {workspace_meant(name, workspaces) for name in self.workspaces}
            remaining = remaining[remaining["workspace_id"].isin(meant)]
        for column, values in (("directory_id", self.directories), ("bundle_id", self.bundles)):
            if values:
                remaining = remaining[remaining[column].isin(values)]
        if self.tags:
            wanted = {name: {v for n, v in self.tags if n == name} for name, _ in self.tags}
            tags = remaining["tags"].map(tags_of)
            remaining = remaining[
                [all(t.get(n) in values for n, values in wanted.items()) for t in tags]
            ]
        if remaining.empty:
            raise InputError(
                "no WorkSpace is left", where=", ".join(self._options()),
                rule="what narrows the fleet leaves at least one WorkSpace of it",
                fix=self._meant(workspaces))
        return remaining.reset_index(drop=True)

    def _options(self) -> list[str]:
        given = {"--directory": self.directories, "--tag": self.tags, "--bundle": self.bundles,
                 "--workspace": self.workspaces}
        return [name for name, values in given.items() if values]

    def _meant(self, workspaces: pd.DataFrame) -> str:
        """Name what comes close to the first thing that the fleet does not have."""
        for values, column in ((self.directories, "directory_id"), (self.bundles, "bundle_id")):
            known = sorted(set(workspaces[column]) - {""}) if column in workspaces else []
            for value in values:
                if value not in known:
                    return did_you_mean(value, known, otherwise=f"there are {listed(known)}")
        tags = {f"{name}={value}" for each in workspaces["tags"].map(tags_of)
                for name, value in each.items()} if "tags" in workspaces else set()
        for name, value in self.tags:
            if f"{name}={value}" not in tags:
                return did_you_mean(f"{name}={value}", sorted(tags),
                                    otherwise="check the tag's name and value")
        return "no WorkSpace is all of that at once: give less"

    @property
    def is_known_by_id(self) -> bool:
        """Whether ids and users are enough to say who is meant."""
        return not (self.directories or self.tags or self.bundles)


def meant_now(
    writers: Sequence[Writer], changes: pd.DataFrame, options: NarrowingOptions
) -> list[str] | None:
    """Return whose changes are meant; None: all of them.

    *changes* has workspace_id and user_name. What else narrows them, such as a tag, is read from
    AWS: a plan does not hold it, and it may have changed since. Raises :class:`InputError` where
    nobody is left, and :class:`AwsError` where AWS does not answer.
    """
    narrowing = Narrowing.of(options)
    if narrowing == Narrowing():
        return None
    if narrowing.is_known_by_id:
        # An id goes on as it is: what is asked of it refuses a strange one in its own words.
        return [name if name.startswith("ws-") else workspace_meant(name, changes)
                for name in narrowing.workspaces]
    ids = changes["workspace_id"].tolist()
    states = {name: state for writer in writers
              for name, state in StateReader(writer.connection).read(
                  ids, tags=bool(narrowing.tags)).items()}
    known = changes[changes["workspace_id"].isin(list(states))]
    described = known.assign(
        directory_id=[states[name].directory_id for name in known["workspace_id"]],
        bundle_id=[str(states[name].described.get("BundleId", ""))
                   for name in known["workspace_id"]],
        tags=[json.dumps(dict(states[name].tags)) for name in known["workspace_id"]])
    return [str(name) for name in narrowing.keep(described)["workspace_id"]]
