"""What panels have read and worked out of a fleet, kept for as long as it holds.

The first panel of a history takes seconds, each after it a moment. A store is read again as soon as
one of its files is another.
"""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from weakref import WeakKeyDictionary

from wsanalytics.history import History, read_history
from wsanalytics.recommendations import Analysis, analyse_history
from wsanalytics.tradeoffs import WhatIf, what_if
from wsanalytics.widgets.base import telling_it_itself

_LOCK = RLock()
_ANALYSES: WeakKeyDictionary[History, Analysis] = WeakKeyDictionary()
_QUESTIONS: WeakKeyDictionary[History | Analysis, WhatIf] = WeakKeyDictionary()
_FOLDERS: dict[Path, tuple[object, History]] = {}


def as_fleet(of: Analysis | History | Path | str) -> Analysis | History:
    """Return the fleet that is meant; a store or a folder is read, once until it changes."""
    if isinstance(of, Analysis | History):
        return of
    folder = Path(of).resolve()
    files = _files_of(folder)
    with _LOCK:
        if folder not in _FOLDERS or _FOLDERS[folder][0] != files:
            _FOLDERS.clear()  # one fleet at a time: samples take much memory
            _FOLDERS[folder] = (files, read_history(folder))
        return _FOLDERS[folder][1]


def _files_of(folder: Path) -> list[tuple[str, int, int]]:
    """Return the files in a folder with their sizes and times; others when one has changed."""
    found = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(str(path), status.st_size, status.st_mtime_ns) for path, status in found]


def as_analysis(of: Analysis | History | Path | str) -> Analysis:
    """Analyse a fleet, unless it is already; the caller shows what is not billed."""
    fleet = as_fleet(of)
    if isinstance(fleet, Analysis):
        return fleet
    with _LOCK:
        analysis = _ANALYSES.get(fleet)
        if analysis is None:
            with telling_it_itself():
                analysis = _ANALYSES[fleet] = analyse_history(fleet)
    return analysis


def question_of(of: History | Analysis) -> WhatIf:
    """Return the what-if question about a fleet with nothing else named."""
    with _LOCK:
        question = _QUESTIONS.get(of)
        if question is None:
            with telling_it_itself():
                question = _QUESTIONS[of] = what_if(of)
    return question
