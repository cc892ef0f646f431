"""The command ``columns``."""

from __future__ import annotations

import sys
from typing import Annotated

from wsanalytics.cli.options import OUTPUT, command, flag, subject


@command("The contract of one table, or of all.",
         "wsanalytics columns charges",
         "wsanalytics columns --markdown")
def columns(
    table: Annotated[str | None, subject("one of the tables", "TABLE")] = None, /, *,
    markdown: Annotated[bool, flag("all tables as a Markdown page", group=OUTPUT)] = False,
) -> None:
    """Print the contract of one table, or of all."""
    from wsanalytics.cli.printing.fleet import print_contract
    from wsanalytics.tables import TABLES, as_markdown, table_named

    if markdown:
        sys.stdout.write(as_markdown())
        return
    for contract in [table_named(table)] if table else TABLES.values():
        print_contract(contract)
