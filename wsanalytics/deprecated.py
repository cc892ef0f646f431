"""Arguments and names of earlier versions: they still work, and say what they are called now."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


def renamed_arguments(**names: str) -> Callable[[_F], _F]:
    """Let a function or class take arguments by their *names* before, as ``old="new"``.

    >>> @renamed_arguments(tell="log")
    ... def collect(*, log=print):
    ...     return log
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = collect(tell=None)
    >>> str(caught[0].message)
    "collect: the argument 'tell' is called 'log' now"
    """

    def decorate(function: _F) -> _F:
        inner = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]  # of this very class

        @functools.wraps(inner)
        def call(*args: Any, **given: Any) -> Any:  # noqa: ANN401  # whatever the function takes
            for old in names.keys() & given.keys():
                warnings.warn(
                    f"{function.__name__}: the argument {old!r} is called {names[old]!r} now",
                    DeprecationWarning, stacklevel=2)
                if names[old] in given:
                    raise TypeError(f"{function.__name__}: {old!r} and {names[old]!r} are the same")
                given[names[old]] = given.pop(old)
            return inner(*args, **given)

        if isinstance(function, type):
            function.__init__ = call  # type: ignore[misc]  # the class takes what it took before
            return function
        return call  # type: ignore[return-value]  # with the signature of the function

    return decorate


def renamed_attribute(old: str, new: str) -> property:
    """Give a property that reads the attribute *new* under its *old* name, with a warning."""

    def read(self: object) -> Any:  # noqa: ANN401  # whatever the attribute is
        warnings.warn(f"{type(self).__name__}.{old} is called {new} now", DeprecationWarning,
                      stacklevel=2)
        return getattr(self, new)

    return property(read, doc=f"The attribute ``{new}``, by the name that it once had; deprecated.")
