"""What the report's page says, whatever it is looked at with."""

from __future__ import annotations

from pathlib import Path

from wsanalytics.cli import main


def test_no_path_of_the_machine_is_in_it(folder: Path) -> None:
    files = {name: str(folder / f"{name}.csv") for name in ("sessions", "workspaces", "prices")}
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    days = ["--start", "2026-03-01", "--end", "2026-04-01"]
    assert main(["report", *options, *days, "--output", str(folder / "report.html")]) == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Prices: prices.csv" in page
    assert "wsanalytics recommend --sessions SESSIONS" in page  # the next step, with no path
    assert str(folder) not in page and folder.name not in page
