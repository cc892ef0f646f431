"""Write reports to send to others: the HTML page and the workbook."""

from __future__ import annotations

from wsanalytics.report.page import render_report
from wsanalytics.report.workbook import write_workbook

__all__ = [
    "render_report",
    "write_workbook",
]
