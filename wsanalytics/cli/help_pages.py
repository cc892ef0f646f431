"""Help as plain text in two columns: readable at 80 columns, in a pipe and by a screen reader.

A formatter of cyclopts; on a terminal its own framed pages are shown instead.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

_LEFT = 26
"""The column in which explanations begin."""
_WIDEST = 78
"""Columns of a line of examples; two are left for what breaks it."""


class PlainPages:
    """Prints each part of a help page without colours and frames."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print the options or commands of one heading."""
        if panel.entries:
            is_command = panel.format == "command"
            lines = (line for entry in panel.entries
                     for line in _entry(entry, options.max_width, is_command=is_command))
            _print(console, "", f"{_text(panel.title)}:", *lines)

    def render_usage(self, console: Console, options: ConsoleOptions, usage: object) -> None:
        """Print the usage line."""
        if text := _text(usage):
            usage_line = f"Usage: {text.removeprefix('Usage: ')}"
            _print(console, *textwrap.wrap(usage_line, options.max_width, subsequent_indent=" " * 4,
                                           break_on_hyphens=False))

    def render_description(
        self, console: Console, options: ConsoleOptions, description: object
    ) -> None:
        """Print what a command is about."""
        if text := _text(description):
            _print(console, "", *textwrap.wrap(text, options.max_width, break_on_hyphens=False))


def examples_text(lines: tuple[str, ...]) -> str:
    """Return the examples of a command, long ones broken as a shell takes them."""
    broken = (" \\\n".join(textwrap.wrap(
        line, _WIDEST, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False,
        break_long_words=False)) for line in lines)
    return "\n".join(("Examples:", *broken))


def _print(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _entry(entry: HelpEntry, width: int, *, is_command: bool) -> list[str]:
    """Return the lines of one option or command."""
    names = entry.positive_names[:1] if is_command else entry.display_labels_with_metavar
    label = f"  {', '.join(names)}"
    text = _text(entry.description) + (" (required)" if entry.required and not is_command else "")
    indent = " " * _LEFT
    lines = textwrap.wrap(text, max(width, _LEFT + 20), initial_indent=indent,
                          subsequent_indent=indent, break_on_hyphens=False)
    if len(label) < _LEFT - 1 and lines:
        lines[0] = f"{label:<{_LEFT}}{lines[0][_LEFT:]}"
        return lines
    return [label, *lines]


def _text(part: object) -> str:
    """Return the plain text of a part of a page, in whichever wrapping cyclopts gives it."""
    part = getattr(part, "primary_renderable", part)
    return str(getattr(part, "plain", part) or "").strip()
