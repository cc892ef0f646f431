"""Pictures of every command on a terminal, 80 and 120 columns wide, to be looked at.

    python benchmarks/terminals.py [FOLDER]      FOLDER defaults to "terminals"

Runs each command against a sandbox on a real pseudo-terminal, and takes a picture of what stood
there. Needs Chromium and the extra ``test``. To be looked at after each change of what commands
print.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser

from tests.helpers.browsing import Visit, chromium
from tests.helpers.terminals import on_terminal
from wsanalytics.history import Store
from wsanalytics.sandbox import SandboxProcess

WIDTHS = (80, 120)
FLEET = ("--store", "fleet")
COMMANDS = {
    "help": ("--help",), "help_recommend": ("recommend", "--help"),
    "doctor": ("doctor",), "collect": ("collect", *FLEET, "--once"),
    "backfill": ("backfill", *FLEET, "--days", "63"), "doctor_store": ("doctor", *FLEET),
    "store_info": ("store", "info", *FLEET), "store_check": ("store", "check", *FLEET),
    "recommend": ("recommend", *FLEET, "--output", "plan.json", "--force"),
    "report": ("report", *FLEET, "--output", "report.html"),
    "plan_show": ("plan", "show", "plan.json"), "plan_diff": ("plan", "diff", "plan.json"),
    "plan_approve": ("plan", "approve", "plan.json", "--all"),
    "explain": ("explain", "A_WORKSPACE", *FLEET),
    "budget": ("budget", *FLEET, "--by-tag", "Team"),
    "frontier": ("frontier", *FLEET, "--value-of-waiting-minute-usd", "0.5"),
    "simulate": ("simulate", *FLEET, "--setting", "ALWAYS_ON", "AUTO_STOP:60", "--output",
                 "charges.csv"),
    "backtest": ("backtest", *FLEET, "--policy", "hold", "forecast", "cost_optimizer",
                 "clairvoyant", "--output", "outcomes.csv"),
    "apply": ("apply", "plan.json", "--limit", "8"),
    "apply_yes": ("apply", "plan.json", "--limit", "8", "--yes"),
    "undo": ("undo", "plan.journal.jsonl"), "verify": (
        "verify", "plan.journal.jsonl", *FLEET, "--days", "0.0001"),
    "stop_idle": ("stop-idle", *FLEET, "--idle-minutes", "1"),
    "start_early": ("start-early", *FLEET, "--ahead-minutes", "600", "--min-chance", "0.2"),
    "creation_properties": ("creation-properties", *FLEET),
    "columns": ("columns", "applied"), "prices": ("prices", "show"),
    "a_slip": ("recommend", "--stor", "fleet"),
}


def main(folder: Path) -> None:
    """Run every command at each width, and take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, SandboxProcess(workspaces=100) as box:
        for width in WIDTHS:
            with TemporaryDirectory() as work:
                for name, words in COMMANDS.items():
                    _take(browser, name, words, width, Path(work), folder, box.environment())


def _take(
    browser: Browser, name: str, words: tuple[str, ...], width: int, work: Path, folder: Path,
    surroundings: dict[str, str],
) -> None:
    if "A_WORKSPACE" in words:
        one = Store(work / "fleet").inventory()["workspace_id"].iloc[0]
        words = tuple(one if word == "A_WORKSPACE" else word for word in words)
    status, text = on_terminal(words, width, work, **surroundings)
    visit = Visit(browser, width=int(width * 8.5) + 40, height=300)
    visit.page.set_content(
        "<body style='margin:16px;background:#fff'><pre style='font:14px/1.25 \"DejaVu Sans Mono\","
        f"monospace'>$ wsanalytics {escape(' '.join(words))}\n{escape(text)}\n[exit {status}]"
        "</pre></body>")
    visit.page.screenshot(path=folder / f"{name}_{width}.png", full_page=True)
    (folder / f"{name}_{width}.txt").write_text(text, encoding="utf-8")
    visit.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "terminals"))
