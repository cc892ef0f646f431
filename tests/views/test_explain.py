"""One WorkSpace in words: its use, its costs, the advice; whatever state it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsanalytics as ws
from tests.helpers.build import at, fleet_sessions, sessions, window
from tests.helpers.strategies import MINUTE, lives, windows
from wsanalytics.calendars import Zones
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.history.checks import check_workspaces
from wsanalytics.history.store import Store
from wsanalytics.prices.book import load_prices
from wsanalytics.recommendations.analysis import Analysis, Limits, analyse
from wsanalytics.sessions.usage import Usage, usage_of
from wsanalytics.timeline import Window
from wsanalytics.views.explain import WIDTH, explain
from wsanalytics.views.which import workspace_meant

NOW = at("2026-03-10 12:00")
WHEN = window("2026-01-01", "2026-03-01")
HOSTILE = "<script>x</script>\x1b[31m\u202e, Jane"


def daily(first: str, count: int, *spans: tuple[float, float], workdays: bool = False) -> list[Any]:
    """Sessions on *count* days from *first* on, each between two hours of the day."""
    days = [at(first) + timedelta(days=n) for n in range(count)]
    return [(day + timedelta(hours=start), day + timedelta(hours=end)) for day in days
            for start, end in spans if day.weekday() < 5 or not workdays]


BY_ID = {
    "ws-office0001": daily("2026-01-01", 59, (8, 12), (13, 16.5), workdays=True),
    "ws-rarely0001": daily("2026-01-05", 3, (9, 10)),
    "ws-always0001": daily("2026-01-01", 59, (0, 23.9)),
    "ws-gone000001": daily("2026-01-01", 20, (9, 17)),
    "ws-late000001": daily("2026-02-20", 9, (9, 17)),
    "ws-manual0001": daily("2026-01-05", 20, (9, 17)),
    "ws-strange001": daily("2026-01-01", 59, (9, 11)),
    "ws-evil000001": daily("2026-01-01", 59, (9, 11)),
}
ROWS: dict[str, dict[str, Any]] = {
    "ws-office0001": {"auto_stop_minutes": 240, "user_name": "ada.office"},
    "ws-rarely0001": {"running_mode": "ALWAYS_ON", "user_name": "bob.rarely"},
    "ws-always0001": {"user_name": "cy.always"},
    "ws-never00001": {"running_mode": "ALWAYS_ON", "user_name": "dee.never"},
    "ws-gone000001": {"terminated_at": "2026-01-21T12:00:00Z"},
    "ws-late000001": {"created_at": "2026-02-19T15:30:00Z"},
    "ws-manual0001": {"running_mode": "MANUAL"},
    "ws-standby001": {"standby": True},
    "ws-strange001": {"region": "mars-north-1"},
    "ws-evil000001": {"user_name": HOSTILE, "computer_name": "=cmd()", "bundle_id": "wsb-\x07"},
}


def fleet_rows() -> pd.DataFrame:
    base = {"region": "us-east-1", "compute_type": "STANDARD", "running_mode": "AUTO_STOP"}
    rows = [{"workspace_id": name} | base | more for name, more in ROWS.items()]
    for row in rows:
        if row["running_mode"] == "AUTO_STOP":
            row.setdefault("auto_stop_minutes", 60)
    return pd.DataFrame(rows).astype({"auto_stop_minutes": "Int64"})


def analysed(**more: Any) -> Analysis:
    options: dict[str, Any] = {"window": WHEN, "prices": load_prices(), "now": NOW}
    return analyse(fleet_sessions(BY_ID), check_workspaces(fleet_rows()), **(options | more))


@pytest.fixture(scope="module")
def fleet() -> Iterator[Analysis]:
    with pytest.warns(UserWarning, match="WorkSpace"):
        yield analysed()


def rows_of(analysis: Analysis, name: str, **more: Any) -> dict[str, str]:
    """The labelled rows of an explanation."""
    told = explain(analysis, name, **more)
    return {label: text for section in told.sections for label, text in section.rows if label}


def sentences(analysis: Analysis, name: str) -> str:
    told = explain(analysis, name)
    return " ".join(text for section in told.sections for label, text in section.rows if not label)


# the words


def test_a_change_is_explained(fleet: Analysis) -> None:
    told = explain(fleet, "ws-office0001")
    rows = rows_of(fleet, "ws-office0001")
    assert rows["user"] == "ada.office" and rows["where"] == "us-east-1"
    assert rows["bundle"] == "STANDARD, WINDOWS (licence included), 80 GiB root, 50 GiB user"
    assert rows["present setting"].startswith("AUTO_STOP:240 (paid by the hour, stops 240 minutes")
    assert rows["observed"] == "2026-01-01 to 2026-03-01 UTC, 59 days"
    assert rows["sessions"] == "84, on 42 of 59 days"
    assert rows["connected"] == "37 h a week"  # 42 days of 7.5 hours in 59 days
    assert rows["usual days"] == "Mon-Fri"
    assert rows["usual hours"] == "03:00 to 07:00, 08:00 to 12:00 America/New_York"
    assert rows["longest absence"] == "2.6 days, 2026-01-02 16:30 to 2026-01-05 08:00 UTC"
    assert rows["last connected"] == "2026-02-27 16:30 UTC"
    assert "$35.00" in rows["prices"] and "$9.75 and $0.30 a billed hour" in rows["prices"]
    row = fleet.plan.recommendations.set_index("workspace_id").loc["ws-office0001"]
    assert row["to_setting"] == "ALWAYS_ON"
    assert rows["why"] == row["reason"] and rows["checked"] == row["checked"]
    saves = f"${row['saving_usd_per_month']:,.2f} a month"
    assert rows["saves"].startswith(f"{saves} (80 % interval: $")
    assert rows["chance of a loss"] == "0 %, until the end of the next month"
    assert rows["cold starts"] == "0 a week, 5 fewer than now"
    assert rows["best date"] == f"{row['best_date']} (UTC)"
    assert rows["break-even"].startswith("84 h billed a month: over it ALWAYS_ON is cheaper")
    assert told.summary == f"change it from AUTO_STOP:240 to ALWAYS_ON, which saves {saves}"
    # 21 working days a month, 08:00-13:00 and 13:00-18:00: ten clock hours a day
    assert rows["its own hours"] == "210 h a month, as AUTO_STOP:60 would bill: 126 h over it"


def test_the_table_is_the_comparison(fleet: Analysis) -> None:
    table = explain(fleet, "ws-office0001").table
    assert table["setting"].tolist() == [
        "ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:240"]
    assert table["note"].tolist() == ["proposed", "", "", "present"]
    compared = fleet.comparison[fleet.comparison["workspace_id"] == "ws-office0001"]
    for one in table.to_dict("records"):
        same = compared[compared["setting"] == one["setting"]].iloc[0]
        for name in ("usd_per_month", "billed_hours_per_month", "cold_starts_per_week"):
            assert one[name] == same[name]


def test_a_change_that_waits_for_the_months_end(fleet: Analysis) -> None:
    rows = rows_of(fleet, "ws-rarely0001")
    assert rows["best date"] == (
        "2026-03-31; begun by 2026-03-31 21:59 UTC, before the month turns and the flat fee is "
        "owed once more")
    assert rows["usual days"] == "none: on no weekday more often than not"
    assert rows["usual hours"] == "04:00 to 05:00 America/New_York"
    assert rows["longest absence"].startswith("52.6 days, 2026-01-07 10:00 to 2026-03-01")
    assert "under it" in rows["its own hours"]


def test_what_is_never_left(fleet: Analysis) -> None:
    rows = rows_of(fleet, "ws-always0001")
    assert (rows["usual days"], rows["usual hours"]) == ("Mon-Sun", "around the clock")
    assert rows["longest absence"] == "under 0.1 h, 2026-01-01 23:54 to 2026-01-02 UTC" or (
        rows["longest absence"].startswith("0.1 h, "))


def test_what_was_never_used(fleet: Analysis) -> None:
    rows = rows_of(fleet, "ws-never00001")
    assert rows["sessions"] == "none: nobody connected in these days"
    assert not {"connected", "usual hours", "longest absence", "last connected"} & rows.keys()
    assert rows["why"].startswith("Nobody connected in 59 days")
    assert rows["its own hours"].startswith("0 h a month")


def test_what_was_terminated(fleet: Analysis) -> None:
    rows = rows_of(fleet, "ws-gone000001")
    assert rows["state"] == "terminated 2026-01-21 12:00 UTC"
    assert rows["observed"] == "2026-01-01 to 2026-01-21 12:00 UTC, 20.5 days"
    assert rows["sessions"] == "20, on 20 of 20 days"
    assert rows["why"] == "It was terminated on 2026-01-21."
    assert "Nothing: it is gone." in sentences(fleet, "ws-gone000001")


def test_what_was_created_late(fleet: Analysis) -> None:
    rows = rows_of(fleet, "ws-late000001")
    assert rows["state"] == "AVAILABLE; created 2026-02-19 15:30 UTC"
    assert rows["observed"] == "2026-02-19 15:30 to 2026-03-01 UTC, 10 days"
    assert rows["why"].startswith("Expected to bill 217 h a month, over the break-even of 84 h")
    assert ("More days: only 10 days of it were observed, so the forecast leans on what others do."
            in sentences(fleet, "ws-late000001"))


def test_what_was_created_later_or_gone_before() -> None:
    for column, instant, told in (
            ("created_at", "2026-03-05T00:00:00Z", "Days in which it exists"),
            ("terminated_at", "2025-12-05T00:00:00Z", "Nothing: it is gone.")):
        rows = fleet_rows()
        rows[column] = rows[column].mask(rows["workspace_id"] == "ws-never00001", instant)
        with pytest.warns(UserWarning, match="WorkSpace"):
            analysis = analyse(fleet_sessions(BY_ID), check_workspaces(rows), window=WHEN,
                               prices=load_prices(), now=NOW)
        assert explain(analysis, "ws-never00001").table.empty
        said = sentences(analysis, "ws-never00001")
        assert "It did not exist in these days." in said and told in said
        assert "price" not in said


@pytest.mark.parametrize(("name", "setting", "why"), [
    ("ws-manual0001", "MANUAL", "Its running mode MANUAL is not simulated."),
    ("ws-standby001", "AUTO_STOP:60", "It is a standby WorkSpace, which is not simulated.")])
def test_what_is_not_simulated(fleet: Analysis, name: str, setting: str, why: str) -> None:
    rows = rows_of(fleet, name)
    assert (rows["present setting"], rows["why"]) == (setting, why)
    assert explain(fleet, name).table.empty
    assert "It is not simulated, so its cost is not known." in sentences(fleet, name)
    assert rows["sessions"].startswith("20, on 20" if "manual" in name else "none")


def test_what_has_no_price(fleet: Analysis) -> None:
    told = explain(fleet, "ws-strange001")
    assert told.table["usd_per_month"].isna().all()
    assert told.table["billed_hours_per_month"].tolist()[1] > 0
    assert "No price is known for it" in sentences(fleet, "ws-strange001")
    assert "prices refresh" in sentences(fleet, "ws-strange001")
    assert "break-even" not in rows_of(fleet, "ws-strange001")
    assert re.search(r"AUTO_STOP:60 +– +\d", str(told))


def test_days_in_which_nobody_looked() -> None:
    gaps = pd.DataFrame({
        "workspace_id": ["ws-office0001", "ws-office0001", "ws-rarely0001"],
        "from_at": pd.to_datetime(["2026-01-24", "2026-02-07", "2026-01-08"], utc=True),
        "to_at": pd.to_datetime(["2026-01-26", "2026-02-08", "2026-02-05"], utc=True)})
    with pytest.warns(UserWarning, match="WorkSpace"):
        analysis = analysed(gaps=gaps)
    rows = rows_of(analysis, "ws-office0001")
    assert rows["observed"] == "2026-01-01 to 2026-03-01 UTC, 56 days; nobody looked for 3 more"
    assert rows["sessions"] == "84, on 42 of 56 days"
    rows = rows_of(analysis, "ws-rarely0001")
    assert rows["longest absence"] == (
        "52.6 days, 2026-01-07 10:00 to 2026-03-01 UTC (nobody looked for 28 days of it)")
    assert rows["why"].startswith("Observed on 31 of 59 days only")


def test_why_something_is_left_alone_is_what_would_change_it() -> None:
    limits = Limits(max_cold_starts_per_week=0, min_saving_usd=1000)
    with pytest.warns(UserWarning, match="WorkSpace"):
        held = analysed(limits=limits)
    told = sentences(held, "ws-office0001")
    assert "Less than $1,000.00 a month as the least saving worth a change." in told
    with pytest.warns(UserWarning, match="WorkSpace"):
        held = analysed(limits=Limits(max_cold_starts_per_week=0))
    assert "Another limit than 0 cold starts a week." in sentences(held, "ws-rarely0001")


def test_hours_of_the_day_on_another_clock(fleet: Analysis) -> None:
    tokyo = rows_of(fleet, "ws-office0001", zones=Zones.of("Asia/Tokyo", ()))
    assert tokyo["usual hours"] == "17:00 to 21:00, 22:00 to 02:00 Asia/Tokyo"
    assert tokyo["usual days"] == "Mon-Sat"  # Saturday's first hours
    assert tokyo["last connected"].endswith("UTC")


def test_hostile_names_are_text(fleet: Analysis) -> None:
    told = explain(fleet, "ws-evil000001")
    assert not set("\x1b\x07\u202e") & set(str(told))
    page = told._repr_html_()
    assert "<script" not in page and "&lt;script&gt;" in page and "\x1b" not in page
    assert "<table>" in page and "AUTO_STOP:60" in page


def test_the_text_fits_a_ticket(fleet: Analysis) -> None:
    for name in ROWS:
        told = explain(fleet, name)
        assert max(map(len, told.lines)) <= WIDTH
        assert all(line == line.rstrip() and line.isprintable() for line in told.lines)
        assert str(told) == "\n".join(told.lines)
        assert told.lines[0] == f"WorkSpace {name}" and told.lines[1].startswith("In short: ")


@pytest.mark.parametrize(("asked", "meant"), [
    ("ws-ofice0001", "did you mean ws-office0001 (ada.office)?"),
    ("ada.offce", "did you mean ws-office0001 (ada.office)?"),
    ("bob.rarly", "did you mean ws-rarely0001 (bob.rarely)?"),
    ("WS-EVIL000001", "did you mean ws-evil000001 (<script>x</script>\ufffd[31m\ufffd, Jane)?"),
    ("xyz", "check the id")])
def test_an_id_that_is_not_there(fleet: Analysis, asked: str, meant: str) -> None:
    with pytest.raises(InputError, match=re.escape(meant)):
        explain(fleet, asked)


def test_the_name_of_a_user_stands_for_the_one_workspace_of_theirs(fleet: Analysis) -> None:
    assert explain(fleet, "Ada.Office").workspace_id == "ws-office0001"
    rows = pd.DataFrame({"workspace_id": ["ws-1", "ws-2", "ws-3"],
                         "user_name": ["ada", "ada", None],
                         "terminated_at": [pd.NaT, pd.Timestamp("2026-01-01", tz="UTC"), pd.NaT]})
    assert workspace_meant("ada", rows) == "ws-1"  # the other one is gone
    with pytest.raises(InputError, match="the user 'ada' has 2 WorkSpaces: ws-1, ws-2"):
        workspace_meant("ada", rows.assign(terminated_at=pd.NaT))
    with pytest.raises(InputError, match="there is no WorkSpace ''"):
        workspace_meant("", rows)


# usage


def used(*pairs: Any, when: Window = WHEN, zone: str = "UTC", **more: Any) -> Usage:
    return usage_of(sessions(*pairs), None, when, zone=ZoneInfo(zone), **more)


def test_a_night_shift_crosses_midnight() -> None:
    nights = [(day + timedelta(hours=22), day + timedelta(hours=30)) for day in (
        at("2026-01-01") + timedelta(days=n) for n in range(59))
        if day.weekday() in {0, 1, 2, 3}]
    usage = used(*nights)
    assert usage.usual_hours == "22:00 to 06:00"
    assert usage.usual_weekdays == "Mon-Fri"


def test_summer_time_moves_hours_in_utc_and_not_on_the_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    days = [datetime(2026, 3, 1, 9, tzinfo=zone) + timedelta(days=n) for n in range(60)]
    usage = used(*[(day.astimezone(UTC), (day + timedelta(hours=1)).astimezone(UTC))
                   for day in days], when=window("2026-03-01", "2026-05-01"), zone="Europe/Berlin")
    assert usage.usual_hours == "09:00 to 10:00"
    assert usage.clock_hours[9] == 1.0 and sum(usage.clock_hours) == 1.0


def test_no_hour_is_usual() -> None:
    starts = [at("2026-01-01") + timedelta(days=n, hours=n % 24) for n in range(48)]
    usage = used(*[(start, start + timedelta(minutes=30)) for start in starts])
    assert usage.usual_hours == "" and usage.likeliest_hour == ("00:00 to 01:00", 2 / 48)


def test_before_it_was_there_and_after_it_was_gone() -> None:
    usage = used(created_at=at("2026-03-05"))
    assert (usage.observed, usage.observed_days, usage.whole_days) == (None, 0, 0)
    usage = used((at("2026-02-28 20:00"), at("2026-03-02 08:00")))
    assert usage.is_connected and usage.last_at == WHEN.end and usage.hours == 4


@st.composite
def stories(draw: st.DrawFn) -> tuple[Window, list[Any], list[Any]]:
    when = draw(windows(longest_days=4))
    return when, draw(lives(when)), draw(lives(when, most=3))


@given(stories())
def test_usage_by_the_minute(story: tuple[Window, list[Any], list[Any]]) -> None:
    """Against a slow look at every single minute."""
    when, pairs, silences = story
    gaps = pd.DataFrame([("ws-me", *one) for one in silences],
                        columns=["workspace_id", "from_at", "to_at"])
    for name in ("from_at", "to_at"):
        gaps[name] = pd.to_datetime(gaps[name], utc=True)
    usage = usage_of(sessions(*pairs), gaps, when, zone=ZoneInfo("UTC"))
    minutes = [when.start + n * MINUTE for n in range(int((when.end - when.start) / MINUTE))]
    busy = [any(start <= at < end for start, end in pairs) for at in minutes]
    silent = [any(start <= at < end for start, end in silences) for at in minutes]
    assert usage.hours == pytest.approx(sum(busy) / 60)
    assert usage.unobserved_days == pytest.approx(sum(silent) / 1440)
    hours = set()
    for start, end in ((max(start, when.start), min(end, when.end)) for start, end in pairs):
        if start < end:  # all of it but five minutes at either end, or its middle
            middle = start + (end - start) / 2
            sure = [middle, *(at for at in minutes if start + 5 * MINUTE <= at < end - 5 * MINUTE)]
            hours |= {(at.date(), at.hour) for at in sure}
    days = {day for day, _ in hours}
    assert usage.used_days == len(days)
    for hour in range(24):
        share = sum(one == hour for _, one in hours) / len(days) if days else 0
        assert usage.clock_hours[hour] == pytest.approx(share)
    longest = seen = 0
    for there, unseen in zip(busy, silent, strict=True):
        seen = 0 if there else seen + (not unseen)
        longest = max(longest, seen)
    span = usage.absence[1] - usage.absence[0] if usage.absence else timedelta(0)
    assert span / MINUTE - 1440 * usage.absence_unseen_days == pytest.approx(longest)


# the command


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    fleet_rows().to_csv("workspaces.csv", index=False)
    fleet_sessions(BY_ID).to_csv("sessions.csv", index=False)
    return ["--sessions", "sessions.csv", "--workspaces", "workspaces.csv",
            "--start", "2026-01-01", "--end", "2026-03-01"]


@pytest.mark.parametrize("name", ROWS)
def test_the_command_explains_each(
    files: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", name, *files]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"WorkSpace {name}\nIn short: ")
    assert "\x1b" not in said.out and said.out.endswith("\n")
    assert not said.err or said.err.startswith("Next:  wsanalytics recommend ")
    for title in ("What it is",
                  "How it is used, 2026-01-01 to 2026-03-01 (59 days, the end excluded)",
                  "What it costs a month", "Advice", "What would change the advice"):
        assert f"\n{title}\n" in said.out


def test_the_command_says_what_the_plan_says(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recommend", *files, "--output", "plan.json"]) == 0
    plan = ws.read_plan(Path("plan.json"))
    for row in plan.changes.to_dict("records"):
        capsys.readouterr()
        assert main(["explain", row["workspace_id"], *files]) == 0
        said = capsys.readouterr().out
        assert f"saves             ${row['saving_usd_per_month']:,.2f} a month" in said.replace(
            "saves               ", "saves             ")


def test_the_command_takes_a_time_zone(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "ws-office0001", *files, "--time-zone", "America/New_York"]) == 0
    assert "03:00 to 07:00, 08:00 to 12:00 America/New_York" in capsys.readouterr().out
    assert main(["explain", "ws-office0001", *files, "--time-zone", "Berlin"]) == 2
    assert "there is no time zone 'Berlin'" in capsys.readouterr().err


def test_the_command_refuses_what_is_not_there(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for options in (files, [*files, "--workspace", "ws-office0001"]):
        assert main(["explain", "ws-ofice0001", *options]) == 2
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert "there is no WorkSpace 'ws-ofice0001'" in said.err
        assert "did you mean ws-office0001 (ada.office)?" in said.err
    assert main(["explain", "ws-rarely0001", *files, "--workspace", "ws-office0001"]) == 2
    assert "there is no WorkSpace 'ws-rarely0001'" in capsys.readouterr().err
    assert main(["explain", "ws-office0001", "--sessions", "sessions.csv"]) == 2
    assert "--workspaces is missing" in capsys.readouterr().err
    assert main(["explain", "ws-office0001", "--sessions", "sessions.csv", "--workspaces",
                 "nothing.csv"]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_the_command_reads_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.create(tmp_path / "store")
    store.add_workspaces(check_workspaces(fleet_rows()), at("2026-01-01"), "first")
    minutes = range(0, 30 * 1440, 10)
    times = pd.to_datetime([at("2026-01-01") + timedelta(minutes=n) for n in minutes], utc=True)
    store.add_samples(pd.DataFrame({
        "workspace_id": "ws-office0001", "sampled_at": times, "state": "AVAILABLE",
        "connection_state": ["CONNECTED" if 8 <= t.hour < 16 else "DISCONNECTED" for t in times],
        "last_connected_at": pd.Series([pd.NaT] * len(times), dtype="datetime64[us, UTC]"),
        "source": "sample",
    })[lambda frame: ~frame["sampled_at"].between(at("2026-01-10"), at("2026-01-12"))], "look")
    assert main(["explain", "ws-office0001", "--store", str(store.folder)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "28 days; nobody looked for 2 more" in said
    assert "03:00 to 11:00 America/New_York" in said
    assert main(["explain", "ws-never00001", "--store", str(store.folder)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "0 days; nobody looked for 30 more" in said and "Leave it as it is." in said
    assert main(["explain", "ws-nevr00001", "--store", str(store.folder)]) == 2
    assert "did you mean ws-never00001 (dee.never)" in capsys.readouterr().err
    assert main(["explain", "ws-nevr00001", "--store", str(tmp_path / "none")]) == 2
    assert "there is no store" in capsys.readouterr().err
