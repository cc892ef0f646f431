"""The explorer without a browser: controls are moved, and what is shown is looked at."""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from base64 import b64decode
from functools import cache
from io import BytesIO
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

import wsanalytics as ws
from tests.helpers.build import book, fleet_sessions, month, sample, workspaces
from wsanalytics.billing.fees import billable
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted
from wsanalytics.history.history import configured
from wsanalytics.settings import setting_grid
from wsanalytics.tradeoffs.what_if import WhatIf, what_if
from wsanalytics.widgets import explore_view as answers
from wsanalytics.widgets.base import collecting_later
from wsanalytics.widgets.download import Download, Offer
from wsanalytics.widgets.explore import Explorer, explore
from wsanalytics.widgets.sliders import NO_LIMIT

FEBRUARY = month("2026-02")
USERS = {"ws-a": "<script>alert(1)</script>", "ws-b": "=cmd|' /C calc'!A1",
         "ws-c": "ada\u202egnp.exe", "ws-d": "@SUM(1)\r=2", "ws-e": "-2+3"}
PNG = b"\x89PNG"


def fleet() -> pd.DataFrame:
    return workspaces(*USERS).assign(
        user_name=list(USERS.values()), auto_stop_minutes=pd.array([60, 60, 240, 60, 60], "Int64"))


SPANS = {  # hours of the day, on every how manyeth day
    "ws-a": (1, [("01:00", "18:30")]), "ws-b": (13, [("09:00", "10:00")]),
    "ws-c": (1, [("09:00", "11:00"), ("13:30", "15:10")]), "ws-d": (99, []),
    "ws-e": (2, [("08:00", "08:30"), ("10:00", "10:15"), ("13:00", "13:30"), ("17:00", "17:15")])}


def analysis() -> ws.Analysis:
    by_id = {name: [(f"2026-02-{day:02} {start}", f"2026-02-{day:02} {end}")
                    for day in range(1, 29, every) for start, end in spans]
             for name, (every, spans) in SPANS.items()}
    return ws.analyse(fleet_sessions(by_id), fleet(), window=FEBRUARY, prices=book())


@cache
def question() -> WhatIf:
    return what_if(analysis(), timeouts=[60, 120, 240],
                   prices={"list": book(), "ours": book(30.0, 8.0, 0.2)})


def explorer() -> Explorer:
    return explore(question())


def pictures(one: Explorer) -> tuple[bytes, bytes]:
    found = [re.findall(r'src="data:image/png;base64,([^"]+)"', shown.value)
             for shown in (one.bars, one.curve)]
    return b64decode(found[0][0]), b64decode(found[1][0])


def test_what_is_shown_at_first() -> None:
    one = explorer()
    answer = question().answer()
    assert one.settings == {
        "timeouts": [60, 120, 240], "always_on": True, "hour_rule": "clock_hour", "prices": "list",
        "discount": 0.0, "max_cold_starts_per_week": None, "value_of_waiting_minute_usd": 0.0,
        "min_saving_usd": 0.0}
    assert one.headline == answer.headline and answer.headline in one.headline_html.value
    assert "Saves $" in one.headline_html.value and 'role=\'status\'' in one.headline_html.value
    pd.testing.assert_frame_equal(one.costs, answer.costs)
    assert all(png.startswith(PNG) for png in pictures(one))
    assert "all ALWAYS_ON $175" in one.bars.value and "chosen: $" in one.curve.value
    assert 'alt="Bars of' in one.bars.value and 'width="555" height="375"' in one.bars.value
    assert "wsanalytics-explorer" in one._dom_classes
    assert "(28 days, the end excluded), every WorkSpace over the whole window · " in one.note
    assert one.code_area.value == one.code and "2026-02-01" in one.note_html.value


MOVES: list[tuple[str, Any, dict[str, Any]]] = [
    ("timeouts", False, {"timeouts": [60, 240]}), ("always_on", False, {"always_on": False}),
    ("hour_rule", "exact", {"hour_rule": "exact"}), ("prices", "ours", {"prices": "ours"}),
    ("discount", 12.0, {"discount": 0.12}), ("limit", 0.0, {"max_cold_starts_per_week": 0.0}),
    ("worth", 0.25, {"value_of_waiting_minute_usd": 0.25}),
    ("least", 40.0, {"min_saving_usd": 40.0})]


@pytest.mark.parametrize(("name", "value", "asked"), MOVES)
def test_each_control_asks_its_own(name: str, value: Any, asked: dict[str, Any]) -> None:
    one = explorer()
    control = one.timeouts[120] if name == "timeouts" else getattr(one, name)
    before = one.costs
    control.value = value
    answer = question().answer(**asked)
    pd.testing.assert_frame_equal(one.costs, answer.costs)
    assert one.headline == answer.headline in one.headline_html.value
    assert one.settings == explorer().settings | asked
    assert one.code_area.value == answer.code
    if name != "worth":
        assert not before.equals(one.costs)


def test_pictures_follow() -> None:
    one = explorer()
    before = pictures(one)
    one.always_on.value = False
    assert all(old != new for old, new in zip(before, pictures(one), strict=True))


def test_sliders_and_fields_go_together() -> None:
    one = explorer()
    one.discount.slider.value = 30
    assert one.discount.field.value == 30 and one.settings["discount"] == 0.3
    one.discount.field.value = 75  # beyond the slider's end
    assert one.discount.slider.value == 60 and one.settings["discount"] == 0.75
    one.limit.slider.value = 4.5
    assert one.limit.field.value == "4.5" and one.settings["max_cold_starts_per_week"] == 4.5
    one.limit.field.value = "2,25"
    assert one.limit.field.value == "2.25" and one.limit.value == 2.25
    for nonsense in ("two", "-1", "nan", "inf"):
        one.limit.field.value = nonsense
        assert one.limit.field.value == "2.25"
    one.limit.field.value = "100"
    assert one.limit.slider.value == one.limit.slider.max and one.limit.value == 100
    one.limit.field.value = ""
    assert one.limit.field.value == NO_LIMIT and one.limit.value is None
    one.limit.slider.value = 1
    one.limit.slider.value = one.limit.slider.max
    assert one.limit.value is None


def test_set_moves_controls() -> None:
    one = explorer()
    drawn = []
    one.headline_html.observe(lambda change: drawn.append(change["new"]), "value")
    one.set(timeouts=[240], always_on=False, discount=0.07, max_cold_starts_per_week=3,
            prices="ours", hour_rule="ceil_per_run", value_of_waiting_minute_usd=0.1)
    assert len(drawn) == 1  # once for all of it
    assert [box.value for box in one.timeouts.values()] == [False, False, True]
    assert one.discount.slider.value == 7 and one.limit.field.value == "3"
    assert one.settings["discount"] == 0.07 and one.settings["prices"] == "ours"
    one.set(max_cold_starts_per_week=None)
    assert one.settings["max_cold_starts_per_week"] is None
    assert one.settings["timeouts"] == [240]


@pytest.mark.parametrize(("asked", "message"), [
    ({"timeouts": [180]}, "add 180 to timeouts"), ({"discount": 1.5}, "discount is 1.5"),
    ({"hour_rule": "x"}, "there is no 'x'"), ({"speed": 3}, "there is no control speed"),
    ({"value_of_waiting_minute_usd": float("nan")}, "is nan"),
    ({"max_cold_starts_per_week": -2}, "is -2")])
def test_what_cannot_be_set_moves_nothing(asked: dict[str, Any], message: str) -> None:
    one = explorer()
    before = one.settings
    with pytest.raises(InputError, match=message):
        one.set(discount=0.1, **asked) if "discount" not in asked else one.set(**asked)
    assert one.settings == before


def test_nothing_to_choose_from_is_said() -> None:
    base, played = fleet(), analysis()
    one = explore(ws.bill(played.replay, base, book()))
    assert "min_saving_usd" in one.settings and "today" not in one.headline
    one.set(timeouts=[60], always_on=True)
    for box in one.timeouts.values():
        box.value = False
    one.always_on.value = False
    assert "nothing to choose from" in one.headline_html.value
    assert "nothing to choose from" in one.static_text()
    assert 'role="alert"' in one.static_html()
    assert "nothing to choose from" in one.downloads.answer("what-if.csv")[0]["trouble"]
    with pytest.raises(InputError, match="nothing to choose from"):
        _ = one.answer
    one.always_on.value = True
    assert "a month" in one.headline_html.value


def test_queued_moves_are_drawn_once() -> None:
    one, drawn = explorer(), []
    one.note_html.observe(lambda change: drawn.append(change["new"]), "value")

    async def dragged() -> None:
        for value in range(1, 21):
            one.discount.slider.value = value
        assert drawn == [] and one.settings["discount"] == 0.2
        assert one.answer.frontier.discount == pytest.approx(0.2)  # Python never sees stale ones
        await asyncio.sleep(0.3)

    asyncio.run(dragged())
    assert len(drawn) == 1 and "less 20 %" in drawn[0]


def test_the_table_is_safe_for_spreadsheets() -> None:
    one = explorer()
    (told, [data]) = one.downloads.answer("what-if.csv")
    assert told == {"name": "what-if.csv", "type": "text/csv"}
    back = pd.read_csv(BytesIO(data), keep_default_na=False)
    assert list(back) == list(one.table)
    assert back["user_name"].tolist() == [
        USERS["ws-a"], "'" + USERS["ws-b"], "ada\ufffdgnp.exe", "'@SUM(1)\ufffd=2", "'-2+3"]
    assert back["usd_per_month"].tolist() == pytest.approx(one.table["usd_per_month"].tolist())


def test_files_are_what_they_say() -> None:
    one = explorer()
    one.set(discount=0.25, timeouts=[60])
    assert one.downloads.answer("what-if.png")[1][0].startswith(PNG)
    assert b"<svg" in one.downloads.answer("what-if.svg")[1][0]
    assert isinstance(one.figure(), Figure) and len(one.figure().axes) == 2
    script = one.downloads.answer("what_if.py")[1][0].decode()
    names: dict[str, Any] = {"analysis": analysis(), "prices": {
        "list": book(), "ours": book(30.0, 8.0, 0.2)}}
    exec(script, names)  # noqa: S102  # it is what is promised
    pd.testing.assert_frame_equal(names["answer"].table, one.table)
    assert one.downloads.answer("../secret") == (
        {"name": "", "trouble": "There is no such file."}, [])


def test_a_button_sends_bytes_to_the_view_that_asked() -> None:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"abc"

    offer = Offer(label="A", file_name="a.txt", media_type="text/plain", make=make)
    buttons, sent = Download([offer]), []
    buttons.send = lambda content, buffers=None: sent.append((content, buffers))
    assert made == [] and buttons.files == [{"label": "A", "name": "a.txt"}]
    buttons._handle_custom_msg({"name": "a.txt", "view": "v1"}, [])
    assert sent == [({"name": "a.txt", "type": "text/plain", "view": "v1"}, [b"abc"])]
    buttons._handle_custom_msg("nonsense", [])
    assert len(sent) == 1


def test_where_widgets_do_not_run() -> None:
    shown = explorer()._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert "all AUTO_STOP:240" in shown["text/plain"] and "As set today" in shown["text/plain"]
    page = shown["text/html"]
    assert page.count('src="data:image/png;base64,') == 2 and 'alt="Bars of' in page
    assert "<table>" in page and "import wsanalytics as ws" in page and "<script" not in page


def test_names_are_shown_as_text() -> None:
    evil = "<img src=x onerror=alert(1)>\u202e$x$"
    one = explore(what_if(analysis(), prices={evil: book(), "b": book()}))
    assert "<img src=x" not in one.static_html() and "<img src=x" not in one.note_html.value
    assert "\u202e" not in one.static_html() and "\u202e" not in one.prices.options[0][0]
    one.set(prices="b")
    assert one.settings["prices"] == "b"
    names: dict[str, Any] = {"analysis": analysis(), "prices": {evil: book(), "b": book()}}
    exec(one.code, names)  # noqa: S102  # whatever a price book is called, its name is a literal
    assert names["answer"].headline == one.headline


def test_explore_takes_what_what_if_takes() -> None:
    played = analysis()
    one = explore(played, timeouts=[60], hour_rules=["exact"], wait_minutes=3.0)
    assert list(one.timeouts) == [60] and one.settings["hour_rule"] == "exact"
    charges = ws.bill(ws.replay(played.replay.sessions, setting_grid(), window=FEBRUARY), fleet(),
                      book())
    two = explore(charges, baseline=configured(fleet()), workspaces=fleet())
    assert two.answer.choice.usd_per_month == pytest.approx(
        question().answer().choice.usd_per_month)
    for more in ({"timeouts": [60]}, {"wait_minutes": 9.0}):
        with pytest.raises(InputError, match="comes too late"):
            explore(question(), **more)  # type: ignore[arg-type]  # one of the two
    with pytest.raises(InputError, match="cannot be asked"):
        explore("history")  # type: ignore[arg-type]  # on purpose


def test_odd_fleets_are_drawn_too() -> None:
    idle = ws.analyse(fleet_sessions({"ws-me": []}), workspaces(), window=FEBRUARY, prices=book())
    manual = workspaces(running_mode="MANUAL", auto_stop_minutes=None)
    nobody = explore(idle, workspaces=manual)
    assert "1 WorkSpace MANUAL or standby" in nobody.note
    assert "0 WorkSpaces" in nobody.headline and nobody.table.empty
    assert nobody.csv().count(b"\r\n") == 1 and len(nobody.figure().axes) == 2
    many = explore(idle, timeouts=range(60, 2881, 60))
    assert len(many.costs) == 51 and all(one.startswith(PNG) for one in pictures(many))
    free = explore(idle, prices=book(0, 0, 0))
    assert "Costs the same as today" in free.headline_html.value
    free.set(timeouts=[], always_on=False)
    assert free.costs["option"].tolist() == ["today", "each its own"]


def test_who_is_left_out_is_said_without_a_warning() -> None:
    history = sample()
    one = explore(history)
    left = int((~billable(history.workspaces)).sum())
    unpriced = one.answer.frontier.unpriced
    assert left and unpriced
    for shown in (one.note_html.value, one.static_html(), one.static_text()):
        assert f"{left} WorkSpaces MANUAL or standby: no hours, not simulated" in shown
        assert f"{counted(unpriced, 'WorkSpace')} without a known price" in shown
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of analyse
        played = ws.analyse(ws.find_sessions(history), history.workspaces, window=history.window,
                            prices=ws.load_prices())
        made = what_if(played)
    told = f" · {left} WorkSpaces MANUAL or standby: no hours, not simulated"
    assert explore(played).note.endswith(told)
    assert made.ground.not_billed == made.answer().not_billed == left
    assert made.answer(discount=0.1).note.endswith(told)
    assert explore(made).note == explore(played).note  # it was made before, and knows as much
    charged = explore(played.charges, workspaces=history.workspaces, window=played.window)
    assert charged.note.endswith(told)
    assert "MANUAL" not in explore(played.charges, window=played.window).note
    assert "MANUAL" not in explorer().note


def test_no_garbage_is_looked_for_while_pictures_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    one, was, seen = explorer(), gc.isenabled(), []
    monkeypatch.setattr(answers.plot, "what_if_pictures",
                        lambda _: seen.append(gc.isenabled()) or (PNG * 9, PNG * 9))
    gc.enable()
    try:
        one.set(discount=0.2)
        assert seen == [False] and gc.isenabled()
        gc.disable()
        one.set(discount=0.3)
        assert seen == [False, False] and not gc.isenabled()
        gc.enable()
        with pytest.raises(ZeroDivisionError), collecting_later():
            1 / 0  # noqa: B018  # on purpose
        assert gc.isenabled()
    finally:
        (gc.enable if was else gc.disable)()
