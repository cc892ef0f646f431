"""Whatever comes in: no traceback, no hang, and nothing written after a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import fuzzing
from tests.helpers.endpoints import use_sandbox
from wsanalytics.sandbox.server import Sandbox

CASES, ANSWERS = 800, 40
"""How many are tried: of each kind of case, some in every part."""
MANY_CASES, MANY_ANSWERS = 20_000, 400
PARTS = 8


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No account, no options and no prices of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
                        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "WSANALYTICS_CONFIG": "",
                        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("part", range(PARTS))
def test_spoilt_files_and_options_end_in_an_answer_or_a_refusal(
    part: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    count = (MANY_CASES if request.config.getoption("--thorough") else CASES) // PARTS
    bench = fuzzing.Bench.made(tmp_path)
    seeds = range(part * 1_000_000, part * 1_000_000 + count)
    assert {fuzzing.kind_of(seed) for seed in seeds} == set(fuzzing.CASES)
    findings = [finding for seed in seeds if (finding := bench.run(seed))]
    assert not findings, f"{len(findings)} findings:\n" + "\n".join(map(str, findings[:12]))


def test_spoilt_answers_of_aws_end_in_rows_or_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    count = MANY_ANSWERS if request.config.getoption("--thorough") else ANSWERS
    findings = []
    with Sandbox(workspaces=6, history_days=2) as box:
        use_sandbox(monkeypatch, box)
        for seed in range(count):
            with fuzzing.spoiling(box.url, seed) as url:
                monkeypatch.setenv("AWS_ENDPOINT_URL", url)
                argv = ["collect", "--store", str(tmp_path / f"store{seed}")]
                if seed % 4 == 0:
                    argv = ["backfill", *argv[1:], "--days", "1"]
                status, error, trace = fuzzing.quietly(argv)
            if trace or "Traceback" in error or status not in {0, 1, 2}:
                findings.append(fuzzing.Finding(seed, argv, trace or f"{status}: {error[-800:]}"))
            elif status == 2 and (tmp_path / f"store{seed}").exists():
                findings.append(fuzzing.Finding(seed, argv, f"a refusal left a store: {error}"))
    assert not findings, f"{len(findings)} findings:\n" + "\n".join(map(str, findings[:12]))
