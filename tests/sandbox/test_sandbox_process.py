"""The sandbox as a process: it says where it is, and it goes when it is told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from tests.helpers.sandboxes import frozen
from wsanalytics.aws.connect import connect
from wsanalytics.aws.workspaces import read_workspaces
from wsanalytics.errors import WsanalyticsError
from wsanalytics.sandbox.process import SandboxProcess
from wsanalytics.sandbox.server import Sandbox

COMMAND = [sys.executable, "-m", "wsanalytics", "sandbox"]
SOON = 8.0
"""Seconds that an end may take on a busy machine; it usually takes a fifth of one."""


@contextmanager
def started(*options: str, shell: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the URL that it printed first."""
    command = [*COMMAND, *options]
    whole = ["sh", "-c", f"{shell} exec \"$@\"", "sh", *command] if shell else command
    with subprocess.Popen(whole, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/sandbox/clock", timeout=5) as answer:  # noqa: S310  # our own
            return bool(answer.status == 200)
    except OSError:  # refused, or reset while it ends
        return False


def has_ended(url: str) -> bool:
    """Whether it stops answering soon."""
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        if not answers(url):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("shell", ["", "trap '' INT;"], ids=["heeded", "SIGINT ignored before"])
def test_a_signal_ends_it_with_status_0(which: signal.Signals, shell: str) -> None:
    with started("--workspaces", "3", shell=shell) as (process, url):
        assert answers(url)
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own; stays open meanwhile
            process.send_signal(which)
            assert process.wait(SOON) == 0
        assert not answers(url)


def test_it_says_what_it_is_and_how_to_use_it() -> None:
    with started("--workspaces", "3") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert answers(url)
        process.send_signal(signal.SIGTERM)
        rest, words = process.communicate(timeout=SOON)
        assert rest == ""
        assert "sandbox, not AWS" in words
        assert f"export AWS_ENDPOINT_URL={url}\n" in words
        assert "Traceback" not in words


def test_a_large_fleet_is_no_reason_to_wait_for_the_url() -> None:
    with started("--workspaces", "10000") as (_, url):
        assert answers(url)
        client = boto3.client(
            "workspaces", endpoint_url=url, region_name="us-east-1", aws_access_key_id="A",
            aws_secret_access_key="x", config=Config(proxies={}),  # the sandbox's
        )
        assert len(client.describe_workspaces()["Workspaces"]) == 25
        client.close()


def test_it_listens_on_this_machine_only() -> None:
    with Sandbox(workspaces=1) as box:
        port = int(box.url.rpartition(":")[2])
        own = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
        for address in sorted(str(one) for one in own if one != "127.0.0.1"):
            with pytest.raises(OSError, match=r"refused|unreachable|timed out|assign"):
                socket.create_connection((address, port), timeout=1).close()


def test_a_taken_port_is_one_message_and_exit_2() -> None:
    with Sandbox(workspaces=1) as box:
        port = box.url.rpartition(":")[2]
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True,
                              check=False, timeout=30)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert f"port {port}" in done.stderr and "Fix:" in done.stderr


@pytest.mark.parametrize("wrong", [["--fault", "nonsense"], ["--history-days", "0"],
                                   ["--speed", "-1"], ["--workspaces", "-5"]])
def test_what_cannot_be_is_one_message_and_exit_2(wrong: list[str]) -> None:
    done = subprocess.run([*COMMAND, *wrong], capture_output=True, text=True, check=False,
                          timeout=30)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_child_serves_and_goes_with_the_block() -> None:
    with SandboxProcess(workspaces=7, seed=3, regions=("eu-west-1",), history_days=20,
                        fault=("clock_skew_seconds=5",)) as box:
        environment = box.environment()
        assert environment["AWS_ENDPOINT_URL"] == box.url
        client = boto3.client(
            "workspaces", endpoint_url=box.url, region_name="eu-west-1",
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"], config=Config(proxies={}),
        )
        assert len(client.describe_workspaces()["Workspaces"]) == 7
        client.close()
        child = box.process
    assert child is not None
    assert child.returncode == 0
    assert not answers(box.url)


def test_a_child_can_be_started_and_stopped_without_a_block() -> None:
    box = SandboxProcess(workspaces=2).start()
    assert answers(box.url)
    box.stop()
    assert not answers(box.url)
    box.stop()


def test_a_child_that_cannot_start_is_told_of() -> None:
    with pytest.raises(WsanalyticsError, match="did not start"), SandboxProcess(history_days=0):
        pass


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "url"
    script = (
        "import pathlib, sys, time\n"
        "from wsanalytics.sandbox import SandboxProcess\n"
        "with SandboxProcess(workspaces=2) as box:\n"
        "    pathlib.Path(sys.argv[1]).write_text(box.url)\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(told)], stdout=subprocess.PIPE,
                          text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        url = told.read_text(encoding="utf-8")
        assert answers(url)
        parent.kill()
    assert has_ended(url)


def test_the_environment_leads_awss_own_tools_to_the_sandbox() -> None:
    with frozen(workspaces=3, accounts=("111122223333", "444455556666")) as (box, _):
        script = ("import boto3; print(boto3.client('sts').get_caller_identity()['Account'], "
                  "len(boto3.client('workspaces').describe_workspaces()['Workspaces']))")
        proxied = {"HTTP_PROXY": "http://127.0.0.1:9", "PATH": os.environ["PATH"]}
        for account, count in (("111122223333", 2), ("444455556666", 1)):
            done = subprocess.run(
                [sys.executable, "-c", script], env=proxied | box.environment(account),
                capture_output=True, text=True, check=True, timeout=60)
            assert done.stdout.split() == [account, str(count)]


def test_accounts_are_printed_after_the_url_with_the_role_that_opens_each() -> None:
    command = [*COMMAND, "--workspaces", "8", "--accounts", "2", "--regions", "us-east-1",
               "eu-west-1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        assert process.stdout is not None
        url, *accounts = [process.stdout.readline().strip() for _ in range(3)]
        assert url.startswith("http://127.0.0.1:")
        assert accounts == [f"{one} arn:aws:iam::{one}:role/wsanalytics"
                            for one in ("111122223333", "222233334444")]
        opened, refused = connect(
            regions=["us-east-1", "eu-west-1"], endpoint_url=url, credentials=("a", "b"),
            role_arns=[*(line.split()[1] for line in accounts),
                       "arn:aws:iam::999999999999:role/wsanalytics"])
        places = {(one.account_id, one.region): len(read_workspaces(one)) for one in opened}
        assert places == {(account, region): 2 for account in ("111122223333", "222233334444")
                          for region in ("us-east-1", "eu-west-1")}
        assert len(refused) == 1  # an account that trusts nobody
        for one in opened:
            one.close()
        process.terminate()
        assert process.wait(10) == 0
