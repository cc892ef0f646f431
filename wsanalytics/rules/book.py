"""The rules of a house together: which one holds for whom, and what that leaves to choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.defaults import COMMON_TIMEOUTS
from wsanalytics.files import tags_of
from wsanalytics.rules.model import HouseRule, Traits
from wsanalytics.rules.reading import rules_in_file, rules_of
from wsanalytics.settings import ALWAYS_ON, Setting, auto_stop

Mask = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]
NOBODY = -1


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The ``rules`` of a house, in their order: the first one that matches a WorkSpace holds.

    An empty book says nothing about anybody.
    """

    rules: tuple[HouseRule, ...] = ()

    @classmethod
    def of(cls, tables: Sequence[Mapping[str, Any]], where: str = "the rules") -> RuleBook:
        """Make a book of mappings with the keys of a file.

        >>> RuleBook.of([{"name": "design", "tag": "Team=Design", "least-timeout": 120}])
        <RuleBook of 1 rule: design>
        """
        return cls(rules_of(tables, where))

    def __len__(self) -> int:
        return len(self.rules)

    def __repr__(self) -> str:
        count = f"{len(self)} rule{'' if len(self) == 1 else 's'}"
        names = ", ".join(rule.name for rule in self.rules)
        return f"<RuleBook of {count}{': ' if names else ''}{names}>"

    def rule_for(self, traits: Traits) -> HouseRule | None:
        """Return the rule that holds for one WorkSpace."""
        return next((rule for rule in self.rules if rule.holds_for(traits)), None)

    def holding(self, workspaces: pd.DataFrame) -> pd.DataFrame:
        """Return which rule holds for each of *workspaces*: ``rule``, by ``workspace_id``.

        Empty where none does.
        """
        names = np.array([*(rule.name for rule in self.rules), ""], dtype=object)
        ids = pd.Index(workspaces["workspace_id"].astype("str"), name="workspace_id")
        return pd.DataFrame({"rule": names[self._codes(workspaces)]}, index=ids, dtype="str")

    def allowed(
        self, workspaces: pd.DataFrame, candidates: Iterable[Setting | str]
    ) -> pd.DataFrame:
        """Return which settings may be chosen: WorkSpaces x settings, true where it may.

        *candidates* are the settings that anybody may have. A rule that has none of them within
        its bounds brings its own value, which is then a column as well, for its WorkSpaces alone.
        """
        fleet = self.on(workspaces, candidates)
        ids = pd.Index(workspaces["workspace_id"].astype("str"), name="workspace_id")
        settings = sorted({*fleet.candidates, *fleet.brought}, key=lambda setting: setting.order)
        return pd.DataFrame({str(setting): fleet.may_be(setting) for setting in settings},
                            index=ids)

    def required(
        self, workspaces: pd.DataFrame, settings: pd.Series, candidates: Iterable[Setting | str]
    ) -> pd.Series:
        """Return *settings* (text, by ``workspace_id``) as the rules have them.

        A setting that breaks its rule becomes the nearest one that keeps to it.
        """
        known = workspaces[workspaces["workspace_id"].isin(settings.index)]
        present = settings.reindex(pd.Index(known["workspace_id"], name="workspace_id"))
        kept = self.on(known, candidates).kept_to(present.to_numpy(dtype=object))
        return pd.Series(kept, index=present.index, name="setting", dtype="str")

    def on(
        self, workspaces: pd.DataFrame,
        candidates: Iterable[Setting | str] = (ALWAYS_ON, *map(auto_stop, COMMON_TIMEOUTS)),
    ) -> FleetRules:
        """Hold the rules against a fleet whose WorkSpaces may have the settings *candidates*."""
        base = tuple(sorted({setting if isinstance(setting, Setting) else Setting.parse(setting)
                             for setting in candidates}, key=lambda setting: setting.order))
        ids = workspaces["workspace_id"].astype("str").to_numpy(dtype=object)
        codes = self._codes(workspaces)
        brought = {setting for code in set(codes.tolist()) - {NOBODY}
                   for setting in self.rules[code].allowed(base)} - set(base)
        return FleetRules(self.rules, ids, codes, base,
                          tuple(sorted(brought, key=lambda setting: setting.order)))

    def _codes(self, workspaces: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Return the position of the rule that holds for each of *workspaces*; -1 for none."""
        if not self.rules:
            return np.full(len(workspaces), NOBODY, dtype=np.int64)
        return np.array([
            next((code for code, rule in enumerate(self.rules) if rule.holds_for(traits)), NOBODY)
            for traits in traits_of(workspaces)], dtype=np.int64)


def traits_of(workspaces: pd.DataFrame) -> Iterator[Traits]:
    """Give what rules can tell each of *workspaces* by, a ``workspaces`` table."""
    names = ("workspace_id", "user_name", "directory_id", "bundle_id", "compute_type",
             "operating_system")
    empty = [""] * len(workspaces)
    columns = [workspaces[name].fillna("").astype("str") if name in workspaces else empty
               for name in names]
    tags = workspaces.get("tags", empty)
    # One parse for each distinct text: many WorkSpaces bear the same tags.
    parsed = {text: tags_of(text) for text in set(tags)}
    for values, text in zip(zip(*columns, strict=True), tags, strict=True):
        yield Traits(**dict(zip(names, values, strict=True)), tags=parsed[text])


def read_rules(path: Path | str) -> RuleBook:
    """Return the rules of a ``wsanalytics.toml``: its tables ``[[rules]]``, in their order.

    Raises :class:`InputError` for the first of them that is wrong, and for a file that cannot be
    read; a file without rules gives an empty book.
    """
    return RuleBook(rules_in_file(Path(path)))


@dataclass(frozen=True, eq=False)
class FleetRules:
    """The rules held against one fleet: ``codes`` has for each of ``ids`` which of ``rules``.

    ``candidates`` are the settings that may be chosen where no rule says otherwise, ``brought``
    those that rules bring in beyond them, of rules that hold for somebody of the whole fleet.
    """

    rules: tuple[HouseRule, ...]
    ids: Texts
    codes: npt.NDArray[np.int64]
    candidates: tuple[Setting, ...]
    brought: tuple[Setting, ...]

    def of_rows(self, rows: npt.NDArray[np.int64]) -> FleetRules:
        """Return the same for the WorkSpaces *rows* alone."""
        return replace(self, ids=self.ids[rows], codes=self.codes[rows])

    @property
    def timeouts(self) -> tuple[int, ...]:
        """The timeouts that policies choose between: those of candidates, and those brought in."""
        return tuple(sorted({setting.auto_stop_minutes
                             for setting in (*self.candidates, *self.brought)
                             if setting.auto_stop_minutes}))

    @cached_property
    def by_id(self) -> dict[str, HouseRule]:
        """The rule that holds for each WorkSpace that has one, by id."""
        return {str(name): self.rules[code]
                for name, code in zip(self.ids, self.codes, strict=True) if code != NOBODY}

    def may_be(self, setting: Setting | str) -> Mask:
        """Mark for whom *setting* is among what may be chosen.

        What a rule brings in is for its own WorkSpaces alone.
        """
        wanted = setting if isinstance(setting, Setting) else Setting.parse(setting)
        is_brought = wanted in self.brought
        return self._each(lambda rule: wanted in rule.allowed(self.candidates) or (
            not is_brought and not rule.leave_alone and not rule.against(wanted)),
            nobody=not is_brought)

    def permits(self, setting: Setting | str) -> Mask:
        """Mark for whom *setting* breaks no rule, whether it is among the candidates or not."""
        wanted = setting if isinstance(setting, Setting) else Setting.parse(setting)
        return self._each(lambda rule: not rule.leave_alone and not rule.against(wanted),
                          nobody=True)

    def kept_to(self, settings: Texts) -> Texts:
        """Return *settings* (text, one a WorkSpace) with those that break a rule as it has them."""
        kept = settings.copy()
        for code in np.unique(self.codes):
            if code == NOBODY:
                continue
            is_bound = self.codes == code
            for text in set(settings[is_bound]):
                required = self.rules[code].required(Setting.parse(text), self.candidates)
                kept[is_bound & (settings == text)] = str(required)
        return kept

    @property
    def most_cold_starts(self) -> npt.NDArray[np.float64]:
        """The most cold starts a week that each may have; infinite without such a rule."""
        limits = [np.inf if rule.most_cold_starts_per_week is None
                  else rule.most_cold_starts_per_week for rule in self.rules]
        return np.array([*limits, np.inf])[self.codes]

    def marked(self, effect: Callable[[HouseRule], bool]) -> Mask:
        """Mark those whose rule has an *effect*, such as ``lambda rule: rule.never_stop``."""
        return self._each(effect, nobody=False)

    def _each(self, holds: Callable[[HouseRule], bool], *, nobody: bool) -> Mask:
        flags: Mask = np.array([*map(holds, self.rules), nobody], dtype=np.bool_)
        marked: Mask = flags[self.codes]
        return marked
