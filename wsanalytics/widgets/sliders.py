"""A number field and a slider that go together: typed or dragged, one number.

The field comes first: it has the label, takes the keyboard in every host (some keep arrow keys for
themselves), and holds numbers that lie beyond the slider's end.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from ipywidgets import BoundedFloatText, FloatSlider, HBox, Layout, Text

NO_LIMIT = "no limit"
_LABEL = {"description_width": "190px"}


class Dial(HBox):  # type: ignore[misc]  # ipywidgets has no types
    """A number from 0 to *most* under a *label*; the slider reaches to *reach* in steps."""

    def __init__(
        self, label: str, reach: float, step: float, *, most: float = 1e6, hint: str = "",
    ) -> None:
        self._then: Callable[[], None] = lambda: None
        self.field = BoundedFloatText(
            0, min=0, max=most, step=step, description=label, tooltip=hint, style=_LABEL,
            layout=Layout(width="290px"))
        self._slide(0.0, reach, step, hint)
        self.field.observe(self._typed, "value")

    def _slide(self, at: float, reach: float, step: float, hint: str) -> None:
        self.slider = FloatSlider(at, min=0, max=reach, step=step, readout=False, tooltip=hint,
                                  layout=Layout(width="190px"))
        self.slider.observe(self._dragged, "value")
        super().__init__([self.field, self.slider], layout=Layout(flex_flow="row wrap"))

    @property
    def value(self) -> float | None:
        """The number that is set; None: no limit."""
        return float(self.field.value)

    @value.setter
    def value(self, number: float | None) -> None:
        self.field.value = number

    def then(self, call: Callable[[], None]) -> None:
        """Set what is called when the number has changed."""
        self._then = call

    def _typed(self, _change: Any) -> None:  # noqa: ANN401  # what traitlets tell
        self._follow()
        self._then()

    def _follow(self) -> None:
        """Bring the slider to the number, without taking that for a drag."""
        value = self.value
        end = self.slider.max
        self.slider.unobserve(self._dragged, "value")
        self.slider.value = end if value is None else min(value, end)
        self.slider.observe(self._dragged, "value")

    def _dragged(self, change: Any) -> None:  # noqa: ANN401  # what traitlets tell
        self.field.value = round(change["new"], 6)


class LimitDial(Dial):
    """A number from 0 on, or no limit: the slider's right end, or those words in the field."""

    def __init__(self, label: str, reach: float, step: float, *, hint: str = "") -> None:
        self._then = lambda: None
        self._known = NO_LIMIT
        self.field = Text(
            NO_LIMIT, description=label, tooltip=hint, style=_LABEL, continuous_update=False,
            layout=Layout(width="290px"))
        self._slide(reach + step, reach + step, step, hint)
        self.field.observe(self._typed, "value")

    @property
    def value(self) -> float | None:
        """The number that is set; None: no limit."""
        return _number(self.field.value)

    @value.setter
    def value(self, number: float | None) -> None:
        self.field.value = _words(number)

    def _typed(self, change: Any) -> None:  # noqa: ANN401  # what traitlets tell
        try:
            words = _words(_number(change["new"]))
        except ValueError:
            words = self._known  # what is no number is put back
        if words != self.field.value:
            self.field.value = words  # comes here again
        elif words != self._known:
            self._known = words
            self._follow()
            self._then()

    def _dragged(self, change: Any) -> None:  # noqa: ANN401  # what traitlets tell
        is_end = change["new"] >= self.slider.max
        self.field.value = NO_LIMIT if is_end else _words(round(change["new"], 6))


def _number(words: str) -> float | None:
    """Parse what somebody wrote, None for no limit; ValueError for anything else."""
    if words.strip().lower() in ("", NO_LIMIT):
        return None
    number = float(words.replace(",", "."))
    if not isfinite(number) or number < 0:
        raise ValueError(words)
    return number


def _words(number: float | None) -> str:
    return NO_LIMIT if number is None else f"{number:.6f}".rstrip("0").rstrip(".")
