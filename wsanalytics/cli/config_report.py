"""Report which options hold, and from where: the lines of ``doctor`` on ``wsanalytics.toml``.

Nothing heavy is imported here: help must answer at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wsanalytics.cli.config import BY_THEMSELVES, Config
from wsanalytics.cli.option_table import Tables, Words
from wsanalytics.defaults import COMMON_TIMEOUTS

MAIN = ("hour-rule", "discount", "prices", "timeout", "min-saving-usd",
        "max-cold-starts-per-week", "limit", "opt-out-tag", "region", "working-hours", "time-zone",
        "time-zone-by-directory")
"""Options of several commands, named even where the file does not set them."""
_DEFAULTS = {
    "prices": "AWS's list prices",
    "timeout": " ".join(map(str, COMMON_TIMEOUTS)),
    "opt-out-tag": "Skip_Convert",
    "working-hours": "none",
    "time-zone-by-directory": "none",
}
"""Defaults of options whose help names none."""


def lines_in_force(config: Config, tables: Tables) -> Iterator[str]:
    """Give the file, each option that it sets and for whom, and the defaults of the main others."""
    yield f"options from {config.path}" if config.path else config.looked
    for command in sorted(config.values):
        for key, value in config.values[command].items():
            yield f"{' '.join(command) or 'all'}: {key} = {_shown(value)} ({config.path})"
    yield "; ".join(line for key in MAIN if key not in config.values.get((), {})
                    for line in _defaults(key, config, tables))


def _defaults(key: str, config: Config, tables: Tables) -> Iterator[str]:
    """Give the defaults of one option, with the commands that have each, where they are several."""
    by_default: dict[str, list[str]] = {}
    for command, table in tables.items():
        argument = table.options.get(key)
        if argument is not None and not _is_set(key, command, config):
            named = re.search(r"\(default: (.*?)\)", argument.parameter.help or "")
            text = named[1] if named else _DEFAULTS.get(key)
            if text:
                by_default.setdefault(text, []).append(" ".join(command))
    for text, commands in by_default.items():
        holders = "all" if len(by_default) == 1 else ", ".join(commands)
        yield f"{holders}: {key} = {text} (default)"


def _is_set(key: str, command: Words, config: Config) -> bool:
    return command[0] in BY_THEMSELVES or key in config.values.get(command, {})


def _shown(value: Any) -> str:  # noqa: ANN401  # whatever TOML can write
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(map(_shown, value)) or "none"
    if isinstance(value, dict):
        return " ".join(f"{name}={_shown(inner)}" for name, inner in value.items()) or "none"
    return str(value)
