"""Checks before a WorkSpace is touched: every reason to leave it alone, as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from wsanalytics.aws import WorkspaceState
from wsanalytics.hibernation import has_gpu, hibernates
from wsanalytics.rules import HouseRule, RuleBook, Traits
from wsanalytics.settings import RunningMode, Setting

OPT_OUT = ("Skip_Convert",)
"""Tags that keep a WorkSpace as it is: the one that AWS's Cost Optimizer knows."""
MODIFIABLE_STATES = {"AVAILABLE", "STOPPED"}
"""States in which AWS's guide lets a WorkSpace be modified."""
TRANSITIONAL_STATES = {"STARTING", "STOPPING"}
"""States that are over in a minute or two."""


@dataclass(frozen=True)
class Guards:
    """The checks that hold for every WorkSpace: tags that opt out, and who knows about licences.

    ``rules`` are those of the house; they are held against what AWS describes now.
    ``allow_losing_open_programs``: what cannot hibernate may be stopped as well.
    """

    opt_out: tuple[str, ...] = OPT_OUT
    license_of: Callable[[WorkspaceState], str] = lambda _: ""
    rules: RuleBook = field(default_factory=RuleBook)
    described_of: Callable[[WorkspaceState], Mapping[str, str]] = lambda _: {}
    allow_losing_open_programs: bool = False

    def against(self, present: WorkspaceState) -> str:
        """Give the reason why this WorkSpace is never changed here; empty if there is none."""
        if present.running_mode not in set(RunningMode):
            mode = present.running_mode or "not reported"
            return f"its running mode is {mode}, which is never changed here"
        if present.setting is None:
            return "its AutoStop timeout is one that is not known here"
        if present.standby:
            return "it is a standby WorkSpace"
        if tag := self.opted_out(present):
            return f"it bears the tag {tag}"
        rule = self.house_rule(present)
        return f"the rule {rule.name!r} leaves it alone" if rule and rule.leave_alone else ""

    def house_rule(self, present: WorkspaceState) -> HouseRule | None:
        """Return the rule of the house that holds for it, by what AWS describes now."""
        if not self.rules:
            return None
        properties = present.described.get("WorkspaceProperties") or {}
        system = str(properties.get("OperatingSystemName") or "").replace("UNKNOWN", "")
        # What AWS leaves open in a WorkSpace follows from its bundle, as in an inventory; that is
        # asked for only where a rule tells by it.
        asks = any((rule.operating_systems and not system)
                   or (rule.compute_types and not present.compute_type)
                   for rule in self.rules.rules)
        known = self.described_of(present) if asks else {}
        return self.rules.rule_for(Traits(
            workspace_id=present.workspace_id, user_name=present.user_name,
            directory_id=present.directory_id,
            bundle_id=str(present.described.get("BundleId", "")),
            compute_type=present.compute_type or known.get("compute_type", ""),
            operating_system=system or known.get("operating_system", ""), tags=present.tags))

    def against_breaking(self, present: WorkspaceState, after: Setting) -> str:
        """Refuse a setting that breaks the rule of the house that holds for it now."""
        rule = self.house_rule(present)
        broken = "" if rule is None else rule.against(after)
        return f"by the rule {rule.name!r}: {broken}" if rule and broken else ""

    def against_unapproved(self, present: WorkspaceState) -> str:
        """Refuse what nobody has approved where the rule that holds for it wants that."""
        rule = self.house_rule(present)
        return f"it needs approval by the rule {rule.name!r}, and is not approved" if (
            rule and rule.needs_approval) else ""

    def against_stopping(self, present: WorkspaceState) -> str:
        """Refuse StopWorkspaces where its rule says never, and where what is open would be lost."""
        rule = self.house_rule(present)
        if rule and rule.never_stop:
            return f"by the rule {rule.name!r}: it is never stopped"
        is_allowed = self.allow_losing_open_programs or (
            rule is not None and rule.allow_losing_open_programs)
        return "" if is_allowed or hibernates(present.compute_type) else (
            "its hardware does not hibernate: open programs and unsaved work would be lost")

    def by_rule(
        self, present: WorkspaceState, before: Setting | None = None, after: Setting | None = None
    ) -> str:
        """Give the rule that keeps this WorkSpace as it is, changed or not.

        Empty if there is none.
        """
        rule = self.house_rule(present)
        if present.standby or self.opted_out(present) or (rule and rule.leave_alone):
            return self.against(present)
        if before is None or after is None:
            return ""
        return self.against_breaking(present, after) or self.against_license(
            present, before, after)

    def opted_out(self, present: WorkspaceState) -> str:
        """Return the tag by which it asks to be left alone; empty if it has none."""
        names = {name.casefold() for name in self.opt_out}
        return next((name for name in present.tags if name.casefold() in names), "")

    def against_change(self, present: WorkspaceState, before: Setting, after: Setting) -> str:
        """Give the reason why *present* may not be changed from *before* to *after*; or empty."""
        if reason := self.against(present) or self.against_breaking(present, after):
            return reason
        if present.setting != before:
            return f"it is {present.setting} now, not {before}: somebody has changed it since"
        if present.modifying:
            return "another modification of it is in progress"
        if present.state not in MODIFIABLE_STATES:
            return f"its state is {present.state}, not AVAILABLE or STOPPED"
        if reason := self.against_license(present, before, after):
            return reason
        return against_stopping_a_user(present, after)

    def against_license(self, present: WorkspaceState, before: Setting, after: Setting) -> str:
        """Refuse another running mode where licences on graphics hardware are bought for one."""
        # AWS sells such licences as a commitment for so many WorkSpaces of one mode: changing the
        # mode breaks it, changing the timeout does not.
        if not has_gpu(present.compute_type) or before.running_mode is after.running_mode:
            return ""
        license_kind = self.license_of(present)
        if license_kind == "included":
            return ""
        return (
            "it may be under the commitment that own licences on graphics hardware need"
            if license_kind
            else "whether it is under a commitment for own licences is not known"
        )


def against_stopping_a_user(present: WorkspaceState, after: Setting) -> str:
    """Refuse a shorter timeout that has passed already while AWS reports a connected user.

    A timeout runs from the disconnect, so it stops nobody who is connected; this is for the case
    that AWS's word on the connection and its word on the last time contradict each other.
    """
    before, minutes = present.setting, after.auto_stop_minutes
    if (
        before is None or minutes is None or before.auto_stop_minutes is None
        or minutes >= before.auto_stop_minutes or present.connection != "CONNECTED"
    ):
        return ""
    last, now = present.last_connected_at, present.looked_at or present.checked_at
    if last is not None and now is not None and last + timedelta(minutes=minutes) > now:
        return ""
    return ("its user is connected, and a timeout that may have passed is only set when nobody "
            "is")


def opt_out_names(more: Iterable[str]) -> tuple[str, ...]:
    """Return all names of tags that keep a WorkSpace as it is."""
    return tuple(dict.fromkeys([*OPT_OUT, *more]))
