"""The command ``rules check``: for whom the rules of the house hold, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalytics.cli.options import ANALYSIS, AnalysisOptions, command
from wsanalytics.cli.results import is_json

if TYPE_CHECKING:
    import pandas as pd

    from wsanalytics.rules import RuleBook


@command("The [[rules]] of wsanalytics.toml: which of them holds for how many WorkSpaces, and, "
         "where sessions are known, what it costs a month against none. Nothing in AWS is asked.",
         "wsanalytics rules check --store fleet",
         "wsanalytics rules check --workspaces workspaces.csv")
def check(*, analysis: AnalysisOptions = ANALYSIS) -> None:
    """Print which rule holds for how many WorkSpaces, and what it costs."""
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.rules import print_rules

    book = _rules()
    rows = _summed(book, _held(book, analysis))
    if is_json():
        print_json("rules", rules=records(rows))
    print_rules(book, rows)


def _rules() -> RuleBook:
    """Return the rules in force; :class:`InputError` where there is none to check."""
    from wsanalytics.cli.config import find_config
    from wsanalytics.cli.house_rules import house_rules
    from wsanalytics.errors import InputError

    book = house_rules()
    if not book:
        path, looked = find_config()
        raise InputError("there are no rules", where=str(path) if path else looked,
                         rule="rules are tables [[rules]] of wsanalytics.toml",
                         fix='write one, for example [[rules]] name = "design", '
                         'bundle = "wsb-…", least-timeout = 120')
    return book


def _held(book: RuleBook, options: AnalysisOptions) -> pd.DataFrame:
    """Return ``rule``, ``matches`` (of which the conditions hold) and costs, by WorkSpace."""
    import pandas as pd

    from wsanalytics.cli.inputs import analysis_of
    from wsanalytics.cli.narrowing import Narrowing
    from wsanalytics.cli.workspaces_files import read_workspaces_file
    from wsanalytics.recommendations import cost_of_rules
    from wsanalytics.rules import RuleBook

    if options.store is None and options.sessions is None and options.workspaces is not None:
        fleet = Narrowing.of(options).keep(read_workspaces_file(
            options.workspaces, region=options.workspaces_region,
            tag_columns=options.tag_column).workspaces)
        frame = book.holding(fleet).assign(usd_per_month=float("nan"),
                                           usd_per_month_without=float("nan"))
    else:
        bound = analysis_of(options, steps=5)
        fleet = bound.workspaces
        frame = cost_of_rules(bound, analysis_of(options, steps=5, with_rules=False))
    alone = {rule.name: RuleBook((rule,)).holding(fleet)["rule"] != "" for rule in book.rules}
    frame = pd.concat([frame, pd.DataFrame(alone)], axis=1)
    return frame[fleet["terminated_at"].isna().to_numpy()]


def _summed(book: RuleBook, held: pd.DataFrame) -> pd.DataFrame:
    """Return a row a rule, and a last one for those without any."""
    import pandas as pd

    rows = []
    for rule in (*book.rules, None):
        of_rule = held[held["rule"] == (rule.name if rule else "")]
        known = of_rule.dropna(subset=["usd_per_month", "usd_per_month_without"])
        with_it, without = (float(known[name].sum()) if len(known) else float("nan")
                            for name in ("usd_per_month", "usd_per_month_without"))
        rows.append({
            "rule": rule.name if rule else "", "workspaces": len(of_rule),
            "matching_workspaces": int(held[rule.name].sum()) if rule else len(of_rule),
            "effects": rule.effects if rule else [], "usd_per_month": with_it,
            "usd_per_month_without": without, "more_usd_per_month": with_it - without})
    return pd.DataFrame(rows)
