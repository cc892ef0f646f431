"""A plan as a workbook: its changes to be filtered, sorted and printed, and a page about it.

Whatever users typed stays text: a name that begins like a formula is none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO
from math import isnan
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from wsanalytics.files import check_output, replaced
from wsanalytics.recommendations import Plan
from wsanalytics.views import HEADINGS, NUMBERS, VIEW, changes_view, facts_of

LONGEST_CELL = 32_767
"""Letters that a cell of a workbook can hold."""
_WIDTHS = {
    "workspace_id": 15, "approve": 9, "user_name": 18, "account_id": 14, "region": 14,
    "from_setting": 16, "to_setting": 16, "saving_usd_per_month": 13, "saving_low_usd": 13,
    "saving_high_usd": 13, "chance_of_loss": 10, "extra_cold_starts_per_week": 13,
    "best_date": 12, "apply_by": 17, "reason": 60, "checked": 45, "comment": 30,
}
"""The width of each column of the view, in letters."""
_WRAPPED = ("reason", "checked", "comment")
_APPROVE = VIEW.index("approve")
_LINE_POINTS, _MOST_LINES = 15, 20
_SUMMED = ("saving_usd_per_month", "extra_cold_starts_per_week")
_NOTE = ("This workbook is a view of a plan. Write yes or no into the column Approve, and what you "
         "like into Comment; 'wsanalytics plan approve plan.json --from THIS.xlsx' takes both back "
         "into the plan. Nothing in AWS was changed by it.")


def write_workbook(plan: Plan, path: Path) -> None:
    """Write the changes of *plan* to the ``.xlsx`` file at *path*, whole or not at all."""
    check_output(path, (".xlsx",))
    memory = BytesIO()
    with Workbook(memory, {"in_memory": True, "strings_to_formulas": False,
                           "strings_to_urls": False, "strings_to_numbers": False}) as book:
        created = plan.created_at.astimezone(UTC).replace(tzinfo=None)
        book.set_properties({"title": "Plan of WorkSpaces changes", "created": created})
        _write_changes(book, plan)
        _write_about(book, plan)
    with replaced(path, private=True) as file:
        file.write(memory.getvalue())


def _write_changes(book: Any, plan: Plan) -> None:  # noqa: ANN401  # XlsxWriter has no types
    sheet = book.add_worksheet("Changes")
    formats = _formats(book)
    rows = changes_view(plan).to_dict("records")
    for column, name in enumerate(VIEW):
        sheet.set_column(column, column, _WIDTHS[name])
        sheet.write_string(0, column, HEADINGS[name], formats["head"])
        for line, row in enumerate(rows, start=1):
            _write_cell(sheet, line, column, name, row[name], formats)
    for line, row in enumerate(rows, start=1):
        sheet.set_row(line, _LINE_POINTS * max(_lines(row[name], _WIDTHS[name])
                                               for name in _WRAPPED))
    if rows:
        sheet.data_validation(1, _APPROVE, len(rows), _APPROVE, {
            "validate": "list", "source": ["yes", "no"], "ignore_blank": True,
            "error_title": "Approve", "error_message": "yes, no, or nothing yet"})
    _write_total(sheet, rows, formats)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(VIEW) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&L&A&RPage &P of &N")


def _formats(book: Any) -> dict[str, Any]:  # noqa: ANN401  # XlsxWriter has no types
    top = {"valign": "top"}
    dollars, waits = {"num_format": '"$"#,##0.00'}, {"num_format": "#,##0.0"}
    total = {"bold": True, "top": 1}
    formats = {
        "head": {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1},
        "text": top, "wrapped": top | {"text_wrap": True},
        "usd": top | dollars, "waits": top | waits, "share": top | {"num_format": "0%"},
        "day": top | {"num_format": "yyyy-mm-dd", "align": "left"},
        "instant": top | {"num_format": "yyyy-mm-dd hh:mm", "align": "left"},
        "total": total, "total usd": total | dollars, "total waits": total | waits,
    }
    return {name: book.add_format(properties) for name, properties in formats.items()}


def _write_cell(
    sheet: Any, line: int, column: int, name: str, value: Any, formats: dict[str, Any],  # noqa: ANN401  # XlsxWriter has no types
) -> None:
    if name in NUMBERS:
        if not isnan(value):
            sheet.write_number(line, column, value, formats[_kind_of(name)])
    elif name == "best_date" and value:
        sheet.write_datetime(line, column, date.fromisoformat(value), formats["day"])
    elif name == "apply_by" and value:
        at = datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
        sheet.write_datetime(line, column, at, formats["instant"])
    else:
        kind = "wrapped" if name in _WRAPPED else "text"
        sheet.write_string(line, column, _cut(value), formats[kind])


def _lines(text: str, width: int) -> int:
    """About how many lines a text takes in a column so many letters wide.

    Not every program fits the height of a row to its text.
    """
    return min(_MOST_LINES, max(1, -(-len(text) * 11 // (10 * width))))


def _write_total(sheet: Any, rows: list[dict[Any, Any]], formats: dict[str, Any]) -> None:  # noqa: ANN401  # XlsxWriter has no types
    line = len(rows) + 1
    for column, name in enumerate(VIEW):
        if name in _SUMMED:
            values = [row[name] for row in rows if not isnan(row[name])]
            letter = "ABCDEFGHIJKLMNOPQ"[column]
            sum_of = f"=SUM({letter}2:{letter}{line})" if rows else "=0"
            sheet.write_formula(line, column, sum_of, formats[f"total {_kind_of(name)}"],
                                sum(values))
        else:
            sheet.write_string(line, column, "" if column else "Total", formats["total"])


def _kind_of(name: str) -> str:
    return {"extra_cold_starts_per_week": "waits", "chance_of_loss": "share"}.get(name, "usd")


def _write_about(book: Any, plan: Plan) -> None:  # noqa: ANN401  # XlsxWriter has no types
    sheet = book.add_worksheet("About")
    label, text = book.add_format({"bold": True, "valign": "top"}), book.add_format(
        {"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 14)
    sheet.set_column(1, 1, 90)
    for line, (name, value) in enumerate([*facts_of(plan), ("note", _NOTE)]):
        sheet.write_string(line, 0, name, label)
        sheet.write_string(line, 1, _cut(value), text)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL - 1]}…"
