"""Everything that wsanalytics raises or warns about on purpose.

One base class, so that a notebook or script can catch whatever this package refuses with one
``except``. Each message names what is wrong, where, which rule it breaks and how to fix it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from wsanalytics.deprecated import renamed_arguments

_PACKAGE = Path(__file__).parent


class WsanalyticsError(Exception):
    """The base of every error that wsanalytics raises on purpose."""


@renamed_arguments(mend="fix")
class InputError(WsanalyticsError):
    """A file, a table or an option cannot be used as it is.

    *what* is wrong is said first; *where* names the file and line, the table or the option;
    *rule* is the rule that was broken and *fix* what to do about it. Where a file has several
    *faults*, the message says them one after another, and ``faults`` has each as a text.

    >>> print(InputError("the timeout is 90", where="--setting", rule="it is a multiple of 60",
    ...                  fix="use 60 or 120"))
    --setting: the timeout is 90. Rule: it is a multiple of 60. Fix: use 60 or 120.
    """

    def __init__(
        self, what: str, *, where: str = "", rule: str = "", fix: str = "",
        faults: Iterable[str] = (),
    ) -> None:
        self.what, self.where, self.rule, self.fix = what, where, rule, fix
        self.faults = tuple(faults)
        parts = [f"{where}: {what}" if where else what]
        if rule:
            parts.append(f"Rule: {rule}")
        if fix:
            parts.append(f"Fix: {fix}")
        sentences = [part if part.endswith("?") else f"{part.rstrip('.')}." for part in parts]
        super().__init__(" ".join(sentences))

    @property
    def mend(self) -> str:
        """The remedy, by the name that ``fix`` once had; deprecated."""
        warnings.warn("InputError.mend is called fix now", DeprecationWarning, stacklevel=2)
        return self.fix


class OutputError(WsanalyticsError):
    """A result cannot be written where it was asked for; nothing was written."""


class UnpricedWarning(UserWarning):
    """Some WorkSpaces have no known price: they keep their hours and are left out of totals."""


class StoreWarning(UserWarning):
    """Something stands in a store that is none of its files, and is left out."""


class Notice(UserWarning):
    """A notice at the end of a command; a command that is refused prints its refusal alone."""


class NotBilledWarning(UserWarning):
    """Some WorkSpaces are not simulated or billed at all (running mode MANUAL, or standby)."""


def did_you_mean(
    name: str, names: Iterable[str], *, otherwise: str = "", most: int = 1, cutoff: float = 0.6
) -> str:
    """Suggest what is close to *name* among *names*, as a question; else return *otherwise*.

    >>> did_you_mean("hord", ["hold", "forecast"], otherwise="name one")
    'did you mean hold?'
    >>> did_you_mean("x", ["hold", "forecast"], otherwise="name one")
    'name one'
    """
    close = get_close_matches(name, list(names), n=most, cutoff=cutoff)
    return f"did you mean {' or '.join(close)}?" if close else otherwise


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn at the line that called this package, however deep in it the reason was found."""
    frame, level = sys._getframe(1), 2  # noqa: SLF001  # Python has no public name for it
    while frame.f_back is not None and Path(frame.f_code.co_filename).is_relative_to(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
