"""The project's own tools: lint, types, the page of tables, and the lock files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.helpers.build import REPOSITORY
from wsanalytics.tables.catalog import TABLES, as_markdown


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=REPOSITORY, capture_output=True, text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff() -> None:
    run("ruff", "check", "--no-cache", "--output-format", "concise", ".")


def test_mypy() -> None:
    run("mypy")


def test_the_page_of_tables_is_that_of_the_code() -> None:
    page = (REPOSITORY / "data" / "TABLES.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "wsanalytics columns --markdown > data/TABLES.md"


def test_every_table_is_explained() -> None:
    for table in TABLES.values():
        assert set(table.key) <= set(table.names)
        for column in table.columns:
            assert column.meaning
            for unit in ("usd", "hours", "minutes"):
                if column.name.endswith(f"_{unit}"):
                    assert column.unit, column.name


def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", lock(name), re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def lock(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def test_the_locks_have_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = lock(name)
        assert "://" not in text and "--index" not in text and "--find-links" not in text
        for entry in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in entry or entry.startswith("#"), entry


def test_both_locks_agree_and_hold_the_build_backend() -> None:
    base, test = pins("requirements.lock"), pins("requirements-test.lock")
    assert "hatchling" in base
    assert {name: test[name] for name in base} == base
    assert "pytest" not in base and "jupyterlab" not in base


def test_the_repository_speaks_of_the_product_alone() -> None:
    names = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for name in names:
        path = Path(REPOSITORY, name)
        if path.suffix in {".md", ".py", ".toml", ".j2", ".ipynb", ".lock", ""} and path.is_file():
            text = path.read_text(encoding="utf-8")
            assert str(REPOSITORY) not in text, f"{name} has a path of this machine"
