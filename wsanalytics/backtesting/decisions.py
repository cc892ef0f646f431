"""What a policy answers at one midnight, checked: settings, and whom to start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.backtesting.policies.rule import Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.errors import InputError
from wsanalytics.formatting import listed
from wsanalytics.settings import Setting

Texts = npt.NDArray[np.object_]
Codes = npt.NDArray[np.int64]


class Names:
    """Settings as numbers: the text of each, and its timeout in minutes (0 for ALWAYS_ON)."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.minutes: list[int] = []
        self._places: dict[str, int] = {}

    def place(self, text: object, *, where: str = "") -> int:
        """The number of a setting, or of a text that writes one; *where* the text stands."""
        name = str(text)
        if name not in self._places:
            setting = Setting.parse(name, where=where)
            if str(setting) not in self._places:
                self._places[str(setting)] = len(self.texts)
                self.texts.append(str(setting))
                self.minutes.append(setting.auto_stop_minutes or 0)
            self._places[name] = self._places[str(setting)]
        return self._places[name]

    def places(self, texts: npt.ArrayLike, *, where: str = "") -> Codes:
        """The numbers of many."""
        codes, known = pd.factorize(np.asarray(texts, dtype=object))
        numbers = [self.place(text, where=where) for text in known]
        return np.array(numbers or [0], dtype=np.int64)[codes]

    def text_of(self, codes: Codes) -> Texts:
        """The texts of many."""
        chosen: Texts = np.array(self.texts, dtype=object)[codes]
        return chosen

    def minutes_of(self, codes: Codes) -> Codes:
        """The timeouts of many."""
        return np.array(self.minutes, dtype=np.int64)[codes]


def answered(rule: Rule, names: Names, seen: Seen) -> Codes:
    """What *rule* says, as numbers of *names* in the order of ``seen.ids``."""
    where = f"the policy {rule.name}, at {seen.now:%Y-%m-%d}"
    choice: object = rule.decide(seen)
    if isinstance(choice, str | Setting):
        return np.full(len(seen.ids), names.place(choice, where=where))
    if isinstance(choice, Mapping):
        choice = pd.Series(choice, dtype=object)
    if isinstance(choice, pd.Series):
        kept = choice[~choice.index.duplicated()]
        choice = kept.reindex(seen.ids).to_numpy(dtype=object)
    told = np.asarray(choice, dtype=object)
    wrong = ""
    if told.ndim != 1 or len(told) != len(seen.ids):
        wrong = f"{len(told)} settings" if told.ndim == 1 else f"a {type(choice).__name__}"
    elif pd.isna(told).any():
        wrong = f"no setting for {listed(list(seen.ids[pd.isna(told)]))}"
    if wrong:
        raise InputError(
            f"it gave {wrong}", where=where,
            rule=f"a policy gives one setting for each of the {len(seen.ids)} WorkSpaces",
            fix="give one for all, or one for each of seen.ids")
    return names.places(told, where=where)


def begun(rule: Rule, seen: Seen) -> pd.DataFrame:
    """Whom *rule* starts on this day, and when: ``workspace_id``, ``at``."""
    told: object = rule.starts(seen)
    if told is None:
        return pd.DataFrame()
    ends = pd.Timestamp(seen.now + timedelta(days=1))
    wrong = ""
    if not isinstance(told, pd.DataFrame) or not {"workspace_id", "at"} <= set(told):
        wrong = "its starts are no frame with workspace_id and at"
    elif not isinstance(told["at"].dtype, pd.DatetimeTZDtype) and len(told):
        wrong = "its starts have times without a zone"
    elif not told["at"].between(pd.Timestamp(seen.now), ends, inclusive="left").all():
        wrong = "it starts WorkSpaces on another day"
    elif (strange := seen.ids.get_indexer(pd.Index(told["workspace_id"])) < 0).any():
        wrong = f"it starts {listed(sorted(set(told['workspace_id'][strange])))}, not there"
    if wrong:
        raise InputError(
            wrong, where=f"the policy {rule.name}, at {seen.now:%Y-%m-%d}",
            rule="a policy starts WorkSpaces of seen.ids within the 24 hours from then on",
            fix="give a frame with workspace_id and at, in UTC and on that day")
    assert isinstance(told, pd.DataFrame)
    return told[["workspace_id", "at"]]
