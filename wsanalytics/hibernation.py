"""Know which WorkSpaces cannot hibernate: when they stop, open programs and unsaved work are lost.

An AUTO_STOP WorkSpace that stops keeps the state of its memory on its root volume, and is as it was
when its user comes back. "Hibernation isn't supported" for GPU bundles and for
GeneralPurpose.4xlarge and GeneralPurpose.8xlarge: there a stop is a shutdown (Amazon WorkSpaces
administration guide, "Manage the running mode in WorkSpaces Personal", running-mode.html).
"""

from __future__ import annotations

from wsanalytics.settings import Setting

_GPU = ("GRAPHICS", "G4DN", "G6", "GR6")
_LARGE = ("GENERALPURPOSE_4XLARGE", "GENERALPURPOSE_8XLARGE")
LOST = "when it stops, open programs and unsaved work are lost"


def has_gpu(compute_type: str) -> bool:
    """Whether a compute type is graphics hardware.

    >>> has_gpu("GRAPHICS_G4DN"), has_gpu("GENERALPURPOSE_8XLARGE")
    (True, False)
    """
    return compute_type.startswith(_GPU)


def hibernates(compute_type: str) -> bool:
    """Whether WorkSpaces of a compute type keep open programs when they stop.

    >>> hibernates("STANDARD"), hibernates("GENERALPURPOSE_8XLARGE"), hibernates("GRAPHICS_G4DN")
    (True, False, False)
    """
    return not (has_gpu(compute_type) or compute_type in _LARGE)


def stops_sooner(before: Setting, after: Setting) -> bool:
    """Whether a change has a WorkSpace stop that did not, or stop after a shorter time.

    >>> stops_sooner(Setting.parse("ALWAYS_ON"), Setting.parse("AUTO_STOP:480"))
    True
    >>> stops_sooner(Setting.parse("AUTO_STOP:60"), Setting.parse("AUTO_STOP:120"))
    False
    """
    if after.auto_stop_minutes is None:
        return False
    return before.auto_stop_minutes is None or after.auto_stop_minutes < before.auto_stop_minutes
