"""Plots as data: what stands in the Axes, whatever the fleet's size and whatever its names."""

from __future__ import annotations

import random
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Text

import wsanalytics as ws
from tests.helpers.build import fleet_sessions, sample, window
from tests.plot.drawings import (
    HOSTILE,
    SETTINGS,
    Frame,
    bills,
    comparison,
    drawn,
    groups,
    monthly,
    months,
    rates,
    texts,
    ticks,
    verified,
)
from wsanalytics import plot
from wsanalytics.calendars import Zones
from wsanalytics.plot.label_placement import label_marks, mark_boxes
from wsanalytics.plot.style import BLUE, NOTHING_TO_SHOW, VERMILION
from wsanalytics.report.figures import pictures


def bars(ax: Axes, sort: int = 0) -> list[float]:
    """The widths of the bars of one kind."""
    return [round(float(bar.get_width()), 6) for bar in ax.containers[sort]]


def test_what_each_setting_costs_one_workspace() -> None:
    one = comparison(1)
    one.loc[1:, "hourly_usd_per_month"] = [12.0, 15.0]
    one.loc[1:, "usd_per_month"] = [22.0, 25.0]
    one.loc[1:, "saving_usd_per_month"] = [18.0, 15.0]
    one.loc[1:, "saving_low_usd"], one.loc[1:, "saving_high_usd"] = [10.0, 15.0], [20.0, 15.0]
    ax = drawn(plot.cost_by_setting, one, proposed="AUTO_STOP:60")
    assert bars(ax, 0) == [40.0, 10.0, 10.0]
    assert bars(ax, 1) == [0.0, 12.0, 15.0]
    assert ticks(ax) == ["ALWAYS_ON (today)", "AUTO_STOP:60 (proposed)", "AUTO_STOP:120"]
    assert texts(ax) == [
        "$40.00 · 0 cold starts a week",
        "$22.00 · saves $18.00 ($10.00 to $20.00) · 3 cold starts a week",
        "$25.00 · saves $15.00 · 3 cold starts a week"]
    assert not any(text.get_window_extent().x1 > ax.figure.bbox.x1 for text in ax.texts)
    line = next(line for line in ax.lines if line.get_label().startswith("ALWAYS_ON"))
    assert list(line.get_xdata()) == [40.0, 40.0]


@pytest.mark.parametrize(("saving", "low", "high", "words"), [
    (-3.1, -5.0, 0.5, "costs $3.10 more (-$0.50 to $5.00)"),
    (-3.1, -3.1, -3.1, "costs $3.10 more"), (0.0, 0.0, 0.0, "costs the same"),
    (0.0, -1.0, 2.0, "saves $0.00 (-$1.00 to $2.00)"), (5.0, np.nan, np.nan, "saves $5.00")])
def test_what_a_setting_saves_in_words(saving: float, low: float, high: float, words: str) -> None:
    one = comparison(1)
    one.loc[2, ["saving_usd_per_month", "saving_low_usd", "saving_high_usd"]] = saving, low, high
    told = texts(drawn(plot.cost_by_setting, one))[2]
    assert told.split(" · ")[1] == words


@pytest.mark.parametrize("count", [3, 9])
def test_words_beside_bars_are_not_cut_and_touch_none(count: int) -> None:
    one = comparison(1).iloc[[0] + [1] * (count - 1)].assign(
        setting=["ALWAYS_ON", *(f"AUTO_STOP:{60 * place}" for place in range(1, count))],
        usd_per_month=1234.56, saving_usd_per_month=-1000.0, saving_low_usd=-2345.67,
        saving_high_usd=1234.56, cold_starts_per_week=12.3)
    figure, ax = plt.subplots(figsize=(7.4, 1.3 + 0.36 * count), layout="constrained")
    plot.cost_by_setting(one, ax, proposed="AUTO_STOP:120")
    figure.canvas.draw()
    end = max(bar.get_window_extent().x1 for bar in ax.patches)
    for text in ax.texts:
        assert text.get_window_extent().x0 > end
        assert text.get_window_extent().x1 <= figure.bbox.x1


def test_settings_without_a_price_say_so() -> None:
    one = comparison(1)
    one.loc[2, ["usd_per_month", "hourly_usd_per_month", "saving_usd_per_month", "saving_low_usd",
                "saving_high_usd"]] = np.nan
    assert texts(drawn(plot.cost_by_setting, one))[2] == "no price · 3 cold starts a week"
    one[["usd_per_month", "hourly_usd_per_month"]] = np.nan
    assert texts(drawn(plot.cost_by_setting, one)) == [NOTHING_TO_SHOW]


def test_where_the_two_modes_meet() -> None:
    ax = drawn(plot.break_even_lines, rates(), own_hours=90)
    flat, auto, meet, own = ax.lines
    assert list(flat.get_ydata()) == [40.0, 40.0]
    assert list(auto.get_xydata().ravel()) == [0.0, 10.0, 120.0, 70.0]
    assert list(meet.get_xydata().ravel()) == [60.0, 40.0]
    assert list(own.get_xydata().ravel()) == [90.0, 55.0]
    assert texts(ax) == ["60 h: both cost $40.00"]
    assert texts(drawn(plot.break_even_lines, rates(hourly_usd=np.nan))) == [NOTHING_TO_SHOW]
    assert texts(drawn(plot.break_even_lines, rates()[:0])) == [NOTHING_TO_SHOW]
    never = drawn(plot.break_even_lines, rates(hourly_usd=0.0, break_even_hours=np.inf))
    assert texts(never) == []


def test_the_dearest_groups_by_name_and_the_others_together() -> None:
    ax = drawn(plot.cost_by_group, groups(20))
    assert ticks(ax)[0] == "d-0 (2)" and ticks(ax)[-1] == "8 others (16)"
    assert bars(ax, 0) == [*np.arange(20.0, 8, -1), 36.0]
    assert bars(ax, 1)[-1] == 18.0
    assert texts(ax)[0] == "$20, saves $10"
    assert "40 WorkSpaces" in ax.get_xlabel()
    left_out = groups(2).assign(unpriced=[1, 2])
    assert "3 WorkSpaces without a price left out" in drawn(
        plot.cost_by_group, left_out).get_xlabel().replace("\n", " ")


def test_months_that_were_not_seen_to_their_end_say_so() -> None:
    ax = drawn(plot.cost_by_month, months(3).assign(covered=[1.0, 1.0, 0.5]))
    assert [bar.get_height() for bar in ax.containers[1]] == [12.5, 12.5, 12.5]
    assert [bar.get_y() for bar in ax.containers[1]] == [30.0, 30.0, 30.0]
    assert texts(ax) == ["$43", "$43", "$43", "50 %\nof it"]
    assert len(drawn(plot.cost_by_month, months(60)).get_xticks()) == 12


def test_a_lane_for_each_bundle_with_its_break_even() -> None:
    frame = pd.DataFrame({
        "workspace_id": list("abcd"), "compute_type": ["STANDARD"] * 3 + ["VALUE"],
        "baseline": "ALWAYS_ON", "billed_hours_per_month": [10.0, 30.0, 100.0, np.nan],
        "break_even_hours": [60.0, 60.0, 60.0, 90.0]})
    ax = drawn(plot.hours_by_bundle, frame)
    assert ticks(ax) == ["STANDARD (3)"]
    under, over = ax.containers[:2]
    assert [bar.get_x() for bar in under] == [0.0, 24.0]
    assert [bar.get_x() for bar in over] == [96.0]
    assert to_hex(under[0].get_facecolor()) == BLUE
    assert texts(ax) == [" 60 h"]
    many = drawn(plot.hours_by_bundle, monthly(60))
    assert len(ticks(many)) == 9 and ticks(many)[-1] == "2 others (12)"


def test_many_workspaces_become_a_panel_a_setting() -> None:
    ax = drawn(plot.saving_against_waiting, comparison(60_000))
    assert [panel.get_title(loc="left") for panel in ax.child_axes] == SETTINGS[1:]
    cells = [panel.collections[0].get_array() for panel in ax.child_axes]
    assert [int(np.ma.filled(values, 0).sum()) > 59_000 for values in cells] == [True, True]
    few = drawn(plot.saving_against_waiting, comparison(6))
    assert [len(part.get_offsets()) for part in few.collections] == [6, 6]
    assert "6 WorkSpaces" in few.get_xlabel()


def test_savings_without_a_price_are_left_out() -> None:
    frame = comparison(3)
    frame.loc[:2, "saving_usd_per_month"] = np.nan
    ax = drawn(plot.saving_against_waiting, frame)
    assert [len(part.get_offsets()) for part in ax.collections] == [2, 2]
    assert "2 WorkSpaces" in ax.get_xlabel()
    frame["saving_usd_per_month"] = np.nan
    assert texts(drawn(plot.saving_against_waiting, frame)) == [NOTHING_TO_SHOW]


def test_bills_against_predictions() -> None:
    frame = bills(4).assign(is_close=[True, True, False, True])
    frame.loc[3, "billed_usd"] = np.nan
    ax = drawn(plot.predicted_against_billed, frame)
    close, off = ax.collections
    assert close.get_label() == "close (2)" and off.get_label() == "off (1)"
    assert close.get_offsets()[0].tolist() == [5.0, 5.1]
    assert to_hex(off.get_facecolor()[0]) == VERMILION
    assert "3 WorkSpaces" in ax.get_xlabel()
    dense = drawn(plot.predicted_against_billed, bills(60_000))
    assert len(dense.collections[0].get_offsets()) < 200
    assert "the largest marks stand for" in dense.get_xlabel().replace("\n", " ")


def test_savings_against_promises() -> None:
    frame = verified(5)
    frame["verdict"] = ["as promised", "better", "less", "wrong", "too early"]
    frame.loc[4, ["promised_usd", "realised_usd"]] = np.nan
    ax = drawn(plot.promised_against_realised, frame)
    labels = [part.get_label() for part in ax.collections if part.get_label()[0] != "_"]
    assert labels == ["as promised (1)", "better (1)", "less (1)", "wrong (1)"]
    assert "4 changes · 1 change not judged" in ax.get_xlabel().replace("\n", " ")
    none = drawn(plot.promised_against_realised, frame[4:])
    assert texts(none) == [NOTHING_TO_SHOW] and "1 change not judged" in none.get_xlabel()


def stretch() -> tuple[Frame, Frame, Frame]:
    """Two days of ws-1 under two settings; on the second it found the shorter one stopped."""
    used = fleet_sessions({"ws-1": [("2026-10-24 08:00", "2026-10-24 10:00"),
                                    ("2026-10-25 08:00", "2026-10-25 09:00")]})
    names = pd.CategoricalDtype(["AUTO_STOP:60", "AUTO_STOP:1440"], ordered=True)
    starts = pd.to_datetime(["2026-10-24 08:00", "2026-10-25 08:00", "2026-10-24 08:00"], utc=True)
    ends = pd.to_datetime(["2026-10-24 11:00", "2026-10-25 10:00", "2026-10-26 09:00"], utc=True)
    runs = pd.DataFrame({"setting": ["AUTO_STOP:60"] * 2 + ["AUTO_STOP:1440"],
                         "workspace_id": "ws-1", "started_at": starts, "stopped_at": ends})
    cold = pd.DataFrame({"setting": ["AUTO_STOP:60"], "workspace_id": "ws-1",
                         "connected_at": starts[1:2]})
    return used, runs.astype({"setting": names}), cold.astype({"setting": names})


def test_the_timeline_of_one_workspace_on_its_clock() -> None:
    used, runs, cold = stretch()
    ax = plot.workspace_timeline(used, runs, "ws-1", cold_starts=cold, zone="Europe/Berlin",
                                 window=window("2026-10-23", "2026-10-28"))
    ax.figure.canvas.draw()
    assert ticks(ax) == ["connected", "AUTO_STOP:60", "AUTO_STOP:1440"]
    lanes = [part for part in ax.collections if len(part.get_paths())]
    assert [len(lane.get_paths()) for lane in lanes] == [2, 2, 1]
    (wait,) = [line for line in ax.lines if line.get_marker() == "v"]
    day = np.datetime64("2026-10-25T08:00").astype("datetime64[us]").astype(float) / 86_400e6
    assert wait.get_xdata().tolist() == [day] and 0.5 < wait.get_ydata()[0] < 1
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "Sat\n24\nOct", "Sun\n25", "Mon\n26", "Tue\n27", "Wed\n28"]
    midnights = np.diff(ax.get_xticks()) * 24
    assert midnights.round(6).tolist() == [24.0, 25.0, 24.0, 24.0]  # the clock was put back
    assert "2026, clock of Europe/Berlin" in ax.get_xlabel()


def test_the_timeline_shows_what_is_proposed_first() -> None:
    used, runs, cold = stretch()
    ax = plot.workspace_timeline(used, runs, "ws-1", cold_starts=cold, proposed="AUTO_STOP:1440",
                                 present="AUTO_STOP:60")
    assert ticks(ax) == ["connected", "AUTO_STOP:1440 (proposed)", "AUTO_STOP:60 (today)"]
    lanes = [part for part in ax.collections if len(part.get_paths())]
    assert [len(lane.get_paths()) for lane in lanes] == [2, 1, 2]
    (wait,) = [line for line in ax.lines if line.get_marker() == "v"]
    assert 1.5 < wait.get_ydata()[0] < 2  # above the lane of its own setting
    other = plot.workspace_timeline(used, runs, "ws-1", present="AUTO_STOP:1440")
    assert ticks(other)[1:] == ["AUTO_STOP:1440 (today)", "AUTO_STOP:60"]


def test_points_that_are_proposed_stand_out() -> None:
    rows = comparison(6)
    other = rows[rows["setting"].astype("str") != rows["baseline"]]
    proposed = other.drop_duplicates("workspace_id").set_index("workspace_id")["setting"].astype(
        "str")[:3]
    ax = drawn(plot.saving_against_waiting, rows, proposed=proposed)
    rings, *points = ax.collections
    assert rings.get_label() == "proposed" and len(rings.get_offsets()) == 3
    alphas = {alpha: sum(len(part.get_offsets()) for part in points if part.get_alpha() == alpha)
              for alpha in (0.3, 0.65)}
    assert alphas == {0.3: len(other) - 3, 0.65: 3}


def test_a_timeline_without_anything_and_one_of_months() -> None:
    used, runs, cold = stretch()
    ax = plot.workspace_timeline(used[:0], runs[:0], "ws-1", cold_starts=cold[:0])
    assert texts(ax) == [NOTHING_TO_SHOW]
    long = plot.workspace_timeline(used, runs, "ws-1", window=window("2026-09-01", "2027-02-01"))
    long.figure.canvas.draw()
    assert "2026 to 2027, clock of UTC" in long.get_xlabel()
    assert len(long.get_xticks()) < 12
    other = plot.workspace_timeline(used, runs, HOSTILE)
    assert texts(other) == [NOTHING_TO_SHOW]


def test_the_week_says_whose_clock_it_tells() -> None:
    week = pd.DataFrame(np.zeros((7, 24)), index=list("abcdefg"), columns=range(24))
    ax = drawn(plot.week_heat_map, week, zone="local time (Europe/Berlin and 2 more)")
    assert ax.get_xlabel() == "hour of the day, local time (Europe/Berlin and 2 more)"
    assert ax.images[0].get_clim() == (0.0, 1.0)  # nobody is connected at any time
    one = drawn(plot.week_heat_map, week.assign(**{"0": 0.5}), of_one=True)
    assert one.figure.axes[1].get_ylabel() == "share of the hour"
    assert one.figure.axes[1].get_yticklabels()[-1].get_text().endswith(" %")
    assert ax.figure.axes[1].get_ylabel() == "WorkSpaces (mean)"


def test_plots_of_policies_without_any() -> None:
    totals = pd.DataFrame({"policy": [], "regret_usd": [], "workspaces": []})
    assert texts(plot.regret_by_policy(totals)) == [NOTHING_TO_SHOW]
    monthly_regret = pd.DataFrame({"policy": [], "month": [], "regret_usd": []})
    assert texts(plot.regret_over_time(monthly_regret)) == [NOTHING_TO_SHOW]
    fear = pd.DataFrame({"chance_of_loss": [], "lost": [], "decisions": []})
    assert texts(plot.calibration(fear)) == [NOTHING_TO_SHOW]


def test_labels_of_a_calibration_and_hostile_policies() -> None:
    fear = pd.DataFrame({"chance_of_loss": [0.0, 0.02, 0.5], "lost": [0.0, 0.01, 0.6],
                         "decisions": [1200, 30, 4]})
    ax = drawn(plot.calibration, fear)
    assert texts(ax) == ["1,200", "30", "4"]
    (bubbles,) = ax.collections
    across = np.sqrt(bubbles.get_sizes().max()) / 72 * ax.figure.dpi
    (middle, _), *_ = ax.transData.transform(bubbles.get_offsets())
    assert Text.get_window_extent(ax.texts[0]).x0 > middle + across / 2 + 2
    totals = pd.DataFrame({"policy": [HOSTILE, "$a$$"], "regret_usd": [10.0, 20.0],
                           "workspaces": 3})
    assert ticks(drawn(plot.regret_by_policy, totals))[0] == "$a$$"
    regret = pd.DataFrame({"policy": [HOSTILE], "month": ["2026-10"], "regret_usd": [1.0]})
    drawn(plot.regret_over_time, regret)


def test_a_label_stands_by_its_own_mark_or_is_joined_to_it() -> None:
    draw = random.Random(7)
    for _ in range(20):
        _, ax = plt.subplots(figsize=(5, 3))
        marks = [(draw.random(), draw.random(), f"AUTO_STOP:{60 * place}") for place in range(6)]
        label_marks(ax, marks, size=8, colour="k", taken=mark_boxes(ax, [m[:2] for m in marks]))
        ax.figure.canvas.draw()
        places = ax.transData.transform([mark[:2] for mark in marks])
        for own, label in enumerate(ax.texts):
            box = Text.get_window_extent(label)  # of an Annotation it holds its line, too
            away = np.clip(places, (box.x0, box.y0), (box.x1, box.y1)) - places
            assert np.hypot(*away.T).argmin() == own or label.arrow_patch is not None


def test_the_largest_marks_of_many_promises_are_changes() -> None:
    ax = drawn(plot.promised_against_realised, verified(60_000))
    told = ax.get_xlabel().replace("\n", " ")
    assert "changes" in told.partition("the largest marks stand for")[2]
    assert "WorkSpace" not in told


def test_the_report_shows_the_fleet_by_its_parts_and_on_its_clocks() -> None:
    history = sample()
    fleet = history.workspaces[history.workspaces["region"] == "us-east-1"]
    sessions = ws.find_sessions(history)
    sessions = sessions[sessions["workspace_id"].isin(fleet["workspace_id"])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # some are not simulated, some have no price
        found = ws.analyse(sessions, fleet, window=history.window, prices=ws.load_prices())
        shown_ones = pictures(found, Zones.of("America/New_York", ()))
    told = [picture.alt.partition(":")[0] for picture in shown_ones]
    assert told == ["Bars", "Bars", "Timeline", "Scatter", "Histogram", "Histograms", "Bars",
                    "Heat map"]  # what is proposed comes first
    assert shown_ones[7].alt.endswith("America/New_York.")
