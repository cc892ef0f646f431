"""The arrows between modules: read from the code, held to one order."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.build import REPOSITORY

PACKAGE = REPOSITORY / "wsanalytics"

# A module may import only from lines above its own, or within its own line from those before it.
ORDER = """
errors, bounds, messages, parsing, inputfiles, outputs, folders
checktimes
timeline, tables, hints, slips, kinds, checking, sealed, files, locks, entries, journal
admintables, frontiertables, contracts, workdays
settings, aws.model, show, eligibility, schedule, volumes, prices
AWS
history, sessions, inventory, storefiles, remarks, samplefiles, store, storecheck, metrics
simulate.workspace, simulate.arrays, simulate.fleet, observedruns, observedorders, stored
archive, PEOPLE
switching, hourrules, metering, billing, habits, days, outlook, pastdays, prospects
POLICIES, simulate.answers, simulate.arena, simulate.backtest
progress, rounds, health, reaching, intake, remarking, looking, facts, trail, collector, backfilling
counting, comparison, unattended, reasons, duedates, choosing, recommendations
jsonfields, planfile, planview, summaries, fleetviews, analysis, budget, calibration
ledger, guards, changing, dealing, carrying, applying, powering, idling, arrivals
mixtures, offering, frontiers, repricing, answering, whatif
usage, particulars, explaining, evidence
verification, newcomers, creations, replacing
plot.letters, plot.style, plot.density, plot.choice, plot.costs, plot.hours, plot.outcomes
plot.parts, plot.timeline, plot.tradeoff, plot.usage, plot.labels, plot.frontier, plot.explored
plot.policies, plot
report.figures, report.page, report.terminal, report.outcomes
report.plantables, report.tradeoffs, report.workbook, report
WIDGETS
SANDBOX
inputs, consent, commands, ownfiles, backtesting, advice
budgeting, weighing, helpdesk, plans, changes
poweringcommands, verifying, creating, gathering, pricing, account, demonstration, serving
optionkinds, optionvalues, config, inforce, adminoptions, options, cli, __main__
"""
GROUPS = {
    "POLICIES": "policies.seen, policies.rule, policies.fixed, policies.cost_optimizer, "
    "policies.break_even, policies.forecast, policies.stop_when_idle, "
    "policies.start_before_work, policies.dayruns, policies.states, policies.partdays, "
    "policies.hindsight, policies.clairvoyant, policies.informed, policies.catalog",
    "PEOPLE": "people.person, people.habits, people.machines, people.looks, people",
    "AWS": "aws.pace, aws.permissions, aws.failures, aws.answers, aws.pricelist, "
    "aws.configuring, aws.connection, "
    "aws.cloudtrail, aws.cloudwatch, aws.identity, aws.inventory, aws.offers, aws.client, "
    "aws.reader, aws.presence, aws.writer, aws.policy, aws.probe",
    "WIDGETS": "widgets.rows, widgets.state, widgets.parts, widgets.table, widgets.work, "
    "widgets.columns, widgets.why, "
    "widgets.reviewing, widgets.onlook, widgets.fleet, widgets.download, widgets.dials, "
    "widgets.answers, widgets.explorer, widgets.app, widgets",
    "SANDBOX": "sandbox.clock, sandbox.interventions, sandbox.life, sandbox.wire, "
    "sandbox.catalog, sandbox.faults, sandbox.keys, sandbox.meter, sandbox.pages, "
    "sandbox.record, sandbox.desktop, sandbox.fleet, "
    "sandbox.world, sandbox.describing, sandbox.identity, sandbox.metrics, sandbox.products, "
    "sandbox.truth, sandbox.changing, sandbox.control, sandbox.tagging, sandbox.trail, "
    "sandbox.endpoint, sandbox.server, sandbox.command, sandbox.process, sandbox",
}
for group, members in GROUPS.items():
    ORDER = ORDER.replace(group, members)
RANK = {
    name: (place, within)
    for place, line in enumerate(ORDER.strip().splitlines())
    for within, name in enumerate(line.split(", "))
}
PACKAGES = {"", "aws", "policies", "simulate", "__init__"}  # they say what is in them, no more
PLACES = {  # who may import what
    "boto3": ("aws.",),
    "botocore": ("aws.", "sandbox."),
    "matplotlib": ("plot",),
    "ipywidgets": ("widgets.",),
    "anywidget": ("widgets.",),
    "voila": ("serving",),
    "werkzeug": ("sandbox.",),
    "moto": (),
    "rich": ("report.terminal", "report.plantables", "progress"),
    "filelock": ("locks",),
    "jinja2": ("report.page",),
    "xlsxwriter": ("report.workbook",),
    "openpyxl": (),
    "holidays": ("people.", "workdays"),
}


def module_name(path: Path) -> str:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """The modules that a file imports, own ones without the package's name; and: in a function?"""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            names = [
                f"{module}.{alias.name}" if f"{module}.{alias.name}".removeprefix("wsanalytics.")
                in MODULES else module
                for alias in node.names
            ]
        else:
            continue
        found += [(name, id(node) in inside) for name in names]
    return found


def own(name: str) -> str | None:
    if name == "wsanalytics":
        return ""
    return name.removeprefix("wsanalytics.") if name.startswith("wsanalytics.") else None


def test_every_module_has_its_place() -> None:
    assert set(MODULES) - PACKAGES == set(RANK)


@pytest.mark.parametrize("module", sorted(set(MODULES) - PACKAGES))
def test_arrows_point_one_way(module: str) -> None:
    for name, _ in imports_of(MODULES[module]):
        target = own(name)
        if target:
            assert RANK[target] < RANK[module], f"{module} imports {target}"


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("sandbox")))
def test_the_local_endpoint_proves_something(module: str) -> None:
    """Its meter shares no code with the bill, and its answers none with what reads them."""
    for name, _ in imports_of(MODULES[module]):
        target = own(name) or ""
        assert target not in {"billing", "switching", "simulate.fleet", "simulate.arrays"}
        assert not target.startswith("aws."), f"{module} imports {target}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_each_library_has_its_place(module: str) -> None:
    for name, _ in imports_of(MODULES[module]):
        allowed = PLACES.get(name.partition(".")[0])
        assert allowed is None or module.startswith(allowed), f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"", "cli"}))
def test_own_modules_are_imported_at_the_top(module: str) -> None:
    assert [name for name, inside in imports_of(MODULES[module]) if inside and own(name)] == []


def test_help_imports_nothing_heavy() -> None:
    heavy = {"numpy", "pandas", "pyarrow", "matplotlib", "boto3", "botocore", "rich"}
    light = {"cli", "optionkinds", "optionvalues", "config", "inforce", "adminoptions", "options",
             "__init__", "errors", "outputs", "messages", "bounds",
             "parsing", "inputfiles",
             ""}
    for module in light & set(MODULES):
        for name, inside in imports_of(MODULES[module]):
            assert inside or name.partition(".")[0] not in heavy
            target = own(name)
            assert inside or module == "" or target in {None, *light}


def test_public_names_are_written_once() -> None:
    import wsanalytics

    assert len(wsanalytics.__all__) == len(set(wsanalytics.__all__))
    for name in wsanalytics.__all__:
        assert getattr(wsanalytics, name) is not None
    guarded = [
        alias.asname
        for node in ast.walk(ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wsanalytics")
        for alias in node.names
    ]
    assert sorted(filter(None, guarded)) == sorted(set(wsanalytics.__all__) - {"__version__"})


def test_files_and_functions_stay_short() -> None:
    for path in MODULES.values():
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 400, f"{path} is long: would two names be clearer?"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                assert length <= 60, f"{path}:{node.name} is {length} lines long"


def test_importing_the_package_is_cheap() -> None:
    import subprocess

    code = (
        "import sys, wsanalytics, wsanalytics.cli; "
        "print([m for m in sys.modules if m in {'numpy', 'pandas', 'matplotlib', 'boto3'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
