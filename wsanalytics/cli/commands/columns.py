"""The command ``columns``."""

from __future__ import annotations

import json
import sys
from typing import Annotated

from wsanalytics.cli.options import OUTPUT, command, flag, one_of, option, subject
from wsanalytics.cli.results import is_json

AS_PAGE_OR_SCHEMA = one_of("markdown or json-schema")


@command("The contract of one table, or of all.",
         "wsanalytics columns charges",
         "wsanalytics columns --markdown",
         "wsanalytics columns --json-schema plan > plan.schema.json")
def columns(
    table: Annotated[str | None, subject("one of the tables", "TABLE")] = None, /, *,
    markdown: Annotated[bool, flag(
        "all tables as a Markdown page", group=(OUTPUT, AS_PAGE_OR_SCHEMA))] = False,
    json_schema: Annotated[str | None, option(
        "the JSON schema of a plan.json (plan) or of one line of a journal (journal)",
        metavar="plan|journal", group=(OUTPUT, AS_PAGE_OR_SCHEMA),
        choices=("plan", "journal"))] = None,
) -> None:
    """Print the contract of one table, or of all."""
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.cli.printing.fleet import print_contract
    from wsanalytics.tables import TABLES, as_markdown, table_named

    if json_schema:
        _print_schema(json_schema, table)
        return
    if markdown:
        sys.stdout.write(as_markdown())
        return
    contracts = [table_named(table)] if table else list(TABLES.values())
    if is_json():
        print_json("columns", tables=[
            {"table": contract.name, "row": contract.row, "key": list(contract.key),
             "columns": [{"column": column.name, "holds": str(column.kind), "unit": column.unit,
                          "choices": list(column.choices), "meaning": column.meaning,
                          "presence": column.presence} for column in contract.columns]}
            for contract in contracts])
    for contract in contracts:
        print_contract(contract)


def _print_schema(name: str, table: str | None) -> None:
    """Print the JSON schema of plans or of journals, which are no tables."""
    from wsanalytics.actions import journal_schema
    from wsanalytics.errors import InputError
    from wsanalytics.recommendations import plan_schema

    if table:
        raise InputError(
            f"the table {table!r} is named beside --json-schema {name}",
            rule="a JSON schema is of plan.json or of a journal, which are no tables",
            fix="leave out one of the two")
    schema = plan_schema() if name == "plan" else journal_schema()
    sys.stdout.write(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
