"""Damaged and hostile input of every kind, by a seed: files, options, answers, journals, stores.

A :class:`Bench` is a folder with one sound file of each kind. A case spoils one of them, or gives
nonsense to an option, and runs one command line in this process. Whatever comes in, a command ends
by itself with one of its exit codes and no traceback, and one that refuses has written nothing and
says so in one line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.cli.test_replacing import apply_one
from tests.helpers.build import workspaces
from tests.helpers.endpoints import answering
from tests.history.test_store import DAY, samples
from tests.prices.test_prices_refresh import ITEMS, offer_file
from tests.tables.test_bad_input import FILES
from wsanalytics.cli import main
from wsanalytics.history.store import Store

TEXTS = [
    "", " ", "NaN", "inf", "-inf", "-1", "0", "1e308", "1e309", "-1e308", "9" * 400, "x" * 3000,
    "\x00", "\x1b]0;owned\x07", "=1+1", "é\u202e", "true", "null", "[]", "{}", "--", "-", ";",
    '"', "\n", "\r", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "2026-03-02T09:00:00+99:00", "2026-03-02", "1e18", "ALWAYS_ON", "AUTO_STOP:61", "1.5", "١٢",
    "/", ".", "..", "nowhere/x.csv", "sessions.csv", "plan.json", "{" * 500, "[" * 5000, "%s%n",
    "ws-1", "2026-03-02T09:00:00Z", "us-east-1", "AUTO_STOP", "0.5", "60", "2099-12-31",
]
VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, -1e308, 10**30, 10**300, "", "x", "x" * 3000, [], {},
    [1], {"a": 1}, "NaN", "\x1b[31m", "\x00", [[[[]]]], {"running_mode": "ALWAYS_ON"},
    "2026-03-02T09:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "ws-1", 1e18, 2**63,
    "AUTO_STOP", "ALWAYS_ON", ["a", 1], {"team": ["a"]},
]
FLEET = ["--sessions", "sessions.csv", "--workspaces", "workspaces.csv", "--prices", "prices.csv",
         "--start", "2026-03-01", "--end", "2026-03-05"]
LONGEST_SECONDS = 120


class Hung(BaseException):
    """A case did not end."""


@dataclass
class Finding:
    """What was wrong with a case: which it was, what was run, and what came of it."""

    seed: int
    argv: list[str]
    what: str

    def __str__(self) -> str:
        shown = " ".join(word if len(word) < 60 else f"{word[:60]}…" for word in self.argv)
        return f"case {self.seed}: {shown!r}: {self.what}"


@dataclass
class Bench:
    """A folder with a sound file of each kind; ``run`` tries one case and puts all back."""

    folder: Path
    sound: dict[Path, bytes] = field(default_factory=dict)

    @classmethod
    def made(cls, folder: Path) -> Bench:
        """A bench in *folder*, which is also the working directory."""
        for name, text in FILES.items():
            (folder / name).write_text(text, encoding="utf-8")
        with (folder / "offer.json").open("w") as file:
            json.dump(offer_file(ITEMS), file)
        for name in ("sessions", "workspaces", "prices", "samples"):
            frame = pd.read_csv(folder / f"{name}.csv")
            for column in frame:
                if column.endswith("_at"):
                    frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
            frame.to_parquet(folder / f"{name}.parquet")
        assert quietly(["recommend", *FLEET, "--output", "plan.json"])[0] == 0
        apply_one(folder / "j.jsonl")
        store = Store.create(folder / "store")
        store.add_workspaces(workspaces("ws-a", "ws-b"), DAY, "first")
        for day in range(2):
            store.add_samples(samples(*(24 * 60 * day + step for step in range(0, 1440, 30)),
                                      name="ws-a"), "look")
        bench = cls(folder)
        bench.sound = bench.state()
        return bench

    def state(self) -> dict[Path, bytes]:
        """Every file and what is in it; folders and the like by what they are."""
        return {path: path.read_bytes() if path.is_file() and not path.is_symlink() else b"dir"
                for path in sorted(self.folder.rglob("*")) if not path.name.endswith(".lock")}

    def put_back(self) -> None:
        """Make the bench sound again."""
        os.environ["WSANALYTICS_CONFIG"] = ""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path not in self.sound and not path.name.endswith(".lock"):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for path, raw in self.sound.items():
            if raw == b"dir":
                path.mkdir(exist_ok=True)
            elif path.is_symlink() or not path.is_file() or path.read_bytes() != raw:
                path.unlink(missing_ok=True)
                path.write_bytes(raw)

    def run(self, seed: int) -> Finding | None:
        """Try the case of *seed*."""
        chance = random.Random(seed)
        argv = chance.choice(CASES)(self, chance)
        before = self.state()
        try:
            status, error, trace = quietly(argv)
            after = self.state()
        finally:
            self.put_back()
        changed = sorted(str(path) for path in {*before, *after}
                         if before.get(path) != after.get(path))
        lines = error.splitlines()
        wrongs = {
            trace: bool(trace), f"exit {status}": status not in {0, 1, 2},
            error: "Traceback" in error,
            f"not clean: {error[:300]!r}": not all(line.isprintable() for line in lines),
            f"refused, and wrote {changed}": status == 2 and bool(changed),
            f"refused in {len(lines)} lines: {error[:500]}": status == 2 and len(lines) != 1,
        }
        what = next((what for what, holds in wrongs.items() if holds), "")
        return Finding(seed, argv, what) if what else None


def kind_of(seed: int) -> Callable[[Bench, random.Random], list[str]]:
    """The kind of the case of *seed*."""
    return random.Random(seed).choice(CASES)


def quietly(argv: list[str]) -> tuple[int, str, str]:
    """Run a command line in this process: its status, what it told, and a traceback if any."""
    out, error = io.StringIO(), io.StringIO()

    def hung(*_: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(LONGEST_SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error), \
                warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            status = main(argv)
    except SystemExit as ended:
        status = int(ended.code or 0)
    except Hung:
        return -1, error.getvalue(), f"it did not end in {LONGEST_SECONDS} s"
    except Exception:  # noqa: BLE001  # that is what is looked for
        return -1, error.getvalue(), traceback.format_exc(limit=-4)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return status, error.getvalue(), ""


# What spoils a text, bytes, JSON and a Parquet file.


def spoilt_text(text: str, chance: random.Random) -> str:
    lines = text.splitlines()
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        line = chance.randrange(len(lines))
        cells = lines[line].split(",")
        match chance.randrange(8):
            case 0 | 1 | 2 | 3:
                cells[chance.randrange(len(cells))] = chance.choice(TEXTS)
            case 4:
                del cells[chance.randrange(len(cells))]
            case 5:
                cells.insert(chance.randrange(len(cells) + 1), chance.choice(TEXTS))
            case 6:
                lines.insert(line, chance.choice(lines))
                continue
            case _:
                lines[line] = lines[line][: chance.randrange(len(lines[line]) + 1)]
                continue
        lines[line] = ",".join(cells)
    return "\n".join(lines) + "\n"


def spoilt_bytes(raw: bytes, chance: random.Random) -> bytes:
    if not raw:
        return b"\x00"
    match chance.randrange(5):
        case 0:
            return raw[: chance.randrange(len(raw))]
        case 1:
            place = chance.randrange(len(raw))
            return raw[:place] + chance.randbytes(chance.choice([1, 4, 60])) + raw[place:]
        case 2:
            place = chance.randrange(len(raw))
            return raw[:place] + raw[place + chance.choice([1, 7, 100]):]
        case _:
            found = bytearray(raw)
            for _ in range(chance.choice([1, 1, 3, 20])):
                found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
            return bytes(found)


def spoilt_json(value: Any, chance: random.Random) -> Any:
    """The *value* with something else somewhere in it."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        inner = node.items() if isinstance(node, dict) else (
            enumerate(node) if isinstance(node, list) else ())
        for key, below in inner:
            places.append((node, key))
            walk(below)

    walk(value)
    if not places:
        return chance.choice(VALUES)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        node, key = chance.choice(places)
        if (key not in node) if isinstance(node, dict) else key >= len(node):
            continue  # it went with what was spoilt before
        match chance.randrange(6):
            case 0:
                if isinstance(node, dict):
                    node.pop(key, None)
            case 1:
                node[key] = [node[key]]
            case _:
                node[key] = chance.choice(VALUES)
    return value


def json_text(value: Any, chance: random.Random) -> str:
    text = json.dumps(value)
    match chance.randrange(12):
        case 0:
            return text[: chance.randrange(len(text) + 1)]
        case 1:
            return text.replace(":", f": {chance.choice(['NaN', 'Infinity', '1e999', '[' * 3000])}",
                                1)
        case 2:
            return "\ufeff" + text
        case _:
            return text


def columns_of_all_types() -> list[Callable[[int], pa.Array]]:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    return [
        lambda n: pa.array([1.5] * n), lambda n: pa.array([True] * n),
        lambda n: pa.array([b"\xff\xfe"] * n), lambda n: pa.array([["a"]] * n),
        lambda n: pa.array([{"a": 1}] * n), lambda n: pa.array([now] * n),
        lambda n: pa.array([timedelta(hours=1)] * n), lambda n: pa.array([now.date()] * n),
        lambda n: pa.array([2**53] * n, pa.timestamp("s", tz="UTC")),
        lambda n: pa.array([-(2**62)] * n, pa.timestamp("ms", tz="UTC")),
        lambda n: pa.array([None] * n), lambda n: pa.array([float("nan")] * n),
        lambda n: pa.array(["x"] * n).dictionary_encode(), lambda n: pa.array([60] * n, pa.uint8()),
        lambda n: pa.array([[("k", "v")]] * n, pa.map_(pa.string(), pa.string())),
        lambda n: pa.array([now.replace(tzinfo=None)] * n), lambda n: pa.array([1e300] * n),
        lambda n: pa.array([now.time()] * n), lambda n: pa.array([0] * n, pa.int64()),
    ]


# The cases: each spoils something of the bench and gives the command line to run.


def a_table(bench: Bench, chance: random.Random) -> list[str]:
    name = chance.choice(["sessions", "workspaces", "prices", "samples"])
    path = bench.folder / f"{name}.csv"
    if chance.random() < 0.7:
        text = spoilt_text(path.read_text(), chance)
        path.write_text(text, encoding="utf-8", newline="")
    else:
        path.write_bytes(spoilt_bytes(path.read_bytes(), chance))
    return for_table(name, "csv", chance)


def a_mild_table(bench: Bench, chance: random.Random) -> list[str]:
    """Values that could be, at their edges: what is refused nowhere has to be reckoned with."""
    name = chance.choice(["sessions", "workspaces", "prices"])
    path = bench.folder / f"{name}.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    for _ in range(chance.choice([1, 2, 3])):
        row, place = chance.choice(lines[1:]), chance.randrange(len(lines[0]))
        column = lines[0][place]
        if column.endswith("_at"):
            row[place] = chance.choice([
                "2000-01-01T00:00:00Z", "2099-12-31T23:59:59.999999Z", "2026-03-04T00:00:00Z",
                "2026-03-02T12:00:00.000001Z", "2026-03-01T00:00:00+14:00"])
        elif column.endswith(("_usd", "_gib", "_minutes")):
            row[place] = chance.choice(["0", "0.0000001", "1e6", "3", "60", "2880", "999999"])
        elif column == "running_mode":
            row[place] = chance.choice(["ALWAYS_ON", "AUTO_STOP", "MANUAL"])
        elif column == "compute_type":
            row[place] = chance.choice(["POWER", "GRAPHICS_G4DN", "STANDARD"])
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    return for_table(name, "csv", chance)


def a_parquet(bench: Bench, chance: random.Random) -> list[str]:
    name = chance.choice(["sessions", "workspaces", "prices", "samples"])
    path = bench.folder / f"{name}.parquet"
    if chance.random() < 0.3:
        path.write_bytes(spoilt_bytes(path.read_bytes(), chance))
    else:
        table = pq.read_table(path)
        place = chance.randrange(table.num_columns)
        column = chance.choice(columns_of_all_types())(len(table))
        pq.write_table(table.set_column(place, table.column_names[place], column), path)
    return for_table(name, "parquet", chance)


def for_table(name: str, kind: str, chance: random.Random) -> list[str]:
    if name == "samples":
        return ["sessions", "--samples", f"samples.{kind}", "--output", "new.csv",
                "--gaps", "g.csv"]
    fleet = [f"{name}.{kind}" if word == f"{name}.csv" else word for word in FLEET]
    if chance.random() < 0.3:
        fleet = fleet[:-4]  # the days are those of the sessions
    command = chance.choice(["simulate"] * 6 + ["recommend", "backtest"])
    more = {"simulate": ["--setting", "ALWAYS_ON", "AUTO_STOP:60"], "recommend": [],
            "backtest": ["--policy", "hold", "auto_stop:60"]}[command]
    return [command, *fleet, *more, "--output", "new.json" if command == "recommend" else "new.csv"]


OPTIONS = {
    "simulate": ["--setting", "--start", "--end", "--hour-rule", "--resume-seconds", "--discount",
                 "--network-grace-minutes", "--maintenance-hours", "--tag", "--workspace",
                 "--bundle", "--directory", "--output", "--prices", "--store", "--sessions"],
    "sessions": ["--samples", "--store", "--output", "--gaps", "--bridge-gaps"],
    "recommend": ["--setting", "--timeout", "--max-cold-starts-per-week", "--min-saving-usd",
                  "--output", "--discount", "--start", "--end"],
}


def an_option(_bench: Bench, chance: random.Random) -> list[str]:
    command = chance.choice([*OPTIONS, "simulate", "sessions"])
    argv = {"simulate": ["simulate", *FLEET, "--setting", "AUTO_STOP:60", "--output", "new.csv"],
            "sessions": ["sessions", "--samples", "samples.csv", "--output", "new.csv"],
            "recommend": ["recommend", *FLEET, "--output", "new.json"]}[command]
    for _ in range(chance.choice([1, 1, 2])):
        option, value = chance.choice(OPTIONS[command]), chance.choice(TEXTS)
        if chance.random() < 0.5:
            argv.append(f"{option}={value}")
        else:
            argv += [option, value]
    return argv


def a_plan(bench: Bench, chance: random.Random) -> list[str]:
    path = bench.folder / "plan.json"
    path.write_text(json_text(spoilt_json(json.loads(path.read_text()), chance), chance))
    return chance.choice([
        ["plan", "check", "plan.json"], ["plan", "show", "plan.json"],
        ["plan", "diff", "plan.json"], ["plan", "show", "plan.json", "--output", "view.csv"],
        ["plan", "show", "plan.json", "--output", "view.xlsx"],
        ["recommend", *FLEET, "--output", "plan.json"],
    ])


def a_journal(bench: Bench, chance: random.Random) -> list[str]:
    path = bench.folder / "j.jsonl"
    lines = path.read_text().splitlines()
    if chance.random() < 0.25:
        path.write_bytes(spoilt_bytes(path.read_bytes(), chance))
    else:
        place = chance.randrange(len(lines))
        lines[place] = json_text(spoilt_json(json.loads(lines[place]), chance), chance)
        path.write_text("\n".join(lines) + "\n")
    return chance.choice([["verify", "j.jsonl", "--store", "store", "--days", "1"],
                          ["undo", "j.jsonl"]])


def a_store(bench: Bench, chance: random.Random) -> list[str]:
    path = chance.choice([path for path in bench.sound if "store" in path.parts[-4:]
                          and bench.sound[path] != b"dir" and path.name != "j.jsonl"])
    match chance.randrange(8):
        case 0:
            path.unlink()
        case 1:
            path.rename(path.with_name(chance.choice(["x.parquet", "day.parquet", "y", ".z"])))
        case 2:
            shutil.copy(bench.folder / chance.choice(["samples.parquet", "prices.parquet"]), path)
        case 3:
            os.mkfifo(path.parent / "pipe.parquet")
        case 4:
            (path.parent / chance.choice(["z.parquet", "day=2026-13-01"])).symlink_to("nowhere")
        case _:
            path.write_bytes(spoilt_bytes(path.read_bytes(), chance))
    return chance.choice([
        ["store", "info", "--store", "store"], ["store", "check", "--store", "store"],
        ["sessions", "--store", "store", "--output", "new.csv"],
        ["simulate", "--store", "store", "--setting", "AUTO_STOP:60", "--output", "new.csv"],
        ["verify", "j.jsonl", "--store", "store", "--days", "1"],
    ])


def a_price_list(bench: Bench, chance: random.Random) -> list[str]:
    path = bench.folder / "offer.json"
    if chance.random() < 0.15:
        path.write_bytes(spoilt_bytes(path.read_bytes(), chance))
    else:
        path.write_text(json_text(spoilt_json(json.loads(path.read_text()), chance), chance))
    return ["prices", "refresh", "--from-file", "offer.json", "--dry-run"]


def a_config(bench: Bench, chance: random.Random) -> list[str]:
    key = chance.choice(["discount", "setting", "tag", "store", "hour-rule", "limit", "start",
                         "nonsense", "yes", "maintenance_hours"])
    value = chance.choice([
        "1e308", "-1", "nan", "true", '"x"', '["a", 1]', "[" * 3000, "{a = 1}", "9" * 5000,
        "0x" + "f" * 6000, "1979-05-27", "1979-05-27T07:32:00Z", '"\\u001b[31m"', "''", "0.5",
        '"""\nx"""', "[[[[]]]]", "", "{a = {a = {a = 1}}}"])
    head = chance.choice(["", "[simulate]\n", "[apply]\n", "[prices.refresh]\n", "[[simulate]]\n"])
    (bench.folder / "wsanalytics.toml").write_text(f"{head}{key} = {value}\n")
    os.environ["WSANALYTICS_CONFIG"] = str(bench.folder / "wsanalytics.toml")
    return ["simulate", *FLEET, "--setting", "AUTO_STOP:60", "--output", "new.csv"]


CASES: list[Callable[[Bench, random.Random], list[str]]] = [
    a_table, a_table, a_table, a_mild_table, a_mild_table, a_parquet, a_parquet, an_option,
    an_option, a_plan, a_journal,
    a_store, a_price_list, a_config,
]


# Answers of AWS, spoilt on their way.


@contextlib.contextmanager
def spoiling(url: str, seed: int) -> Iterator[str]:
    """An endpoint that passes on what that at *url* answers, with one answer spoilt."""
    chance = random.Random(seed)
    spoilt_one, count = chance.randrange(6), iter(range(10**6))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            names = ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date")
            request = Request(url + self.path, data=body, headers={  # noqa: S310  # our own
                name: self.headers[name] for name in names if name in self.headers})
            try:
                with urlopen(request) as answer:  # noqa: S310  # as above
                    status, kind, raw = answer.status, answer.headers["Content-Type"], answer.read()
            except HTTPError as error:
                status, kind, raw = error.code, error.headers["Content-Type"], error.read()
            if next(count) == spoilt_one or chance.random() < 0.1:
                raw = self.spoilt(raw)
            self.send_response_only(status)
            self.send_header("Content-Type", kind or "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def spoilt(self, raw: bytes) -> bytes:
            try:
                value = json.loads(raw)
            except ValueError:
                return spoilt_bytes(raw, chance)
            if chance.random() < 0.1:
                return spoilt_bytes(raw, chance)
            return json.dumps(spoilt_json(value, chance)).encode()

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    with answering(Handler) as address:
        yield address
