"""A plan as people review it: the facts about it, and its changes as a flat table.

``apply`` takes ``plan.json`` alone. What people decide in a view is read back into it by
:func:`read_view`: the columns approve and comment.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.files import check_output, refuse_no_file, replaced
from wsanalytics.formatting import counted, listed, number, percent, usd
from wsanalytics.recommendations import Basis, Plan
from wsanalytics.safe_text import escape_formula, plain
from wsanalytics.views.caution import sure_changes

VIEW = ("workspace_id", "approve", "user_name", "account_id", "region", "from_setting",
        "to_setting", "saving_usd_per_month", "saving_low_usd", "saving_high_usd", "chance_of_loss",
        "extra_cold_starts_per_week", "best_date", "apply_by", "reason", "checked", "comment")
"""The columns of a view, a row a change, the largest saving first."""
HEADINGS = {
    "workspace_id": "WorkSpace", "approve": "Approve", "user_name": "User",
    "account_id": "Account", "region": "Region", "from_setting": "From", "to_setting": "To",
    "saving_usd_per_month": "Saves USD a month", "saving_low_usd": "At least USD (80 %)",
    "saving_high_usd": "At most USD (80 %)", "chance_of_loss": "Chance of a loss",
    "extra_cold_starts_per_week": "Extra cold starts a week", "best_date": "Best date (UTC)",
    "apply_by": "Begin by (UTC)", "reason": "Why", "checked": "Checked", "comment": "Comment",
}
"""The heading of each column of the view in a workbook."""
_READ_BACK = ("workspace_id", "approve", "comment", "from_setting", "to_setting",
              "saving_usd_per_month")
NUMBERS = frozenset({"saving_usd_per_month", "saving_low_usd", "saving_high_usd",
                     "chance_of_loss", "extra_cold_starts_per_week"})


def changes_view(plan: Plan) -> pd.DataFrame:
    """Return the changes of *plan* with the columns ``VIEW``."""
    return plan.changes.rename(columns={"approved": "approve"})[list(VIEW)]


def read_view(path: Path) -> pd.DataFrame:
    """Read what people decided in a view of a plan, a ``.xlsx`` or ``.csv`` file.

    Columns: workspace_id, approve, comment, from_setting, to_setting, saving_usd_per_month; a row
    a change. Raises :class:`InputError` for a file that is no such view.
    """
    refuse_no_file(path, "a view of a plan")
    frame = _sheet(path)
    names = {heading: name for name, heading in HEADINGS.items()} | {name: name for name in VIEW}
    frame = frame.rename(columns=lambda label: names.get(str(label).strip(), str(label)))
    if missing := [name for name in _READ_BACK if name not in frame]:
        raise InputError(
            f"it has no column {listed([_heading(name, path) for name in missing])}",
            where=str(path),
            rule="a view of a plan is read back with the columns that it was written with",
            fix="make one with 'wsanalytics plan show plan.json --output view.xlsx'")
    view = frame[list(_READ_BACK)].fillna("").astype("str")
    view = view[view["workspace_id"].str.startswith("ws-")].reset_index(drop=True)  # not the total
    saving = pd.to_numeric(view["saving_usd_per_month"].str.replace(",", "."), errors="coerce")
    # What a spreadsheet would have taken for a formula got an apostrophe on its way out.
    return view.assign(saving_usd_per_month=saving,
                       comment=view["comment"].str.replace(_APOSTROPHE, "", regex=True))


def _heading(name: str, path: Path) -> str:
    return name if path.suffix == ".csv" else HEADINGS[name]


_APOSTROPHE = r"^'(?=[=+\-@\t\r'])"


def _sheet(path: Path) -> pd.DataFrame:
    """Read a file as text, cell by cell."""
    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                header = file.readline()
            # Spreadsheets of some countries separate by semicolons; their decimal commas become
            # points where the saving is read as a number.
            mark = max(",;\t", key=header.count)
            return pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig",
                               sep=mark)
        if path.suffix == ".xlsx":
            return pd.read_excel(path, dtype="str", keep_default_na=False, engine="openpyxl")
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"it cannot be read: {why}", where=str(path),
                         rule="a view of a plan is a workbook or a CSV file",
                         fix="save it as .xlsx or .csv") from error
    raise InputError(f"the ending {path.suffix!r} is none of a view", where=str(path),
                     rule="a view of a plan is a .xlsx or a .csv file",
                     fix="save it as one of them")


def write_csv_view(plan: Plan, path: Path) -> None:
    """Write the changes of *plan* to the ``.csv`` file at *path*, whole or not at all.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, and control
    characters become a mark.
    """
    check_output(path, (".csv",))
    view = changes_view(plan)
    texts = {name: view[name].map(_harmless) for name in VIEW if name not in NUMBERS}
    with replaced(path, private=True) as file:
        # RFC 4180's end of a line: with another one a lone CR in a name would not be quoted
        view.assign(**texts).to_csv(file, index=False, lineterminator="\r\n")


def _harmless(text: str) -> str:
    """Return text that runs nothing.

    Line breaks stay, as people write comments of several lines.
    """
    return escape_formula("\n".join(map(plain, text.split("\n"))))


def facts_of(plan: Plan) -> list[tuple[str, str]]:
    """Return the facts to know before a plan's changes are read: names and values."""
    changes = plan.changes
    waits = changes["extra_cold_starts_per_week"].sum()
    return [
        ("account", _told(plan.account_id, changes["account_id"])),
        ("region", _told(plan.region, changes["region"])),
        ("made", f"{plan.created_at:%Y-%m-%d %H:%M} UTC"),
        *_facts_of_data(plan.basis),
        ("hour rule", str(plan.hour_rule)),
        ("prices", (plan.prices_date or "undated") + _discount(plan.basis)),
        ("changes", f"{len(changes):,} of {counted(len(plan.recommendations), 'WorkSpace')}"),
        ("saving", f"{usd(plan.saving_usd_per_month)} a month"),
        *_facts_of_chances(plan),
        *_facts_of_decisions(changes),
        ("cold starts", f"{number(abs(waits), 1)} {'fewer' if waits < 0 else 'more'} a week"),
        *_facts_of_dates(changes),
    ]


def _facts_of_chances(plan: Plan) -> list[tuple[str, str]]:
    """Say how many changes are as good as sure, where their chances are known."""
    is_known = plan.changes["chance_of_loss"].notna().any()
    return [("as good as sure", sure_changes(plan))] if is_known else []


def _facts_of_decisions(changes: pd.DataFrame) -> list[tuple[str, str]]:
    """Say what people have approved and struck, where they have decided anything."""
    counts = changes["approved"].value_counts()
    if not counts.get("yes", 0) + counts.get("no", 0):
        return []
    approved = changes.loc[changes["approved"] == "yes", "saving_usd_per_month"].sum()
    text = (f"{counts.get('yes', 0)} ({usd(approved)} a month), struck {counts.get('no', 0)}, "
            f"undecided {counts.get('', 0)}")
    return [("approved", text)]


def _facts_of_data(basis: Basis | None) -> list[tuple[str, str]]:
    if basis is None:
        return [("data", "not given")]
    limit = basis.max_cold_starts_per_week
    source = f", from {basis.source}" if basis.source else ""
    data = (
        f"{basis.from_at:%Y-%m-%d %H:%M} to {basis.to_at:%Y-%m-%d %H:%M} UTC, "
        f"{counted(basis.workspaces, 'WorkSpace')}, {counted(basis.sessions, 'session')}{source}"
    )
    waits = "any number of cold starts" if limit is None else (
        f"at most {number(limit, 1)} cold starts a week")
    chance = f"; a chance of saving of at least {percent(basis.min_chance_of_saving)}" if (
        basis.min_chance_of_saving) else ""
    return [("data", data),
            ("limits", f"at least {usd(basis.min_saving_usd)} a month; {waits}{chance}"),
            *([("decided by", basis.policy)] if basis.policy else [])]


def _facts_of_dates(changes: pd.DataFrame) -> list[tuple[str, str]]:
    """For each day that changes to AUTO_STOP wait for: how many, and until when to begin."""
    bound = changes[changes["apply_by"] != ""]
    facts = []
    for day, rows in bound.groupby("best_date"):
        begin = pd.to_datetime(rows["apply_by"], utc=True, format="ISO8601").min()
        which = f"{counted(len(rows), 'change')} from ALWAYS_ON with best date {day}"
        facts.append(("begin by", f"{begin:%Y-%m-%d %H:%M} UTC for {which}"))
    return facts


def _told(value: str | None, column: pd.Series) -> str:
    """Return an account or region: the plan's own, else those of its changes."""
    return value or ", ".join(sorted(filter(None, column.unique()))) or "not given"


def _discount(basis: Basis | None) -> str:
    return f", less a discount of {number(100 * basis.discount, 2)} %" if (
        basis and basis.discount) else ""
