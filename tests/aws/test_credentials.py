"""However boto3 fails to find or use credentials and settings: one sentence with the cause."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.endpoints import use_sandbox
from wsanalytics.cli import main
from wsanalytics.sandbox.server import Sandbox

Capture = pytest.CaptureFixture[str]
ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "hush-hush"
KEY = f"aws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n"
ROLE = "role_arn = arn:aws:iam::111122223333:role/x\n"
GIVEN = {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workspaces=3) as one:
        yield one


@pytest.fixture(autouse=True)
def bare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Sandbox
) -> None:
    """A computer on which nothing is configured, and nobody sits."""
    use_sandbox(monkeypatch, box)
    for name in GIVEN:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.chdir(tmp_path)


CONFIGS = {
    "process-fails": ("credential_process = false", "custom-process: it does not say why"),
    "process-gone": ("credential_process = /nonexistent/tool", "/nonexistent/tool: No such file"),
    "process-garbage": ("credential_process = echo hello", "printed is no JSON"),
    "process-no-key": ("credential_process = echo '{\"Version\": 1}'", "required key"),
    "process-quote": ('credential_process = "abc', "No closing quotation"),
    "half-a-key": (f"aws_access_key_id = {ID}", "missing: aws_secret_access_key"),
    "source-profile": (f"{ROLE}source_profile = nope", 'source_profile "nope" referenced'),
    "no-source": (ROLE, "missing: source_profile or credential_source"),
    "two-sources": ((f"{ROLE}source_profile = a\ncredential_source = Environment\n"
                    f"[profile a]\n{KEY}"), "both source_profile and credential_source"),
    "strange-source": (f"{ROLE}credential_source = Moon", '"Moon"'),
    "empty-source": (f"{ROLE}credential_source = Environment", "No credentials found in"),
    "bare-source": (f"{ROLE}source_profile = a\n[profile a]\nregion = eu-west-1",
                    'source profile "a" must have credentials'),
    "role-loop": (f"{ROLE}source_profile = a\n[profile a]\n{ROLE}source_profile = default",
                  "Infinite loop"),
    "sso-session": ("sso_session = nope\nsso_account_id = 111122223333\nsso_role_name = r",
                    'sso-session does not exist: "nope"'),
    "sso-login": (("sso_start_url = https://x.example\nsso_region = us-east-1\n"
                  "sso_account_id = 111122223333\nsso_role_name = r"), "aws sso login"),
    "web-identity": (f"{ROLE}web_identity_token_file = /nonexistent/token",
                     "/nonexistent/token"),
    "mfa": ((f"{ROLE}source_profile = a\nmfa_serial = arn:aws:iam::111122223333:mfa/x\n"
            f"[profile a]\n{KEY}"), "code of an MFA device, and there is no terminal"),
}
VARIABLES = {
    "nothing": ({}, "no AWS credentials were found"),
    "secret": ({"AWS_ACCESS_KEY_ID": ID}, "missing: AWS_SECRET_ACCESS_KEY"),
    "id": ({"AWS_SECRET_ACCESS_KEY": SECRET}, "AWS_ACCESS_KEY_ID is not"),
    "token-file": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/t"}, "no role ARN configured"),
    "port-range": (GIVEN | {"AWS_ENDPOINT_URL": "http://127.0.0.1:99999"}, "a port up to 65535"),
    "port-text": (GIVEN | {"AWS_ENDPOINT_URL": "http://127.0.0.1:abc"}, "a port up to 65535"),
    "brackets": (GIVEN | {"AWS_ENDPOINT_URL": "http://[::1"}, "is not the address of an endpoint"),
    "no-url": (GIVEN | {"AWS_ENDPOINT_URL": "moon"}, "is not the address of an endpoint"),
    "sts": (GIVEN | {"AWS_STS_REGIONAL_ENDPOINTS": "moon"}, "STS regional endpoints option moon"),
    "defaults": (GIVEN | {"AWS_DEFAULTS_MODE": "moon"}, "invalid defaults mode: moon"),
    "checksum": (GIVEN | {"AWS_REQUEST_CHECKSUM_CALCULATION": "moon"}, "checksum_calculation"),
    "account-mode": (GIVEN | {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "moon"}, "boto3 cannot work with"),
    "metadata": ({"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "moon"}, "moon"),
    "container": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "moon"}, "Unsupported host"),
    "container-token": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x",
                         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nonexistent/c"},
                        "/nonexistent/c"),
    "expired": (GIVEN | {"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}, "have expired"),
    "key-line": ({"AWS_ACCESS_KEY_ID": "AKIA\nX", "AWS_SECRET_ACCESS_KEY": SECRET},
                 "the access key id has a space, a line break"),
    "token-line": (GIVEN | {"AWS_SESSION_TOKEN": f"{SECRET}\nx"}, "the session token has a space"),
    "folder": ({"AWS_CONFIG_FILE": "/"}, "/ is a folder (AWS_CONFIG_FILE)"),
}


def refused(capsys: Capture, *argv: str) -> str:
    assert main(list(argv)) == 2
    told = capsys.readouterr()
    message = told.err[told.err.index("wsanalytics "):].strip()
    assert "Traceback" not in told.err
    assert message.count("\n") == 0
    assert SECRET not in told.err + told.out
    assert "Fix: " in message
    return message


@pytest.mark.parametrize("command", [("collect", "--store", "fleet"), ("doctor",)],
                         ids=["collect", "doctor"])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_profile_that_gives_no_credentials_says_why(
    name: str, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    text, cause = CONFIGS[name]
    path = tmp_path / "config"
    path.write_text(f"[default]\n{text}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    assert cause in refused(capsys, *command)
    assert not Path("fleet").exists()


@pytest.mark.parametrize("command", [("collect", "--store", "fleet"), ("doctor",)],
                         ids=["collect", "doctor"])
@pytest.mark.parametrize("name", VARIABLES)
def test_variables_that_do_not_fit_are_named(
    name: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    variables, cause = VARIABLES[name]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert cause in refused(capsys, *command)
    assert not Path("fleet").exists()


def test_the_password_of_an_endpoint_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    for url in (f"http://joe:{SECRET}@127.0.0.1:9", f"http://joe:{SECRET}@:9",
                f"http://joe:{SECRET}@127.0.0.1:99999"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        refused(capsys, "collect", "--store", "fleet")
