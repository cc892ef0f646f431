"""What panels have read and worked out of a fleet, kept for as long as it holds.

The first panel of a history takes seconds, each after it a moment. A store is read again as soon as
one of its files is another.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import TypeVar
from weakref import WeakKeyDictionary

from wsanalytics.history import History, Store, read_history
from wsanalytics.prices import load_prices
from wsanalytics.recommendations import Analysis, analyse, analyse_history, the_one
from wsanalytics.rules import RuleBook
from wsanalytics.sessions import find_stored
from wsanalytics.tradeoffs import WhatIf, what_if
from wsanalytics.widgets.base import telling_it_itself

_Fleet = TypeVar("_Fleet", bound=History | Analysis)
_Found = TypeVar("_Found")
_LOCK = RLock()
_DATA = {".parquet", ".csv", ".json"}
_ANALYSES: WeakKeyDictionary[History, Analysis] = WeakKeyDictionary()
_QUESTIONS: WeakKeyDictionary[History | Analysis, WhatIf] = WeakKeyDictionary()
_FOLDERS: dict[Path, tuple[object, Analysis | History]] = {}


def as_fleet(
    of: Analysis | History | Path | str, rules: RuleBook | None = None
) -> Analysis | History:
    """Return the fleet that is meant; a store or a folder is read, once until it changes.

    Of a store not the samples are read but what was found in them, where that was kept; *rules* of
    the house bind its plan.
    """
    if isinstance(of, Analysis | History):
        return of
    folder = Path(of).resolve()
    files = _files_of(folder), rules
    with _LOCK:
        if folder not in _FOLDERS or _FOLDERS[folder][0] != files:
            _FOLDERS.clear()  # one fleet at a time: samples take much memory
            _FOLDERS[folder] = (files, _stored(folder, rules) if Store.is_at(folder) else
                                read_history(folder))
        return _FOLDERS[folder][1]


def _stored(folder: Path, rules: RuleBook | None) -> Analysis:
    """Analyse the fleet of a store, as :func:`wsanalytics.analyse_history` would its history."""
    store = Store(folder)
    window, fleet = store.window(), store.inventory()
    found = find_stored(store, fleet, window)
    with telling_it_itself():
        return analyse(
            found.sessions, fleet, window=window, prices=load_prices(), gaps=found.gaps,
            commands=found.commands, settings=store.settings(),
            account_id=the_one(fleet["account_id"]) or None,
            region=the_one(fleet["region"]), source=folder.name, rules=rules)


def _files_of(folder: Path) -> list[tuple[str, int, int]]:
    """Return the files in a folder with their sizes and times; others when one has changed."""
    found = [(path, path.stat()) for path in sorted(folder.rglob("*.*"))
             if path.is_file() and path.suffix in _DATA and "found" not in path.parts]
    return [(str(path), status.st_size, status.st_mtime_ns) for path, status in found]


def as_analysis(
    of: Analysis | History | Path | str, rules: RuleBook | None = None
) -> Analysis:
    """Analyse a fleet, unless it is already; the caller shows what is not billed.

    *rules* of the house bind the plan of a store.
    """
    fleet = as_fleet(of, rules)
    if isinstance(fleet, Analysis):
        return fleet
    if rules:  # a page is opened once, and what is kept of a history is without them
        with telling_it_itself():
            return analyse_history(fleet, rules=rules)
    return _once(_ANALYSES, fleet, analyse_history)


def question_of(of: History | Analysis) -> WhatIf:
    """Return the what-if question about a fleet with nothing else named."""
    return _once(_QUESTIONS, of, what_if)


def _once(
    known: WeakKeyDictionary[_Fleet, _Found], fleet: _Fleet, work_out: Callable[[_Fleet], _Found]
) -> _Found:
    """Return what is *known* of a fleet, worked out the first time."""
    with _LOCK:
        if fleet not in known:
            with telling_it_itself():
                known[fleet] = work_out(fleet)
        return known[fleet]
