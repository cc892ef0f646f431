"""One rule of the house: for which WorkSpaces it holds, and what it asks of their settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wsanalytics.bounds import MOST_A_WEEK
from wsanalytics.defaults import DEFAULT_TIMEOUT
from wsanalytics.errors import InputError
from wsanalytics.formatting import number
from wsanalytics.settings import LONGEST_MINUTES, STEP_MINUTES, Setting, auto_stop

FREE = "least-timeout = 60 is a rule that leaves a WorkSpace free"
_SETTINGS = ("setting", "least-timeout", "most-timeout", "never-always-on",
             "most-cold-starts-per-week")
"""The effects that say which settings a WorkSpace may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What rules can tell a WorkSpace by; what is not known of it is empty."""

    workspace_id: str = ""
    user_name: str = ""
    directory_id: str = ""
    bundle_id: str = ""
    compute_type: str = ""
    operating_system: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRule:
    """A rule: its ``name``, the conditions that must all hold, and its effects.

    ``tags`` are names, each with the values that match; the other conditions are values of which
    one must match, and an empty one matches all. ``workspaces`` are ids or names of users. Compute
    types and operating systems match by their letters and digits, however they are written. The
    timeouts are in minutes and are about AUTO_STOP alone: ALWAYS_ON, which never stops, keeps to
    them. Raises :class:`InputError` for effects that contradict each other, and for none.
    """

    name: str
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    directories: frozenset[str] = frozenset()
    bundles: frozenset[str] = frozenset()
    compute_types: frozenset[str] = frozenset()
    operating_systems: frozenset[str] = frozenset()
    workspaces: frozenset[str] = frozenset()
    least_timeout: int | None = None
    most_timeout: int | None = None
    setting: Setting | None = None
    never_always_on: bool = False
    never_stop: bool = False
    most_cold_starts_per_week: float | None = None
    leave_alone: bool = False
    needs_approval: bool = False
    allow_losing_open_programs: bool = False
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.effects:
            raise self._refusal("it has no effect", "a rule says what holds for its WorkSpaces",
                                f"add an effect, such as least-timeout = 120; {FREE}")
        self._refuse_wrong_numbers()
        if against := self._contradiction():
            raise self._refusal(against, "the effects of one rule can hold together",
                                "remove one of them")

    def _refuse_wrong_numbers(self) -> None:
        for key, minutes in (("least-timeout", self.least_timeout),
                             ("most-timeout", self.most_timeout)):
            if minutes is not None and (
                    minutes % STEP_MINUTES or not STEP_MINUTES <= minutes <= LONGEST_MINUTES):
                raise self._refusal(
                    f"{key} is {minutes}", f"a timeout is a multiple of {STEP_MINUTES} minutes "
                    f"from {STEP_MINUTES} to {LONGEST_MINUTES}", "use for example 120")
        most = self.most_cold_starts_per_week
        if most is not None and not 0 <= most <= MOST_A_WEEK:
            raise self._refusal(f"most-cold-starts-per-week is {most:g}",
                                f"it is a number from 0 to {MOST_A_WEEK:g}", "use for example 5")

    def _contradiction(self) -> str:
        least, most, pinned = self.least_timeout, self.most_timeout, self.setting
        if self.leave_alone:
            beside = [key for key in self.effects if key not in {"leave-alone", "never-stop"}]
            return f"leave-alone stands beside {beside[0]}" if beside else ""
        if least is not None and most is not None and least > most:
            return f"least-timeout {least} is over most-timeout {most}"
        if pinned is None:
            return ""
        others = replace(self, setting=None, never_stop=True)  # so that it has an effect
        reason = others.against(pinned)
        return f"setting {pinned} stands beside bounds that it breaks: {reason}" if reason else ""

    def _refusal(self, what: str, rule: str, fix: str) -> InputError:
        return InputError(what, where=self.where or f"the rule {self.name!r}", rule=rule, fix=fix)

    @property
    def effects(self) -> list[str]:
        """The effects that it has, by their names in a file."""
        effects = {
            "setting": self.setting, "least-timeout": self.least_timeout,
            "most-timeout": self.most_timeout, "never-always-on": self.never_always_on or None,
            "most-cold-starts-per-week": self.most_cold_starts_per_week,
            "never-stop": self.never_stop or None, "leave-alone": self.leave_alone or None,
            "needs-approval": self.needs_approval or None,
            "allow-losing-open-programs": self.allow_losing_open_programs or None}
        return [name for name, value in effects.items() if value is not None]

    @property
    def is_about_settings(self) -> bool:
        """Whether it says which settings may be chosen."""
        return self.leave_alone or any(name in _SETTINGS for name in self.effects)

    @property
    def phrase(self) -> str:
        """The part of it that is about settings, in a few words.

        >>> HouseRule(name="design", least_timeout=120, never_always_on=True).phrase
        'at least 120 minutes, never ALWAYS_ON'
        """
        parts = ["left alone" if self.leave_alone else "",
                 f"always {self.setting}" if self.setting else "",
                 f"at least {self.least_timeout} minutes" if self.least_timeout else "",
                 f"at most {self.most_timeout} minutes" if self.most_timeout else "",
                 "never ALWAYS_ON" if self.never_always_on else ""]
        if self.most_cold_starts_per_week is not None:
            parts.append(f"at most {number(self.most_cold_starts_per_week, 1)} cold starts a week")
        return ", ".join(filter(None, parts))

    def holds_for(self, traits: Traits) -> bool:
        """Whether all its conditions hold for a WorkSpace."""
        for values, value in ((self.directories, traits.directory_id),
                              (self.bundles, traits.bundle_id)):
            if values and value not in values:
                return False
        for values, value in ((self.compute_types, traits.compute_type),
                              (self.operating_systems, traits.operating_system)):
            if values and _letters(value) not in map(_letters, values):
                return False
        if self.workspaces and not (
                traits.workspace_id in self.workspaces
                or traits.user_name.casefold() in map(str.casefold, self.workspaces)):
            return False
        return all(traits.tags.get(name) in values for name, values in self.tags.items())

    def against(self, setting: Setting) -> str:
        """Say how *setting* breaks it; empty where it keeps to it.

        >>> HouseRule(name="design", least_timeout=120).against(Setting.parse("AUTO_STOP:60"))
        'AUTO_STOP:60 is under its least timeout of 120 minutes'
        """
        if self.leave_alone:
            return ""
        if self.setting is not None and setting != self.setting:
            return f"{setting} is not its {self.setting}"
        minutes = setting.auto_stop_minutes
        if minutes is None:
            return "it is never to be ALWAYS_ON" if self.never_always_on else ""
        if self.least_timeout is not None and minutes < self.least_timeout:
            return f"{setting} is under its least timeout of {self.least_timeout} minutes"
        if self.most_timeout is not None and minutes > self.most_timeout:
            return f"{setting} is over its most timeout of {self.most_timeout} minutes"
        return ""

    def allowed(self, candidates: Iterable[Setting]) -> tuple[Setting, ...]:
        """Return which of *candidates* it lets be chosen, and the settings that it brings itself.

        A bound with no candidate inside brings its own value, and so does a pinned setting.
        """
        if self.leave_alone:
            return ()
        if self.setting is not None:
            return (self.setting,)
        within = {setting for setting in candidates if not self.against(setting)}
        if not any(setting.auto_stop_minutes for setting in within) and (
                own := self.least_timeout or self.most_timeout or (
                    DEFAULT_TIMEOUT if self.never_always_on else None)):
            within.add(auto_stop(own))
        return tuple(sorted(within, key=lambda setting: setting.order))

    def required(self, present: Setting, candidates: Iterable[Setting]) -> Setting:
        """Return *present* where it keeps to the rule, else the nearest setting that does.

        What is too short or too long takes the nearest timeout that may be chosen, and ALWAYS_ON,
        where it may not be, the least.
        """
        if not self.against(present):
            return present
        choices = self.allowed(candidates)
        minutes = present.auto_stop_minutes or 0
        timed = [setting for setting in choices if setting.auto_stop_minutes]
        return min(timed or choices, key=lambda setting: (
            abs((setting.auto_stop_minutes or 0) - minutes), setting.order))


def _letters(text: str) -> str:
    """Return the letters and digits: ``Graphics.g4dn`` is written GRAPHICS_G4DN as well."""
    return re.sub(r"[\W_]+", "", text).casefold()
