"""Who may look at the page: whoever has its address, from the page itself, and nobody else."""

from __future__ import annotations

import base64
import http.client
import secrets
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.helpers.browsing import page_of


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page that only reads, of the sample fleet."""
    folder = tmp_path_factory.mktemp("page")
    with page_of([], folder, folder / "home") as url:
        yield url


def asked(address: str, path: str, **headers: str) -> int:
    """The status of an answer; *path* is asked for with these headers and no others."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 0, timeout=60)
    try:
        connection.putrequest("GET", path, skip_host=True)
        for name, value in ({"Host": parts.netloc} | headers).items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_page_that_only_reads_has_a_secret_too(address: str) -> None:
    (token,) = parse_qs(urlsplit(address).query)["token"]
    assert len(token) > 20
    for path in ("/", "/api/kernels", "/voila/render/app.ipynb", "/?token=wrong"):
        assert asked(address, path) in {302, 403, 404}
    assert asked(address, f"/api/kernels/x/channels?token={token}x") in {302, 403, 404}
    assert asked(address, "/voila/static/voila.js") in {200, 304}  # nothing of the fleet in it


def test_other_hosts_and_other_pages_are_refused_even_with_the_secret(address: str) -> None:
    parts = urlsplit(address)
    here, query = parts.netloc, f"/voila/static/voila.js?{parts.query}"
    socket = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
              "Sec_WebSocket_Key": base64.b64encode(secrets.token_bytes(16)).decode()}
    assert asked(address, query) == 200
    assert asked(address, query, Origin=f"http://{here}") == 200
    assert asked(address, query, Host=f"localhost:{parts.port}") == 200
    for strange in ({"Host": f"rebound.example:{parts.port}"}, {"Host": "127.0.0.1"},
                    {"Origin": "https://evil.example"}, {"Origin": "null"},
                    {"Origin": "http://127.0.0.1:1"}):
        assert asked(address, query, **strange) == 403
        assert asked(address, f"/api/kernels/x/channels?{parts.query}", **socket | strange) == 403
