"""The pages of commands, files and names, from the code: ``python docs/make_reference.py``.

Commands and options are those of the command line's own registry, tables those of the contracts,
plan.json and the journal those of their JSON schemas, names those of ``wsanalytics/__init__.pyi``.
Writes into ``docs/reference``; a test holds the pages to the code.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from cyclopts import Argument, Group

import wsanalytics as ws
from wsanalytics.actions import journal_schema
from wsanalytics.cli.app import ABOUT_GROUPS, COMMANDS, NAME, build_app, command_in
from wsanalytics.cli.option_table import arguments_of, is_subject
from wsanalytics.recommendations import plan_schema
from wsanalytics.tables import APPLIED, COMPARISON, RECOMMENDATIONS, WORKSPACES, as_markdown

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made by docs/make_reference.py from the code; do not edit. -->\n"
MODULES = {"people": "An invented fleet", "sandbox": "A local AWS endpoint"}
"""Public packages beside the names, each with the heading that it gets."""

MEANT = (RECOMMENDATIONS, COMPARISON, WORKSPACES, APPLIED)
"""Tables whose columns mean what fields of the same name do, the first that has one."""
FIELDS = {
    "PlanObject.schema": "wsanalytics.plan",
    "PlanObject.version": "1",
    "PlanObject.created_at": "when the plan was made",
    "PlanObject.changes": "the proposed changes; one that is struck is not made",
    "PlanObject.left_alone": "the WorkSpaces that stay as they are, and why",
    "PlanObject.unused": "the ids of WorkSpaces that nobody used",
    "PlanObject.data": "from which data, and by which limits",
    "PlanObject.account_id": "the account of all changes; null where they are of several",
    "PlanObject.region": "the region of all changes; null where they are of several",
    "from": "the setting before",
    "to": "the setting that is proposed",
    "reason": "why, in a sentence",
    "checked": "what was checked, a sentence each",
    "comment": "for people; nothing reads it",
    "LeftAloneObject.setting": "the setting that it keeps",
    "SettingObject.running_mode": "how the WorkSpace is paid for",
    "auto_stop_minutes": "the timeout of AUTO_STOP, a multiple of 60; null for ALWAYS_ON",
    "from_at": "the window's first instant",
    "to_at": "the window's end (excluded)",
    "DataObject.workspaces": "how many WorkSpaces were analysed",
    "DataObject.sessions": "how many sessions they had",
    "source": "where the data came from",
    "hour_rule": "how hours were counted",
    "prices_date": "the date of the prices",
    "discount": "the share taken off all prices",
    "maintenance_hours": "hours billed for a month's maintenance",
    "min_saving_usd": "the least saving a month that was worth a change",
    "max_cold_starts_per_week": "the most cold starts a week that were allowed",
    "min_chance_of_saving": "how likely to save a change had to be, 0 to 1",
    "policy": "the policy that decided",
    "JournalEntry.at": "when the line was written",
    "JournalEntry.run": "the id of the run of wsanalytics",
    "JournalEntry.event": "what happened: begin, call, answer, outcome, end and others",
    "JournalEntry.kind": "of the run, such as apply or undo",
    "JournalEntry.call": "the name of a call, by which its answer is found",
    "JournalEntry.meaning": "what an answer means: taken, refused, later or unsure",
    "JournalEntry.outcome": "what became of the WorkSpace in this run",
    "JournalEntry.message": "the outcome in a sentence",
    "JournalEntry.found": "what was read from AWS: a setting or a state",
    "JournalEntry.request": "what is sent to AWS",
    "JournalEntry.from": "the properties before",
    "JournalEntry.to": "the properties that are asked for",
    "JournalEntry.promise": "what the plan expects of the change",
    "JournalEntry.plan": "which plan is applied",
    "WorkspaceId": "the WorkSpace that the call changes",
    "WorkspaceProperties": "its properties, as ModifyWorkspaceProperties takes them",
    "PlanNote.created_at": "when the plan was made",
}
"""What fields mean that are no columns of those tables; ``Object.field`` before ``field``."""


def code(text: str) -> str:
    """*text* as code in a cell of a table."""
    return f"<code>{text.replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def cell(text: str) -> str:
    """*text* as plain words in a cell of a table."""
    escaped = text.replace("|", "&#124;").replace("<", "&lt;").replace("*", "\\*")
    return re.sub(r"(--[a-z][a-z-]+)", r"`\1`", " ".join(escaped.split()))


def commands() -> str:
    """Every command, in the order of the help page, with its options and examples."""
    lines = [MADE, "# Commands", "",
             ("Every command, as `wsanalytics COMMAND --help` prints it. The options of the "
             "section *Messages* are the same everywhere and stand here once:"), ""]
    lines += [*_table(_options(("doctor",))["Messages"]), ""]
    lines += [("Options can also stand in a file: "
              "[wsanalytics.toml](../administrators.md#options-in-a-file-wsanalyticstoml)."),
              "Exit codes: [0, 1, 2 and 130](../administrators.md#exit-codes-and-messages).", ""]
    headings = sorted({entry.heading for entry in COMMANDS.values()},
                      key=lambda group: str(group.sort_key))
    for heading in headings:
        lines += [f"## {heading.name}", ""]
        for name, entry in COMMANDS.items():
            if entry.heading is heading:
                lines += _command(name) if entry.function else [
                    f"### {name}", "", f"{ABOUT_GROUPS[name]}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _command(name: str) -> list[str]:
    """The section of one command."""
    words = tuple(name.split())
    function: Any = command_in(build_app(), words).default_command
    groups = _options(words)
    usage = " ".join([NAME, name, "[OPTIONS]", *(
        spelling if argument.required else f"[{spelling}]"
        for spelling, argument in groups.get("Arguments", []))])
    lines = [f"{'####' if len(words) > 1 else '###'} {name}", "", cell(function.about), "",
             "```text", usage, "```", ""]
    for title, entries in groups.items():
        if title != "Messages":
            lines += [f"**{title}**", "", *_table(entries), ""]
    return [*lines, "Examples:", "", "```text", *function.examples, "```", ""]


def _options(words: tuple[str, ...]) -> dict[str, list[tuple[str, Argument]]]:
    """The arguments and options of a command by the headings of its help."""
    arguments = arguments_of(words)
    found: dict[str, list[tuple[str, Argument]]] = {}
    shown = (entry for entry in arguments if entry.parse
             and (is_subject(entry) or entry.name.startswith("--")))
    for argument in sorted(shown, key=_order):
        metavar = argument.parameter.metavar or ""
        if is_subject(argument):
            found.setdefault("Arguments", []).append((metavar.upper(), argument))
        else:
            names = ", ".join(argument.names)
            found.setdefault(_heading(argument).name, []).append(
                (f"{names} {metavar}".strip(), argument))
    return found


def _heading(argument: Argument) -> Group:
    """The group under which help lists an option."""
    groups = argument.parameter.group
    return next(group for group in (groups if isinstance(groups, tuple) else (groups,))
                if isinstance(group, Group) and group.show)


def _order(argument: Argument) -> tuple[int, str]:
    return (0, "") if is_subject(argument) else (1, str(_heading(argument).sort_key))


def _table(entries: list[tuple[str, Argument]]) -> list[str]:
    return ["| option | what it is for |", "|---|---|", *(
        f"| {code(name)} | {cell(argument.parameter.help or '')}"
        f"{' (required)' if argument.required else ''} |" for name, argument in entries)]


def files() -> str:
    """The tables, plan.json and the journal."""
    tables = as_markdown().split("\n", 1)[1].strip()
    return "\n".join([
        MADE, "# Tables and files", "",
        ("What is read and written: [tables](#workspaces), each as CSV or Parquet, "
        "[plan.json](#planjson), [the journal](#the-journal). Options in a file: "
        "[wsanalytics.toml](../administrators.md#options-in-a-file-wsanalyticstoml). The folder "
        "of a collector: [the store](../administrators.md#the-store-what-is-on-disk)."), "",
        tables, "",
        "## plan.json", "",
        ("What `recommend` writes and `apply` reads; people may strike changes and add fields of "
        "their own. `wsanalytics columns --json-schema plan` prints its JSON schema, for editors "
        "and programs."), "",
        *_objects(plan_schema()),
        "## The journal", "",
        ("JSON Lines: one entry before and after every call that changes AWS. Which fields an "
        "entry has depends on its event; fields that are not named here are for people to read. "
        "`wsanalytics columns --json-schema journal` prints the JSON schema of a line."), "",
        *_objects(journal_schema()),
    ]).rstrip() + "\n"


def _objects(schema: dict[str, Any]) -> list[str]:
    """A section for each object of a JSON schema, the outermost first."""
    first = _target(schema)
    names = sorted((name for name, entry in schema["$defs"].items() if "properties" in entry),
                   key=lambda name: (name != first, list(schema["$defs"]).index(name)))
    lines = list[str]()
    for name in names:
        entry = schema["$defs"][name]
        lines += [f"### {name}", "", entry["description"], "",
                  "| field | holds | meaning | presence |", "|---|---|---|---|"]
        for field, kind in entry["properties"].items():
            presence = "required" if field in entry.get("required", []) else "optional"
            lines.append(f"| `{field}` | {_kind(kind, schema)} | "
                         f"{cell(_meaning(name, field))} | {presence} |")
        lines.append("")
    return lines


def _target(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _kind(kind: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a field holds, in a few words."""
    if "anyOf" in kind:
        return " or ".join(_kind(entry, schema) for entry in kind["anyOf"])
    if "$ref" in kind:
        name = _target(kind)
        entry = schema["$defs"][name]
        if "enum" in entry:
            return " / ".join(f"`{value}`" for value in sorted(entry["enum"]))
        return f"[{name}](#{name.lower()})"
    if kind.get("type") == "array":
        return f"list of {_kind(kind['items'], schema)}"
    if "format" in kind:
        return {"date-time": "UTC instant", "date": "UTC day"}[kind["format"]]
    return {"string": "text", "integer": "whole number", "null": "null", "number": "number",
            "boolean": "true or false",
            "object": "object"}[kind["type"]] + _range(kind)


def _range(kind: dict[str, Any]) -> str:
    low, high = kind.get("minimum"), kind.get("maximum")
    if low is not None and high is not None:
        return f" ({low:,.10g} to {high:,.10g})"
    return f" (from {low:,.10g})" if low is not None else ""


def _meaning(name: str, field: str) -> str:
    """What a field means: as written here, or as the column of the same name in a table."""
    meanings = [*(column.meaning for table in MEANT for column in table.columns
                  if column.name == field)]
    found = FIELDS.get(f"{name}.{field}") or FIELDS.get(field) or next(iter(meanings), "")
    if not found:
        raise LookupError(f"{name}.{field} needs a meaning in FIELDS")
    return found


def api() -> str:
    """Every public name under its topic, to be filled in by mkdocstrings when the site is built."""
    lines = [MADE, "# Python: the public names", "",
             ("`import wsanalytics as ws`; each name is loaded on first use. On the site each name "
             "is followed by its arguments and its docstring; `help(ws.replay)` shows the same."),
             ""]
    stub = (ROOT / "wsanalytics" / "__init__.pyi").read_text("utf-8")
    for block in stub.split("\n\n"):
        heading = re.search(r"^# (.+)$", block, re.MULTILINE)
        if heading is None:
            continue
        lines += [f"## {heading[1]}", ""]
        names = [(module.rstrip("."), name) for module, name in re.findall(
            r"^from (\S+) import (\w+) as \w+$", block, re.MULTILINE) if name[0] != "_"]
        lines += ["| name | is |", "|---|---|", *(
            f"| `ws.{name}` | {cell(_first_sentence(getattr(ws, name)))} |" for _, name in names)]
        lines += [""]
        for module, name in names:
            lines += [f"::: wsanalytics{module}.{name}", ""]
    for name, heading_text in MODULES.items():
        lines += [f"## {heading_text}: wsanalytics.{name}", "", f"::: wsanalytics.{name}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _first_sentence(value: object) -> str:
    """The first sentence of a docstring, with names as Markdown's code."""
    words = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
    plain = re.sub(r"(?::\w+:`~?|``|\*)([^`*]+)(?:``|`|\*)", r"`\1`", words)
    return re.split(r"(?<=\.) (?=[A-Z])", plain)[0]


PAGES = {"commands.md": commands, "files.md": files, "api.md": api}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for filename, make in PAGES.items():
        (FOLDER / filename).write_text(make(), encoding="utf-8")
