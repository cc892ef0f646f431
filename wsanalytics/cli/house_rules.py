"""The rules of the house that hold for a command: those of the ``wsanalytics.toml`` in force."""

from __future__ import annotations

from wsanalytics.cli.config import find_config
from wsanalytics.rules import RuleBook, read_rules


def house_rules() -> RuleBook:
    """Return the rules of the file of options that holds here; an empty book where there is none.

    Raises :class:`InputError` for a rule that is wrong: no command goes on without it.
    """
    path, _ = find_config()
    return RuleBook() if path is None else read_rules(path)
