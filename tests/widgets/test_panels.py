"""The fleet, one WorkSpace and the page, without a browser."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wsanalytics as ws
from tests.helpers import build
from tests.helpers.build import book, fleet_sessions, sample
from tests.helpers.endpoints import use_sandbox
from tests.helpers.hostile import HOSTILE
from tests.helpers.sandboxes import fleet
from tests.recommendations.test_comparison import daily
from wsanalytics.cli import main
from wsanalytics.errors import InputError, NotBilledWarning
from wsanalytics.history.folder import write_history
from wsanalytics.history.history import History
from wsanalytics.plot.style import png
from wsanalytics.prices.book import load_prices
from wsanalytics.recommendations.analysis import Analysis, analyse
from wsanalytics.recommendations.plan_file import write_plan
from wsanalytics.timeline import Window
from wsanalytics.widgets.app import App
from wsanalytics.widgets.base import WIDGET_VIEW
from wsanalytics.widgets.overview import FleetPanel
from wsanalytics.widgets.workspace import ALL

TABS = ("When people work", "Hours", "Costs", "Standing out", "WorkSpaces", "Data holes")


@pytest.fixture(scope="module")
def history() -> History:
    """A few of the sample fleet, in a month."""
    whole = sample()
    fleet = whole.workspaces
    odd = fleet[(fleet["running_mode"] == "MANUAL") | fleet["standby"]].head(1)
    kept = pd.concat([fleet.head(24), odd]).drop_duplicates("workspace_id")
    kept = kept.sort_values("workspace_id", ignore_index=True)
    window = Window(whole.window.end - timedelta(days=35), whole.window.end)
    samples = whole.samples[whole.samples["workspace_id"].isin(kept["workspace_id"])
                            & (whole.samples["sampled_at"] >= window.start)]
    return History(kept, samples.reset_index(drop=True), window)


@pytest.fixture(autouse=True, scope="module")
def _small_pictures() -> Iterator[None]:
    """Pictures are drawn as they are, of fewer dots: here nobody looks at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(png.__kwdefaults__, "dots_per_inch", 36)
        yield


@pytest.fixture(scope="module")
def panel(history: History) -> FleetPanel:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what is left out is told in the panel
        return ws.overview(history)


@pytest.fixture
def _in_folder(tmp_path: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield
    os.chdir(before)


def test_a_fleet_at_a_glance(panel: FleetPanel) -> None:
    head = panel.head.value
    assert "a month for" in head and "prices of" in head
    assert "1 WorkSpace MANUAL or standby, not simulated: ws-" in head
    assert "hours of the day are local time (" in head and "America/New_York" in head
    for place, title in enumerate(TABS):
        assert panel.tabs.titles[place] == title
        panel.tabs.selected_index = place
        assert panel.tabs.children[place].children, title
    assert "clock" in panel.clock or "local time" in panel.clock
    assert len(panel.machines) == len(panel.analysis.workspaces)
    bundle = panel._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", WIDGET_VIEW}
    assert bundle["text/html"].count("<img") == 3


def test_who_counts_for_a_part_of_the_time_is_told_where_the_cost_stands() -> None:
    """Seven weeks of full days, then seven of two hours on Mondays; others come every day."""
    when = Window.of_days(date(2026, 2, 2), date(2026, 5, 11))
    changed, steady = [8] * 49 + [2, 0, 0, 0, 0, 0, 0] * 7, [8] * 98

    def told(hours: dict[str, list[int]]) -> str:
        machines = build.workspaces(*hours, running_mode="ALWAYS_ON", auto_stop_minutes=None)
        sessions = fleet_sessions({name: daily(when, own) for name, own in hours.items()})
        return ws.overview(analyse(sessions, machines, window=when, prices=book())).head.value

    both = told({"ws-a": changed, "ws-b": steady, "ws-c": changed})
    assert ("$105.00 a month for 3 WorkSpaces with a known price (2 WorkSpaces counted since their "
            "use changed), prices of") in both
    assert "known price (1 WorkSpace counted since its use changed), prices of" in told(
        {"ws-a": changed, "ws-b": steady})
    assert "$35.00 a month for 1 WorkSpace with a known price, prices of" in told({"ws-b": steady})


def test_costs_by_this_and_that(panel: FleetPanel) -> None:
    panel.tabs.selected_index = TABS.index("Costs")
    total = panel.cost_by("directory")["today_usd"].sum()
    for _, by in panel.by.options:
        panel.by.value = by
        assert "<img" in panel.costs.value and "<table" in panel.costs.value
        frame = panel.cost_by(by)
        if by == "month":
            assert list(frame["month"]) == ["2026-09", "2026-10"]
        else:
            assert frame["today_usd"].sum() == pytest.approx(total)


def test_a_chosen_row_is_looked_at(panel: FleetPanel) -> None:
    panel.tabs.selected_index = TABS.index("WorkSpaces")
    table, below = panel.tabs.children[TABS.index("WorkSpaces")].children
    table.current = 3
    assert below.children[0].workspace_id == panel.machines["workspace_id"].iloc[3]
    assert table.opened == 3
    table.current = -1
    assert below.children == ()


def test_everything_about_one(panel: FleetPanel) -> None:
    counts = panel.analysis.replay.sessions["workspace_id"].value_counts()
    used = counts.index[len(counts) // 2]
    one = ws.look_at(used, panel.analysis)
    assert used in one.static_text() and "What it costs a month" in one.static_text()
    assert one.zone in str(one.explanation)
    first = one.line.value
    one.settings.value = ALL
    assert one.line.value != first and f"clock of {one.zone}" in one.line.value
    one.days.value = one.days.options[-1][1]
    assert one.static_html().count("<img") == 3
    assert len(one.children[-1].columns) == 5


def test_one_of_the_sample_fleet_and_strangers(panel: FleetPanel) -> None:
    name = panel.machines["workspace_id"].iloc[0]
    with pytest.raises(InputError, match="did you mean ws-"):
        ws.look_at(name[:-1], panel.analysis)
    with pytest.raises(InputError, match="there is no WorkSpace 'nobody'"):
        ws.look_at("nobody")


def test_the_other_order_is_told(panel: FleetPanel, history: History, tmp_path: Path) -> None:
    name = panel.machines["workspace_id"].iloc[0]
    order = r"the order is look_at\(workspace_id, of\)"
    for given in (panel.analysis, history, tmp_path, str(tmp_path)):
        with pytest.raises(InputError, match=f"{order}. Fix: write look_at\\('{name}', …"):
            ws.look_at(given, name)  # type: ignore[arg-type]  # that is the point
    for odd in (panel.analysis, 7, None):
        with pytest.raises(InputError, match=order):
            ws.look_at(odd)  # type: ignore[arg-type]  # likewise


def test_the_clock_is_the_users(history: History) -> None:
    tokyo = history.workspaces.assign(time_zone="Asia/Tokyo")
    panel = ws.overview(History(tokyo, history.samples, history.window))
    assert panel.clock == "Asia/Tokyo"
    used = panel.analysis.replay.sessions["workspace_id"].iloc[0]
    assert panel.look_at(used).zone == "Asia/Tokyo"
    berlin = ws.overview(history, zones=ws.Zones.of("Europe/Berlin", ()))
    assert berlin.clock == "Europe/Berlin"
    utc = ws.weekly_usage(panel.analysis.replay.sessions, panel.analysis.window,
                          gaps=panel.analysis.gaps)
    shifted = np.roll(panel.week.to_numpy().ravel(), -9)  # nine hours ahead of UTC all year
    assert shifted == pytest.approx(utc.to_numpy().ravel(), abs=0.3)


def test_what_is_no_fleet() -> None:
    with pytest.raises(InputError, match="it shows a History"):
        ws.overview(pd.DataFrame())  # type: ignore[arg-type]  # that is the point


def test_a_fleet_that_nobody_used_and_one_without_prices(history: History) -> None:
    window = history.window
    none = pd.DataFrame({"workspace_id": [], "connected_at": [], "disconnected_at": []})
    from wsanalytics.tables.check_sessions import check_sessions

    sessions = check_sessions(none.astype({"workspace_id": "str"}).assign(
        connected_at=pd.to_datetime([], utc=True), disconnected_at=pd.to_datetime([], utc=True)))
    prices = load_prices()
    unknown = history.workspaces.assign(region="xx-nowhere-1")
    for workspaces in (history.workspaces, unknown):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = analyse(sessions, workspaces, window=window, prices=prices)
        panel = ws.overview(found)
        for place in range(len(TABS)):
            panel.tabs.selected_index = place
        one = ws.look_at(found.workspaces["workspace_id"].iloc[0], found)
        assert "none: nobody connected in these days" in one.static_text()
        assert panel.static_html() and panel.static_text()


def test_hostile_names_are_text(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(HOSTILE)
    some = history.workspaces.head(count).copy()
    some["user_name"], some["directory_id"] = HOSTILE, HOSTILE
    some["tags"] = [json.dumps({name: name}) for name in HOSTILE]
    samples = history.samples[history.samples["workspace_id"].isin(some["workspace_id"])]
    panel = ws.overview(History(some, samples, history.window))
    pages = [panel.static_html()]
    for place in range(len(TABS)):
        panel.tabs.selected_index = place
    for _, by in panel.by.options:
        panel.by.value = by
        pages.append(panel.costs.value)
    for place, name in enumerate(some["workspace_id"]):
        if place == 3:  # by now all kinds of pictures were drawn, and the rest is text
            monkeypatch.setattr(ws.plot, "png", lambda *_, **__: b"a picture")
        pages.append(panel.look_at(name).static_html())
    for page in pages:
        for forbidden in ("<script", "<img src=x", "\u202e", "</textarea>"):
            assert forbidden not in page


@pytest.mark.usefixtures("_in_folder")
def test_the_page_reads_only_unless_it_was_started_otherwise(tmp_path: Path) -> None:
    with fleet(20) as (box, _, _writer):
        ends = box.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: Analysis = analyse(
                box.sessions(), box.workspaces(), window=Window(ends - timedelta(days=30), ends),
                prices=load_prices(), account_id="111122223333", region="us-east-1")
        write_plan(found.plan, tmp_path / "plan.json")
        asked = {"folder": str(tmp_path), "plan": "plan.json"}
        page = ws.app(json.dumps(asked))
        assert isinstance(page, App)
        assert page.review.worker is None and page.review.state.places == ()
        assert page.tabs.titles == ("The plan",)
        with pytest.MonkeyPatch.context() as patch:
            use_sandbox(patch, box)
            page = ws.app(json.dumps(asked | {"allow_apply": True, "limit": 3}))
        assert page.review.state.places == (("111122223333", "us-east-1"),)
        assert page.review.worker.journal == Path("plan.journal.jsonl")
        for one in page.review.worker.writers:
            one.connection.close()


@pytest.mark.usefixtures("_in_folder")
def test_the_page_of_a_store(history: History, tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    write_history(history, tmp_path / "fleet")
    page = ws.app(json.dumps({"folder": str(tmp_path), "store": "fleet"}))
    assert page.tabs.titles == ("The plan", "The fleet", "What if")
    for place in range(3):
        page.tabs.selected_index = place
        assert page.tabs.children[place].children
    assert "Review of" in page.review.static_text()


@pytest.mark.usefixtures("_in_folder")
def test_the_page_of_a_store_is_bound_by_rules_of_the_house(
    history: History, tmp_path: Path
) -> None:
    (tmp_path / "fleet").mkdir()
    write_history(history, tmp_path / "fleet")
    rules = tmp_path / "wsanalytics.toml"
    rules.write_text('[[rules]]\nname = "all"\nleave-alone = true\n', encoding="utf-8")
    page = ws.app(json.dumps({"folder": str(tmp_path), "store": "fleet", "rules": str(rules)}))
    assert page.analysis.plan.changes.empty
    free = ws.app(json.dumps({"folder": str(tmp_path), "store": "fleet"}))
    assert len(free.analysis.plan.changes)


@pytest.mark.usefixtures("_in_folder")
@pytest.mark.parametrize(("asked", "words"), [
    ({"plan": "none.json"}, "there is no such file"),
    ({"allow_apply": True}, "the sample fleet is in no account"),
])
def test_what_cannot_be_shown_is_said(asked: dict[str, object], words: str) -> None:
    page = ws.app(json.dumps(asked))
    assert words in page.children[0].value


@pytest.mark.parametrize(("options", "words"), [
    (["--plan", "none.json"], "there is no such file"),
    (["--store", "none"], "none"),
    (["--port", "70000"], "there is no port 70000"),
    (["--allow-apply"], "the sample fleet is in no account"),
    (["--time-zone", "Mars"], "there is no time zone 'Mars'"),
])
def test_a_page_that_cannot_be_served(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", *options]) == 2
    told = capsys.readouterr()
    assert words in told.err and told.out == "" and "Traceback" not in told.err


def all_manual() -> FleetPanel:
    when = build.window("2026-02-02", "2026-03-02")
    machines = build.workspaces("ws-a", "ws-b", running_mode="MANUAL", auto_stop_minutes=None)
    sessions = build.fleet_sessions({"ws-a": [("2026-02-03 09:00", "2026-02-03 17:00")]})
    with pytest.warns(NotBilledWarning):
        return ws.overview(analyse(sessions, machines, window=when, prices=build.book()))


def test_in_a_notebook_the_analysis_itself_says_who_is_left_out(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsanalytics.recommendations.analysis.in_kernel", lambda: True)
    when = build.window("2026-02-02", "2026-03-02")
    machines = pd.concat([
        build.workspaces("ws-a", running_mode="MANUAL", auto_stop_minutes=None),
        build.workspaces("ws-b", compute_type="GENERALPURPOSE_4XLARGE"), build.workspaces("ws-c")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analyse(build.fleet_sessions({}), machines, window=when, prices=build.book())
    assert found.left_out == ["1 WorkSpace MANUAL or standby, not simulated: ws-a",
                              "1 WorkSpace with no known price: ws-b"]
    assert all(line in repr(found) and line in found._repr_html_() for line in found.left_out)


def test_a_fleet_of_which_nobody_is_simulated() -> None:
    panel, nothing = all_manual(), "Nothing to show: no WorkSpace is simulated."
    for place in range(len(TABS)):
        panel.tabs.selected_index = place
        assert panel.tabs.children[place].children
    assert "No WorkSpace has a known price" in panel.tabs.children[1].children[0].value
    for _, by in panel.by.options:
        panel.by.value = by
        assert nothing in panel.costs.value
    assert nothing in panel.tabs.children[3].children[0].value
    assert nothing in panel.static_html()
    assert nothing in panel.static_text() and "$" not in panel.static_text()
    assert panel.machines["setting"].tolist() == ["MANUAL", "MANUAL"]
    one = ws.look_at("ws-b", panel.analysis)
    assert "It is not simulated" in one.static_text() and one.static_html()


def test_tags_that_cannot_be_read_are_none() -> None:
    when = build.window("2026-02-02", "2026-03-02")
    told = ["", "{broken", '["team"]', None, '{" ": "x", "": "y", " team ": "sales"}',
            {"team": "sales"}, "[" * 100_000]
    machines = build.workspaces(*(f"ws-{place}" for place in range(len(told)))).assign(tags=told)
    sessions = build.fleet_sessions({"ws-0": [("2026-02-03 09:00", "2026-02-03 17:00")]})
    panel = ws.overview(analyse(sessions, machines, window=when, prices=build.book()))
    for place in range(len(TABS)):
        panel.tabs.selected_index = place
    assert [by for _, by in panel.by.options if by.startswith("tag")] == ["tag team"]
    panel.by.value = "tag team"
    assert panel.cost_by("tag team").set_index("group")["workspaces"].to_dict() == {
        "": 5, "sales": 2}
