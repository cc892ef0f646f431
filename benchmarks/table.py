"""How quick the review's table of 10,000 changes is, in JupyterLab and a real browser.

    python benchmarks/table.py [ROWS]

Prints, in milliseconds, the median and the worst of several tries: making the panel in Python,
from running its cell to the first rows on the screen (a new page each time), a click on a title to
the rows in their new order, a click on *Tick all* until the sums in Python have followed, one tick
likewise, a search by keys to its rows, and a jump of the scroll bar to its rows. The same is done
with 100 rows beside it, which shows what of it is the price of a notebook and what that of a long
table. Needs Chromium and the extra ``test``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, Page

from tests.helpers.browsing import Visit, chromium, jupyter, notebook

TRIES = 5
SETUP = """
import time
import numpy as np, pandas as pd
import wsanalytics as ws
from datetime import UTC, datetime
from wsanalytics.hourrules import HourRule
from wsanalytics.recommendations import Plan
from wsanalytics.tables import RECOMMENDATIONS, Kind

count, luck = {rows}, np.random.default_rng(7)
saving = luck.lognormal(3, 1, count)
frame = pd.DataFrame({{
    "workspace_id": [f"ws-{{number:09d}}" for number in luck.permutation(count)],
    "user_name": [f"user.{{number}}" for number in range(count)], "action": "change",
    "from_setting": luck.choice(["ALWAYS_ON", "AUTO_STOP:240", "AUTO_STOP:480"], count),
    "to_setting": "AUTO_STOP:60", "saving_usd_per_month": saving,
    "saving_low_usd": saving * 0.7, "saving_high_usd": saving * 1.2,
    "chance_of_loss": luck.random(count) * 0.2, "cold_starts_per_week": luck.random(count) * 5,
    "extra_cold_starts_per_week": luck.random(count) * 3, "best_date": "2026-10-31",
    "reason": "Connected 62 h a month, which bills 88 h: less than the flat fee."}})
frame = frame.reindex(columns=list(RECOMMENDATIONS.names))
for column in RECOMMENDATIONS.columns:
    empty = "" if column.kind is Kind.TEXT else np.nan
    filled = frame[column.name].astype("object").fillna(empty)
    frame[column.name] = filled.astype(column.dtype)
plan = Plan(frame, datetime(2026, 10, 1, tzinfo=UTC), HourRule.CLOCK_HOUR, "2026-10-01")
inventory = pd.DataFrame({{
    "workspace_id": frame["workspace_id"],
    "directory_id": luck.choice(["d-1", "d-2", "d-3"], count),
    "compute_type": luck.choice(["STANDARD", "POWER"], count), "tags": "{{}}"}})
review = ws.review  # loaded, as by any panel before
begin = time.perf_counter()
panel = review(plan, workspaces=inventory)
print(f"made in {{1000 * (time.perf_counter() - begin):.0f}} ms")
"""
ACT = """async ([click, done]) => {
  const told = () => Function(`return (${done})()`)();
  const begin = performance.now();
  Function(click)();
  while (!told()) {
    if (performance.now() - begin > 20000) throw new Error(`never came: ${done}`);
    await new Promise((go) => requestAnimationFrame(go));
  }
  await new Promise((go) => requestAnimationFrame(go));
  return performance.now() - begin;
}"""
SUMS = "document.querySelector('.wsanalytics-review').textContent"
RUN_LAST = """async () => {
  const begin = performance.now();
  const cells = jupyterapp.shell.currentWidget.content;
  cells.activeCellIndex = 1;
  const run = jupyterapp.commands.execute('notebook:run-cell');
  while (!document.querySelector('.wsa-table tr[data-row]')) {
    await new Promise((go) => requestAnimationFrame(go));
  }
  await new Promise((go) => requestAnimationFrame(go));
  const taken = performance.now() - begin;
  await run;
  return taken;
}"""


def act(page: Page, click: str, done: str) -> float:
    """Do something in the page until it is so, and tell the milliseconds."""
    return float(page.evaluate(ACT, [click, f"() => {done}"]))


def title(name: str) -> str:
    """A click on the title of a column."""
    return f"document.querySelector('th[data-column={name}] button').click()"


def button(words: str) -> str:
    """A click on the button that begins with *words*."""
    return (f"[...document.querySelectorAll('.wsa-button')].find("
            f"(one) => one.textContent.startsWith('{words}')).click()")


def tries(
    browser: Browser, server: tuple[str, str], name: str, rows: int
) -> dict[str, list[float]]:
    """One visit: all that is measured, once or several times."""
    found: dict[str, list[float]] = {}
    visit = Visit(browser)
    page = visit.open_notebook(server, name)
    errors = page.evaluate("""async () => {
      const panel = jupyterapp.shell.currentWidget, session = panel.context.sessionContext;
      await session.ready;
      while (session.session?.kernel?.status !== 'idle') {
        await new Promise((go) => setTimeout(go, 50));
      }
      panel.content.activeCellIndex = 0;
      await jupyterapp.commands.execute('notebook:run-cell');
      return panel.content.model.cells.get(0).outputs.toJSON();
    }""")
    made = "".join(str(one.get("text", one)) for one in errors)
    found["made in Python"] = [float(made.split("made in ")[1].split(" ms")[0])]
    found["cell run to first rows"] = [page.evaluate(RUN_LAST)]
    for name_of, way in (("user_name", "ascending"), ("chance_of_loss", "descending")) * 2:
        is_sorted = f"th[data-column={name_of}][aria-sort={way}]"
        found.setdefault("sort", []).append(
            act(page, title(name_of), f"document.querySelector('{is_sorted}')"))
    for on, words in ((1, "Tick all"), (0, "Untick all")) * 2:
        done = f"{SUMS}.includes('{f'Ticked: {rows:,} ' if on else 'Nothing is ticked'}')"
        found.setdefault("tick all, sums follow", []).append(act(page, button(words), done))
    box = "document.querySelector('.wsa-table tr[data-row] input').click()"
    for done in ("Ticked: 1 change", "Nothing is ticked"):
        found.setdefault("one tick, sums follow", []).append(
            act(page, box, f"{SUMS}.includes('{done}')"))
    search = ("const field = document.querySelector('.wsa-search'); field.value = '{0}';"
              "field.dispatchEvent(new Event('input'))")
    counts = "document.querySelector('.wsa-counts').textContent"
    for words, done in ((f"user.{rows - 1}", "1 of"), ("", f"{rows:,} rows")) * 2:
        found.setdefault("search (120 ms of it waiting for more keys)", []).append(
            act(page, search.format(words), f"{counts}.startsWith('{done}')"))
    for place in (rows // 2, 5):
        found.setdefault("scroll to other rows", []).append(act(
            page, f"document.querySelector('.wsa-scroller').scrollTop = {28 * place}",
            f"[...document.querySelectorAll('.wsa-table tr[aria-rowindex]')].some((one) => "
            f"one.ariaRowIndex === '{place + 4}' || one.getAttribute('aria-rowindex') === "
            f"'{place + 4}')"))
    visit.close()
    return found


def main() -> None:
    """Measure, and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        root.mkdir()
        sizes = (100, rows)
        for size in sizes:
            (root / f"{size}.ipynb").write_text(notebook(SETUP.format(rows=size), "panel"))
        figures: dict[int, dict[str, list[float]]] = {size: {} for size in sizes}
        with jupyter(root, Path(folder) / "home") as server, chromium() as browser:
            for _ in range(TRIES):
                for size in sizes:  # side by side: machines are noisy
                    for name, values in tries(browser, server, f"{size}.ipynb", size).items():
                        figures[size].setdefault(name, []).extend(values)
    print(f"{'milliseconds, median (worst)':46}" + "".join(f"{size:>10,} rows    "
                                                         for size in sizes))
    for name in figures[rows]:
        told = [f"{median(figures[size][name]):6.0f} ({max(figures[size][name]):5.0f})"
                for size in sizes]
        print(f"{name:46}" + "".join(f"{one:>19}" for one in told))


if __name__ == "__main__":
    main()
