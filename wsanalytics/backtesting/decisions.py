"""Check what a policy decides at one midnight: settings, and WorkSpaces to start."""

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


class SettingCodes:
    """The codes of settings: the text of each, and its timeout in minutes (0 for ALWAYS_ON)."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.minutes: list[int] = []
        self._codes: dict[str, int] = {}

    def code_of(self, text: object, *, where: str = "") -> int:
        """Return the code of a setting, or of a text that writes one; *where* the text stands."""
        name = str(text)
        if name not in self._codes:
            setting = Setting.parse(name, where=where)
            if str(setting) not in self._codes:
                self._codes[str(setting)] = len(self.texts)
                self.texts.append(str(setting))
                self.minutes.append(setting.auto_stop_minutes or 0)
            self._codes[name] = self._codes[str(setting)]
        return self._codes[name]

    def codes_of(self, texts: npt.ArrayLike, *, where: str = "") -> Codes:
        """Return the codes of many."""
        codes, distinct = pd.factorize(np.asarray(texts, dtype=object))
        numbers = [self.code_of(text, where=where) for text in distinct]
        return np.array(numbers or [0], dtype=np.int64)[codes]

    def text_of(self, codes: Codes) -> Texts:
        """Return the texts of many."""
        chosen: Texts = np.array(self.texts, dtype=object)[codes]
        return chosen

    def minutes_of(self, codes: Codes) -> Codes:
        """Return the timeouts of many, in minutes."""
        return np.array(self.minutes, dtype=np.int64)[codes]


def decided(rule: Rule, names: SettingCodes, seen: Seen) -> Codes:
    """Return the decision of *rule*, as codes of *names* in the order of ``seen.ids``.

    Where it must not choose what it chose, the WorkSpace stays as it is, or, where that breaks a
    rule of the house, as the rule has it.
    """
    return checked(rule.decide(seen), rule, names, seen)


def checked(choice: object, rule: Rule, names: SettingCodes, seen: Seen) -> Codes:
    """Return what *rule* chose, checked, as codes of *names*: see :func:`decided`."""
    chosen = _codes(choice, rule, names, seen)
    if seen.allowed.table is None and seen.rules is None:
        return chosen
    may = np.zeros(len(chosen), dtype=np.bool_)
    for code in np.unique(chosen):
        has_it = chosen == code
        may[has_it] = seen.may_become(names.texts[code])[has_it]
    stays = seen.settings.to_numpy(dtype=object)
    if seen.rules is not None:
        stays = seen.rules.kept_to(stays)
    return np.where(may, chosen, names.codes_of(stays))


def _codes(choice: object, rule: Rule, names: SettingCodes, seen: Seen) -> Codes:
    where = f"the policy {rule.name}, at {seen.now:%Y-%m-%d}"
    if isinstance(choice, str | Setting):
        return np.full(len(seen.ids), names.code_of(choice, where=where))
    if isinstance(choice, Mapping):
        choice = pd.Series(choice, dtype=object)
    if isinstance(choice, pd.Series):
        # A policy may name a WorkSpace twice; reindex would refuse it, so the first one counts.
        first_of_each = choice[~choice.index.duplicated()]
        choice = first_of_each.reindex(seen.ids).to_numpy(dtype=object)
    settings = np.asarray(choice, dtype=object)
    wrong = ""
    if settings.ndim != 1 or len(settings) != len(seen.ids):
        wrong = f"{len(settings)} settings" if settings.ndim == 1 else f"a {type(choice).__name__}"
    elif pd.isna(settings).any():
        wrong = f"no setting for {listed(list(seen.ids[pd.isna(settings)]))}"
    if wrong:
        raise InputError(
            f"it gave {wrong}", where=where,
            rule=f"a policy gives one setting for each of the {len(seen.ids)} WorkSpaces",
            fix="give one for all, or one for each of seen.ids")
    return names.codes_of(settings, where=where)


def started(rule: Rule, seen: Seen) -> pd.DataFrame:
    """Return the WorkSpaces that *rule* starts on this day, and when: ``workspace_id``, ``at``."""
    starts: object = rule.starts(seen)
    if starts is None:
        return pd.DataFrame()
    ends = pd.Timestamp(seen.now + timedelta(days=1))
    wrong = ""
    if not isinstance(starts, pd.DataFrame) or not {"workspace_id", "at"} <= set(starts):
        wrong = "its starts are no frame with workspace_id and at"
    elif not isinstance(starts["at"].dtype, pd.DatetimeTZDtype) and len(starts):
        wrong = "its starts have times without a zone"
    elif not starts["at"].between(pd.Timestamp(seen.now), ends, inclusive="left").all():
        wrong = "it starts WorkSpaces on another day"
    elif (strange := seen.ids.get_indexer(pd.Index(starts["workspace_id"])) < 0).any():
        wrong = f"it starts {listed(sorted(set(starts['workspace_id'][strange])))}, not there"
    if wrong:
        raise InputError(
            wrong, where=f"the policy {rule.name}, at {seen.now:%Y-%m-%d}",
            rule="a policy starts WorkSpaces of seen.ids within the 24 hours from then on",
            fix="give a frame with workspace_id and at, in UTC and on that day")
    assert isinstance(starts, pd.DataFrame)
    return starts[["workspace_id", "at"]]
