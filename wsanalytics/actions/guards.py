"""Checks before a WorkSpace is touched: every reason to leave it alone, as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from wsanalytics.aws import WorkspaceState
from wsanalytics.settings import RunningMode, Setting

OPT_OUT = ("Skip_Convert",)
"""Tags that keep a WorkSpace as it is: the one that AWS's Cost Optimizer knows."""
MODIFIABLE_STATES = {"AVAILABLE", "STOPPED"}
"""States in which AWS's guide lets a WorkSpace be modified."""
TRANSITIONAL_STATES = {"STARTING", "STOPPING"}
"""States that are over in a minute or two."""
_GPU = ("GRAPHICS", "G4DN", "G6", "GR6")


@dataclass(frozen=True)
class Guards:
    """The checks that hold for every WorkSpace: tags that opt out, and who knows about licences."""

    opt_out: tuple[str, ...] = OPT_OUT
    license_of: Callable[[WorkspaceState], str] = lambda _: ""

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
        return ""

    def by_rule(
        self, present: WorkspaceState, before: Setting | None = None, after: Setting | None = None
    ) -> str:
        """Give the rule that keeps this WorkSpace as it is, changed or not.

        Empty if there is none.
        """
        if not present.standby and not self.opted_out(present):
            is_change = before is not None and after is not None
            return self.against_license(present, before, after) if (
                is_change and before and after) else ""
        return self.against(present)

    def opted_out(self, present: WorkspaceState) -> str:
        """Return the tag by which it asks to be left alone; empty if it has none."""
        names = {name.casefold() for name in self.opt_out}
        return next((name for name in present.tags if name.casefold() in names), "")

    def against_change(self, present: WorkspaceState, before: Setting, after: Setting) -> str:
        """Give the reason why *present* may not be changed from *before* to *after*; or empty."""
        if reason := self.against(present):
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
        is_gpu = present.compute_type.startswith(_GPU)
        if not is_gpu or before.running_mode is after.running_mode:
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
