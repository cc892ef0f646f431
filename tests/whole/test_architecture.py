"""The house: which package may import which, read from the code and held to its floors."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.helpers.build import REPOSITORY

PACKAGE = REPOSITORY / "wsanalytics"

# A package imports from lower floors alone, and through the face of the other package. The files
# that lie beside the packages are the ground: with files/ and tables/ they are the first floor.
FLOORS = """
cli
report widgets
tradeoffs actions views
recommendations
backtesting sandbox
billing people
sessions collection
simulation history aws forecasting prices plot rules
files tables
"""
FLOOR = {name: height for height, line in enumerate(reversed(FLOORS.split("\n")))
         for name in line.split()}
PLACES = {  # which packages may import which libraries
    "boto3": ("aws",),
    "botocore": ("aws", "sandbox", "service_model"),  # its models: what AWS's calls look like
    "matplotlib": ("plot",),
    "ipywidgets": ("widgets",),
    "anywidget": ("widgets",),
    "voila": ("cli.commands.app",),
    "werkzeug": ("sandbox",),
    "moto": (),
    "rich": ("cli", "progress"),
    "filelock": ("files.locks",),
    "jinja2": ("report.page",),
    "xlsxwriter": ("report.workbook",),
    "openpyxl": (),
    "holidays": ("people", "calendars"),
}
LONG = dict[str, str]()
"""Files of over 400 lines, each with the reason why it is one idea all the same."""


class Import(NamedTuple):
    """One import: of what, and whether it stands in a function or only serves type checkers."""

    module: str
    is_inside: bool
    is_for_types: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[1:-1] if parts[-1] == "__init__" else parts[1:])


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
PACKAGES = {name for name, path in MODULES.items() if name and path.name == "__init__.py"}


def imports_of(name: str) -> list[Import]:
    """What a file imports; of this package, the module that the name is asked of."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    inside = {id(node) for function in ast.walk(tree)
              if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
              for node in ast.walk(function)}
    typing = {id(node) for block in ast.walk(tree)
              if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
              for node in ast.walk(block)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            names = [_asked(str(node.module), alias.name) for alias in node.names]
        else:
            continue
        found += [Import(module, id(node) in inside, id(node) in typing) for module in names]
    return found


def _asked(module: str, name: str) -> str:
    """The module that *name* is asked of: itself, if it is a file that its face does not name."""
    whole = f"{module}.{name}"
    return whole if own(whole) in MODULES and name not in shown_by(own(module) or "") else module


@cache
def shown_by(package: str) -> frozenset[str]:
    """The names that the face of a package binds; they hide files of the same name."""
    tree = ast.parse(MODULES[package].read_text(encoding="utf-8"))
    return frozenset(alias.asname or alias.name for node in tree.body
                     if isinstance(node, ast.ImportFrom) for alias in node.names)


def own(module: str) -> str | None:
    """The *module* without the package's name; None for one of another package."""
    top, _, rest = module.partition(".")
    return rest if top == "wsanalytics" else None


def package_of(name: str) -> str:
    """The package that a module lies in; a file of the ground is its own."""
    return name.partition(".")[0]


def own_imports(name: str) -> list[Import]:
    """The imports from this package, without those that serve type checkers alone."""
    return [Import(own(module) or "", *how) for module, *how in imports_of(name)
            if own(module) is not None and not how[1]]


def test_every_package_has_its_floor() -> None:
    assert {package_of(name) for name in PACKAGES} == set(FLOOR)


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"__main__", ""}))
def test_imports_go_to_lower_floors_through_the_face_of_a_package(name: str) -> None:
    here = package_of(name)
    for imported in own_imports(name):
        there = package_of(imported.module)
        if there == here:
            continue
        lower = FLOOR.get(there, 1) < FLOOR.get(here, 1) or FLOOR.get(here, 1) == 1
        assert lower, f"{name} imports {imported.module}"
        assert imported.module == there, f"{name} imports past the face of {there}"


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = {name: {one.module for one in own_imports(name) if not one.is_inside}
             for name in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_no_package_bears_the_name_of_something_public() -> None:
    import wsanalytics

    ground = {name for name in MODULES if "." not in name}
    assert ground & set(wsanalytics.__all__) == {"plot"}  # which is the package itself


@pytest.mark.parametrize("name", sorted(PACKAGES - {"cli", "cli.commands", "cli.printing"}))
def test_a_face_says_its_purpose_and_what_it_shows(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    assert (ast.get_docstring(tree) or "").partition("\n")[0].endswith((".", ",")), name
    if "." not in name:
        assert "__all__" in MODULES[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n.startswith("sandbox")))
def test_the_local_endpoint_proves_something(name: str) -> None:
    """Its meter shares no code with the bill, and its answers none with what reads them."""
    for imported in own_imports(name):
        assert package_of(imported.module) not in {"billing", "aws"}, f"{name} imports {imported}"
    text = MODULES[name].read_text(encoding="utf-8")
    assert not {"replay", "replay_constant", "replay_ordered"} & set(text.split()), name


def test_the_readers_and_the_writer_never_import_each_other() -> None:
    readers = {"aws.workspaces", "aws.workspaces_table", "aws.current_state", "aws.cloudwatch",
               "aws.cloudtrail", "aws.price_list", "aws.probe"}
    assert readers <= set(MODULES)
    for name in readers:
        assert "aws.writer" not in {imported.module for imported in own_imports(name)}
    assert not readers & {imported.module for imported in own_imports("aws.writer")}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_library_has_its_place(name: str) -> None:
    for imported in imports_of(name):
        allowed = PLACES.get(imported.module.partition(".")[0])
        assert allowed is None or any(f"{name}.".startswith(f"{one}.") for one in allowed), (
            f"{name} imports {imported.module}")
        assert name != "widgets.review_state" or imported.module != "ipywidgets"


@pytest.mark.parametrize("name", sorted(n for n in MODULES if package_of(n) != "cli"))
def test_own_modules_are_imported_at_the_top(name: str) -> None:
    assert not [one for one in own_imports(name) if one.is_inside]


def test_files_and_functions_stay_short() -> None:
    for name, path in MODULES.items():
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 400 or name in LONG, f"{path} is long: are there two ideas?"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                assert length <= 60, f"{path}:{node.name} is {length} lines long"


def test_every_public_name_can_be_had() -> None:
    import wsanalytics

    assert len(wsanalytics.__all__) == len(set(wsanalytics.__all__))
    for name in wsanalytics.__all__:
        assert getattr(wsanalytics, name) is not None


@pytest.mark.parametrize("code", ["import wsanalytics", "import wsanalytics.cli"])
def test_importing_costs_nothing(code: str) -> None:
    heavy = "{'numpy', 'pandas', 'pyarrow', 'matplotlib', 'boto3', 'botocore', 'IPython'}"
    code = f"import sys; {code}; print([m for m in sys.modules if m in {heavy}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
