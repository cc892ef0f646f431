"""What goes wrong on purpose, as the real boto3 sees it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.helpers.sandboxes import all_statuses, all_workspaces, find, frozen, modify
from wsanalytics.errors import InputError
from wsanalytics.sandbox.faults import Faults


def code_of(refusal: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refusal.value.response["Error"]["Code"])


def test_nothing_goes_wrong_unless_asked() -> None:
    with frozen(workspaces=2) as (box, clients):
        client = clients("workspaces")
        for _ in range(50):
            client.describe_workspaces()
        assert box.faults == Faults()
        assert box.throttled == 0
        assert box.calls["workspaces", "DescribeWorkspaces"] == 50


def test_throttling_holds_for_an_account_and_region_over_all_actions() -> None:
    with frozen(workspaces=4, throttle=(0.001, 5), regions=("us-east-1", "eu-west-1")) as (
        box, clients,
    ):
        client = clients("workspaces")
        for _ in range(3):
            client.describe_workspaces()
        for _ in range(2):
            client.describe_workspaces_connection_status()
        with pytest.raises(ClientError, match="Rate exceeded") as refusal:
            client.describe_workspace_directories()
        assert code_of(refusal) == "ThrottlingException"
        assert box.throttled == 1
        clients("workspaces", region="eu-west-1").describe_workspaces()
        clients("sts").get_caller_identity()
        assert sum(box.calls.values()) == 7


def test_boto3_gets_through_a_throttle_by_trying_again() -> None:
    with frozen(workspaces=2, throttle=(20, 2)) as (box, clients):
        client = clients("workspaces", attempts=5)
        for _ in range(6):
            client.describe_workspaces()
        assert box.throttled > 0
        assert box.calls["workspaces", "DescribeWorkspaces"] == 6


def test_throttle_true_is_what_aws_allows() -> None:
    with frozen(workspaces=1, throttle=True) as (box, _):
        assert box.faults.throttle == (2.0, 5)


@pytest.mark.parametrize(("fault", "error"), [
    ({"server_error_share": 1.0}, ClientError),
    ({"reset_share": 1.0}, ConnectionClosedError),
    ({"timeout_share": 1.0, "timeout_seconds": 0.6}, ReadTimeoutError),
])
def test_what_fails_always_fails_and_what_fails_at_times_gets_through(
    fault: dict[str, Any], error: type[Exception]
) -> None:
    with frozen(workspaces=2, faults=Faults(**fault)) as (box, clients):
        with pytest.raises(error):
            clients("workspaces", read_timeout=0.3).describe_workspaces()
        box.faults.change({name: 0.3 for name in fault if name.endswith("share")})
        client = clients("workspaces", attempts=8, read_timeout=0.3)
        for _ in range(3):
            assert client.describe_workspaces()["Workspaces"]


def test_server_errors_are_of_both_kinds() -> None:
    with frozen(workspaces=1, faults=Faults(server_error_share=1)) as (_, clients):
        statuses = set()
        for _ in range(20):
            with pytest.raises(ClientError) as refusal:
                clients("workspaces").describe_workspaces()
            statuses.add(refusal.value.response["ResponseMetadata"]["HTTPStatusCode"])
        assert statuses == {500, 503}


@pytest.mark.parametrize("fault", ["cut_share", "html_share"])
def test_half_a_body_or_html_is_to_boto3_an_answer_without_members(fault: str) -> None:
    with frozen(workspaces=60, faults=Faults(**{fault: 1.0})) as (_, clients):
        answer = clients("workspaces").describe_workspaces()
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert "Workspaces" not in answer


def test_modifying_may_be_in_progress() -> None:
    with frozen(workspaces=40, faults=Faults(in_progress_share=1)) as (_, clients):
        client = clients("workspaces")
        one = find(client, "ALWAYS_ON")["WorkspaceId"]
        with pytest.raises(client.exceptions.OperationInProgressException):
            modify(client, one, RunningMode="AUTO_STOP")
        assert find(client, "ALWAYS_ON")["WorkspaceId"] == one


def test_who_may_not_is_told_so_in_the_words_of_aws() -> None:
    faults = Faults(denied_regions=("eu-west-1",), denied_accounts=("444455556666",),
                    denied_actions=("workspaces:StopWorkspaces", "GetMetricData"))
    regions, accounts = ("us-east-1", "eu-west-1"), ("111122223333", "444455556666")
    with frozen(workspaces=4, regions=regions, accounts=accounts, faults=faults) as (_, clients):
        clients("workspaces").describe_workspaces()
        with pytest.raises(ClientError) as refusal:
            clients("workspaces", region="eu-west-1").describe_workspaces()
        assert code_of(refusal) == "AccessDeniedException"
        assert refusal.value.response["Error"]["Message"].startswith(
            "User: arn:aws:iam::111122223333:user/sandbox is not authorized to perform: "
            "workspaces:DescribeWorkspaces on resource: ")
        with pytest.raises(ClientError, match="DescribeWorkspaces"):
            clients("workspaces", account="444455556666").describe_workspaces()
        with pytest.raises(ClientError, match="workspaces:StopWorkspaces"):
            clients("workspaces").stop_workspaces(
                StopWorkspaceRequests=[{"WorkspaceId": "ws-000000000"}])
        with pytest.raises(ClientError) as refusal:
            clients("cloudwatch").get_metric_data(
                MetricDataQueries=[], StartTime=time.time() - 60, EndTime=time.time())
        assert code_of(refusal) == "AccessDenied"
        for account in accounts:
            told = clients("sts", account=account, region="eu-west-1").get_caller_identity()
            assert told["Account"] == account
        with pytest.raises(ClientError, match="sts:AssumeRole"):
            clients("sts").assume_role(RoleArn="arn:aws:iam::444455556666:role/reader",
                                       RoleSessionName="test")


def test_expired_credentials_are_not_tried_again() -> None:
    with frozen(workspaces=1, faults=Faults(expired=True)) as (box, clients):
        with pytest.raises(ClientError) as refusal:
            clients("workspaces", attempts=5).describe_workspaces()
        assert code_of(refusal) == "ExpiredTokenException"
        assert sum(box.calls.values()) == 0
        with pytest.raises(ClientError) as refusal:
            clients("sts").get_caller_identity()
        assert code_of(refusal) == "ExpiredToken"


def test_an_empty_first_page_is_no_end() -> None:
    with frozen(workspaces=30, faults=Faults(empty_first_page=True)) as (_, clients):
        client = clients("workspaces")
        for answer, member in (
            (client.describe_workspaces(), "Workspaces"),
            (client.describe_workspaces_connection_status(), "WorkspacesConnectionStatus"),
            (client.describe_workspace_directories(), "Directories"),
            (client.describe_workspace_bundles(), "Bundles"),
        ):
            assert answer[member] == []
            assert answer["NextToken"]
        assert len(all_workspaces(client)) == 30
        assert len(all_statuses(client)) == 30


def test_statuses_may_be_left_out() -> None:
    with frozen(workspaces=100, faults=Faults(omit_status_share=0.2)) as (_, clients):
        assert 60 < len(all_statuses(clients("workspaces"))) < 95


def test_the_clock_of_aws_may_be_ahead() -> None:
    with frozen(workspaces=2, faults=Faults(clock_skew_seconds=600)) as (box, clients):
        client = clients("workspaces")
        status = client.describe_workspaces_connection_status()
        at = status["WorkspacesConnectionStatus"][0]["ConnectionStateCheckTimestamp"]
        assert (at - box.clock.now()).total_seconds() == pytest.approx(600)
        assert "date" in status["ResponseMetadata"]["HTTPHeaders"]


def test_the_same_seed_fails_the_same_calls() -> None:
    def failed(seed: int) -> list[bool]:
        faults = Faults(server_error_share=0.5, seed=seed)
        found = []
        with frozen(workspaces=1, faults=faults) as (_, clients):
            client = clients("workspaces")
            for _ in range(25):
                try:
                    client.describe_workspaces()
                    found.append(False)
                except ClientError:
                    found.append(True)
        return found

    assert failed(1) == failed(1) != failed(2)


def test_faults_are_written_as_texts() -> None:
    faults = Faults.parse(["throttle=3,10", "server-error-share=0.25", "expired",
                           "denied_accounts=111122223333", "seed=7", "empty-first-page=false"])
    assert faults == Faults(throttle=(3.0, 10.0), server_error_share=0.25, expired=True,
                            denied_accounts=("111122223333",), seed=7)
    assert Faults.parse(["throttle"]).throttle == (2.0, 5)


@pytest.mark.parametrize(("text", "words"), [
    ("cut-shar=1", "use for example cut_share"), ("cut_share", "use for example cut_share=0.1"),
    ("cut_share=often", "a share is a number"), ("seed=1.5", "seed is '1.5'"),
    ("throttle=fast", "throttle is 'fast'"), ("cut_share=1.5", "from 0 to 1"),
    ("timeout_seconds=-1", "from 0 on"),
])
def test_a_fault_that_does_not_exist_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Faults.parse([text])
