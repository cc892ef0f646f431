"""Connections: credentials, roles, regions, pace and retries, against the local AWS endpoint."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from tests.helpers.endpoints import forget_aws, use_sandbox
from wsanalytics.aws.connect import connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.credentials import as_role, identify, open_session, who_am_i
from wsanalytics.aws.errors import AwsError, Refusal, refusal_of
from wsanalytics.aws.throttle import Bucket, bucket_for
from wsanalytics.aws.workspaces import read_workspaces
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox

HOME, OTHER = "111122223333", "444455556666"
ROLE = "arn:aws:iam::{}:role/reader"
QUICK = (500.0, 50.0)
"""A pace at which tests need not wait."""
SOON = 60.0
"""Seconds that a role lasts: less than the ten minutes before its end at which botocore asks for
new credentials, so every call renews them; and more than a call takes on a busy machine."""


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_aws(monkeypatch)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(workspaces=110, history_days=7, accounts=(HOME, OTHER),
                 regions=("us-east-1",)) as box:
        yield box


@pytest.fixture
def box(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    use_sandbox(monkeypatch, running)
    running.calls.clear()
    yield running
    running.faults.change({name: getattr(Faults(), name) for name in (
        "throttle", "server_error_share", "reset_share", "cut_share", "html_share",
        "denied_regions", "denied_accounts", "denied_actions", "empty_first_page", "expired",
        "role_seconds")})


@pytest.fixture
def connection(box: Sandbox) -> Iterator[Connection]:
    connections, _ = connect(endpoint_url=box.url, pace=QUICK)
    with connections[0] as connection:
        yield connection


def refused(message: str, **options: object) -> str:
    """What ``connect`` says when it refuses."""
    with pytest.raises((AwsError, InputError), match=message) as caught:
        connect(**options)
    said = str(caught.value)
    assert "Fix: " in said
    return said


# Accounts, regions and roles.


@pytest.mark.usefixtures("box")
def test_the_environment_is_enough() -> None:
    connections, refusals = connect()
    assert [(one.account_id, one.region, one.role_arn) for one in connections] == [
        (HOME, "us-east-1", None)]
    assert refusals == []
    caller = who_am_i(connections[0])
    assert (caller.account_id, caller.method) == (HOME, "the environment variables")
    assert caller.expires_at is None and f":{HOME}:" in caller.arn
    connections[0].close()


def test_every_region_of_every_role_and_one_question_for_each_account(box: Sandbox) -> None:
    connections, refusals = connect(
        regions=["us-east-1", "eu-west-1", "us-east-1"],
        role_arns=[ROLE.format(HOME), ROLE.format(OTHER)])
    assert [(one.account_id, one.region) for one in connections] == [
        (HOME, "us-east-1"), (HOME, "eu-west-1"), (OTHER, "us-east-1"), (OTHER, "eu-west-1")]
    assert refusals == []
    assert box.calls["sts", "GetCallerIdentity"] == 2
    caller = who_am_i(connections[2])
    assert ":assumed-role/" in caller.arn
    assert caller.method == "an assumed role"
    assert caller.expires_at and caller.expires_at.tzinfo is UTC


def test_a_role_that_cannot_be_assumed_is_told_and_the_rest_goes_on(box: Sandbox) -> None:
    box.faults.denied_accounts = (OTHER,)
    connections, refusals = connect(role_arns=[ROLE.format(OTHER), ROLE.format(HOME)])
    assert [one.account_id for one in connections] == [HOME]
    (refusal,) = refusals
    assert (refusal.action, refusal.role_arn) == ("sts:AssumeRole", ROLE.format(OTHER))
    assert f'"Resource": ["{ROLE.format(OTHER)}"]' in refusal.fix
    assert "trust policy" in refusal.fix


def test_where_no_role_can_be_assumed_the_first_refusal_is_raised(box: Sandbox) -> None:
    box.faults.denied_accounts = (HOME, OTHER)
    refused("the role cannot be assumed", role_arns=[ROLE.format(OTHER), ROLE.format(HOME)])


def test_a_role_is_assumed_anew_before_its_credentials_expire(box: Sandbox) -> None:
    box.faults.role_seconds = SOON
    connections, _ = connect(role_arns=[ROLE.format(OTHER)], pace=QUICK)
    with connections[0] as connection:
        for _ in range(3):
            read_workspaces(connection)
    assert box.calls["sts", "AssumeRole"] > 3


def test_a_role_is_kept_while_it_holds_and_renewed_a_quarter_of_an_hour_early(
    box: Sandbox,
) -> None:
    later = [timedelta()]
    session = as_role(open_session(), ROLE.format(OTHER), region="us-east-1",
                      now=lambda: datetime.now(UTC) + later[0])
    for minutes, assumed in ((0, 1), (40, 1), (46, 2)):
        later[0] = timedelta(minutes=minutes)
        identify(session, region="us-east-1")
        assert box.calls["sts", "AssumeRole"] == assumed
    later[0] = timedelta(hours=2)  # the clock of this computer is wrong
    with pytest.raises(AwsError, match="the time of this computer"):
        identify(session, region="us-east-1")


def test_a_renewal_that_fails_names_the_role_and_not_the_call(box: Sandbox) -> None:
    box.faults.role_seconds = SOON
    connections, _ = connect(role_arns=[ROLE.format(OTHER)], pace=QUICK)
    box.faults.denied_accounts = (OTHER,)
    with connections[0] as connection, pytest.raises(AwsError) as caught:
        read_workspaces(connection)
    assert caught.value.refusal.action in {"sts:AssumeRole", "workspaces:DescribeWorkspaces"}
    assert caught.value.refusal.role_arn == ROLE.format(OTHER)


def test_keys_can_be_handed_over(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    key = os.environ["AWS_ACCESS_KEY_ID"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    connections, _ = connect(credentials=(key, "x"), endpoint_url=box.url)
    with connections[0] as connection:
        assert len(read_workspaces(connection)) == 55
        assert who_am_i(connection).method == "the key that was handed over"


@pytest.mark.usefixtures("box")
def test_a_profile_is_found_in_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = os.environ["AWS_ACCESS_KEY_ID"].replace(HOME, OTHER)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(
        f"[profile work]\nregion=us-east-1\naws_access_key_id={key}\naws_secret_access_key=x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    connections, _ = connect(profile="work")
    assert [(one.account_id, one.region) for one in connections] == [(OTHER, "us-east-1")]
    assert "did you mean work?" in refused("there is no profile 'wrok'", profile="wrok")
    monkeypatch.setenv("AWS_PROFILE", "play")
    refused("there is no profile 'play'")
    (tmp_path / "config").write_text("this is no configuration")
    refused("the AWS configuration cannot be read")


# What cannot be used, and what is said of it.


def test_no_credentials() -> None:
    said = refused("no AWS credentials were found", regions=["us-east-1"])
    assert "AWS_PROFILE" in said
    refused("no AWS credentials", regions=["us-east-1"], role_arns=[ROLE.format(HOME)])


def test_no_region() -> None:
    assert "--region" in refused("no region was named and none is configured")


def test_a_region_without_workspaces(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "did you mean eu-west-1" in refused("region 'eu-wset-1'", regions=["eu-wset-1"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-1")
    assert "us-west-2" in refused("AWS_DEFAULT_REGION .*region 'us-west-1'")


@pytest.mark.parametrize("arn", ["reader", "arn:aws:iam::1:role/x", "arn:aws:iam::111122223333:r"])
def test_a_role_that_is_no_arn(arn: str) -> None:
    refused("is not the ARN of a role", role_arns=[arn])


def test_an_endpoint_that_is_not_there() -> None:
    key = ("AKIAEXAMPLEEXAMPLE12", "topsecret")
    said = refused("AWS cannot be reached", regions=["us-east-1"], credentials=key,
                   endpoint_url="http://127.0.0.1:9")
    assert "127.0.0.1:9" in said and key[0] not in said and key[1] not in said
    refused("'nowhere' is not the address", regions=["us-east-1"], credentials=key,
            endpoint_url="nowhere")


def test_expired_credentials(box: Sandbox, connection: Connection) -> None:
    box.faults.expired = True
    refused("credentials have expired")
    with pytest.raises(AwsError, match="credentials have expired") as caught:
        read_workspaces(connection)
    assert caught.value.refusal.kind == "expired"
    assert str(caught.value).startswith(f"account {HOME}, us-east-1: ")


def test_a_denied_action_comes_with_the_statement_that_allows_it(
    box: Sandbox, connection: Connection
) -> None:
    box.faults.denied_actions = ("workspaces:DescribeWorkspaces",)
    with pytest.raises(AwsError) as caught:
        read_workspaces(connection)
    refusal = caught.value.refusal
    assert (refusal.kind, refusal.action) == ("denied", "workspaces:DescribeWorkspaces")
    assert ('{"Effect": "Allow", "Action": "workspaces:DescribeWorkspaces", "Resource": "*"}'
            in refusal.fix)
    assert box.calls["workspaces", "DescribeWorkspaces"] <= 1  # no use asking again


@pytest.mark.usefixtures("box")
def test_a_proxy_is_never_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    connections, _ = connect()
    with connections[0] as connection:
        assert len(read_workspaces(connection)) == 55


# What AWS says, in words.


def client_error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeWorkspaces")


@pytest.mark.parametrize(("code", "message", "kind"), [
    ("ThrottlingException", "Rate exceeded", "throttled"),
    ("ExpiredTokenException", "The security token is expired", "expired"),
    ("UnrecognizedClientException", "The security token is invalid", "invalid"),
    ("InvalidSignatureException", "Signature expired: 20261125T0 is now earlier", "clock"),
    ("SignatureDoesNotMatch", "The canonical string should have been ...", "invalid"),
    ("AccessDeniedException", "User: ada is not authorized to perform this", "denied"),
    ("AccessDeniedException", "not authorized, with an explicit deny in a policy", "forbidden"),
    ("503", "Service Unavailable", "server"),
    ("ResourceNotFoundException", "no such thing", "other"),
])
def test_kinds_of_failure(code: str, message: str, kind: str) -> None:
    refusal = refusal_of(client_error(code, message), action="workspaces:DescribeWorkspaces")
    assert refusal.kind == kind
    assert refusal.what and "{" not in refusal.what + refusal.rule


def test_no_secret_is_ever_repeated() -> None:
    wrong = client_error("SignatureDoesNotMatch", "it is x-amz-security-token:FwoGZXIvYXdzEJ")
    assert "FwoGZXIv" not in str(refusal_of(wrong, action="workspaces:DescribeWorkspaces"))
    named = client_error("AccessDenied", "key AKIAABCDEFGHIJKLMNOP\nmay not")
    said = str(refusal_of(named, action="workspaces:DescribeWorkspaces"))
    assert "AKIA" not in said and "\n" not in said


def test_what_botocore_raises_by_itself() -> None:
    unreachable = EndpointConnectionError(endpoint_url="https://x")
    assert refusal_of(unreachable, action="a:B").kind == "unreachable"
    assert refusal_of(NoCredentialsError(), action="a:B").kind == "missing"


def test_where_says_what_is_known() -> None:
    refusal = Refusal(action="a:B", code="X", message="y", account_id=HOME, region="eu-west-1",
                      role_arn=ROLE.format(HOME))
    assert refusal.where == f"account {HOME}, eu-west-1, role {ROLE.format(HOME)}"


# Whole answers, or none.


@pytest.mark.parametrize("fault", ["cut_share", "html_share", "server_error_share", "reset_share"])
def test_a_fleet_is_read_whole_although_answers_fail(
    box: Sandbox, connection: Connection, fault: str
) -> None:
    setattr(box.faults, fault, 0.15)
    for _ in range(3):
        assert len(read_workspaces(connection)) == 55


@pytest.mark.parametrize("fault", ["cut_share", "html_share"])
def test_an_answer_that_is_never_whole_is_an_error(
    box: Sandbox, connection: Connection, fault: str
) -> None:
    setattr(box.faults, fault, 1.0)
    with pytest.raises(AwsError, match="came cut off or was not from AWS") as caught:
        read_workspaces(connection)
    assert caught.value.refusal.kind == "cut"
    with pytest.raises(AwsError, match="came cut off"):
        connection.call("workspaces", "DescribeWorkspaces", member="Workspaces")


def test_an_empty_page_is_not_the_last(box: Sandbox, connection: Connection) -> None:
    box.faults.empty_first_page = True
    pages: list[int] = []
    assert len(read_workspaces(connection, on_page=pages.append)) == 55
    assert pages == [0, 25, 25, 5]


# Pace.


def test_a_bucket_gives_its_burst_and_then_makes_wait() -> None:
    bucket = Bucket(10, 3)
    assert [bucket.take() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert 0 < bucket.take() <= 0.1
    bucket.set_pace(1000, 3)
    bucket.wait()


@pytest.mark.usefixtures("box")
def test_an_account_and_region_have_one_bucket() -> None:
    one, again = (connect()[0][0] for _ in range(2))
    assert one.pace is again.pace
    assert connect(regions=["eu-west-1"])[0][0].pace is not one.pace
    assert bucket_for("a", "b", rate=1, burst=1) is bucket_for("a", "b", rate=2, burst=1)


def test_paced_calls_are_not_throttled_whoever_makes_them(box: Sandbox) -> None:
    box.faults.throttle = (20.0, 5.0)
    connections = [connect(pace=(19.5, 4))[0][0] for _ in range(2)]
    before = box.throttled

    def ask(connection: Connection) -> None:
        for _ in range(10):
            connection.call("workspaces", "DescribeWorkspaces", Limit=1)

    threads = [threading.Thread(target=ask, args=(one,)) for one in connections for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in connections:
        connection.close()
    assert box.throttled == before
    assert box.calls["workspaces", "DescribeWorkspaces"] == 40


def test_clients_say_who_they_are(connection: Connection) -> None:
    agents: list[str] = []
    client = connection.client("workspaces")
    assert client is connection.client("workspaces")
    client.meta.events.register(
        "before-send.workspaces.*",
        lambda request, **_: agents.append(str(request.headers["User-Agent"])))
    connection.call("workspaces", "DescribeWorkspaces", Limit=1)
    assert "wsanalytics/" in agents[0]


def test_only_long_answers_are_waited_for_long(connection: Connection) -> None:
    waits = {service: connection.client(service).meta.config.read_timeout for service in (
        "workspaces", "sts", "resourcegroupstaggingapi", "cloudwatch", "cloudtrail", "pricing")}
    assert waits == {"workspaces": 20, "sts": 20, "resourcegroupstaggingapi": 20,
                     "cloudwatch": 60, "cloudtrail": 60, "pricing": 60}


class _Slow(BaseHTTPRequestHandler):
    """Answers 500 to every request, the first only once it is told to."""

    asked, go = threading.Event(), threading.Event()
    requests = 0

    def do_POST(self) -> None:
        _Slow.requests += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.set()
        self.go.wait(10)
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_call_that_is_under_way_is_not_tried_again_once_closed(box: Sandbox) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    (connection,), _ = connect(endpoint_url=box.url, pace=QUICK)
    connection.endpoint_url = f"http://127.0.0.1:{server.server_port}"
    errors: list[AwsError] = []

    def ask() -> None:
        with pytest.raises(AwsError) as caught:
            connection.call("workspaces", "DescribeWorkspaces")
        errors.append(caught.value)

    asking = threading.Thread(target=ask)
    asking.start()
    assert _Slow.asked.wait(10)
    connection.close()
    _Slow.go.set()
    asking.join()
    server.shutdown()
    serving.join()
    server.server_close()
    assert errors[0].refusal.kind == "closed" and "was closed before" in str(errors[0])
    assert _Slow.requests == 1
    connection.endpoint_url = box.url
    assert len(read_workspaces(connection)) == 55  # it opens again
    connection.close()


def test_a_role_assumed_with_a_key_of_ones_own_reads_no_profile(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    (connection,), _ = connect(endpoint_url=box.url, credentials=("a", "b"),
                               role_arns=[ROLE.format(OTHER)])
    with connection:
        assert connection.account_id == OTHER
        assert len(read_workspaces(connection)) == 55


@pytest.mark.parametrize("command", [
    ["doctor"], ["collect", "--store", "s", "--once"],
    ["prices", "refresh", "--region", "us-east-1"],
])
@pytest.mark.parametrize("broken", ["profile", "file"])
def test_a_broken_configuration_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    command: list[str], broken: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "config"
    config.write_text("[profile me]\nregion = us-east-1\n" if broken == "profile" else "[broken\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    if broken == "profile":
        monkeypatch.setenv("AWS_PROFILE", "nosuch")
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said and "Fix:" in said
    assert ("nosuch" if broken == "profile" else f"{config}: the AWS configuration") in said
    assert not (tmp_path / "s").exists()


def test_whoever_brings_his_own_key_needs_no_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with Sandbox(workspaces=2) as box:
        opened, _ = connect(regions=["us-east-1"], endpoint_url=box.url, credentials=("a", "b"))
        assert opened[0].account_id == "111122223333"
        opened[0].close()
