"""Who is let in: nobody without the token, nobody without Jupyter's say, and no path that leads elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPResponse

from .conftest import Ask

GETS = ("hello", "kernel", "kernel/log", "runs", "runs/a/recipe", "runs/a/log", "runs/a/report", "nothing/here")
POSTS = ("kernel/retry", "runs/a/stop", "notebook", "nothing/here")
ROUTES = [*(("GET", path) for path in GETS), *(("POST", path) for path in POSTS)]


class NoWriting(Authorizer):
    """Lets everybody look and nobody write."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read"


class NoFiles(Authorizer):
    """Lets everybody do everything except write files."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) != ("write", "contents")


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_the_token_every_route_is_shut(
    method: str, path: str, jp_base_url: str, http_server_client: Any
) -> None:
    body = {"body": "{}"} if method == "POST" else {}
    answer = await http_server_client.fetch(
        f"{jp_base_url}segwidgets/api/{path}", method=method, raise_error=False, follow_redirects=False, **body
    )
    assert answer.code == 403


@pytest.mark.parametrize("path", POSTS)
async def test_a_cookie_alone_posts_nothing(
    path: str, jp_serverapp: Any, jp_base_url: str, http_server_client: Any
) -> None:
    # What another site could make the user's browser send: the cookie, and no XSRF token.
    first = await http_server_client.fetch(
        f"{jp_base_url}api/me?token={jp_serverapp.identity_provider.token}", raise_error=False
    )
    cookies = "; ".join(cookie.split(";")[0] for cookie in first.headers.get_list("Set-Cookie"))
    assert "username" in cookies
    logged_in = await http_server_client.fetch(f"{jp_base_url}segwidgets/api/kernel", headers={"Cookie": cookies})
    assert logged_in.code == 200
    answer = await http_server_client.fetch(
        f"{jp_base_url}segwidgets/api/{path}", method="POST", body="{}", headers={"Cookie": cookies}, raise_error=False
    )
    assert answer.code == 403
    assert "_xsrf" in answer.body.decode()


async def test_an_address_that_does_not_exist_says_so(ask: Ask) -> None:
    answer = await ask("nothing/here")
    assert (answer.status, answer.json["reason"]) == (404, "unknown")


class TestWithAnAuthorizerThatForbidsWriting:
    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return {"ServerApp": {"jpserver_extensions": {"segwidgets.lab": True}, "authorizer_class": NoWriting}}

    @pytest.mark.parametrize("path", ["kernel/retry", "runs/a/stop", "notebook"])
    async def test_nothing_can_be_posted(self, path: str, ask: Ask) -> None:
        assert (await ask("kernel")).status == 200
        assert (await ask(path, post=True)).status == 403


class TestWithAnAuthorizerThatForbidsFiles:
    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return {"ServerApp": {"jpserver_extensions": {"segwidgets.lab": True}, "authorizer_class": NoFiles}}

    async def test_no_notebook_is_made(self, ask: Ask, jp_root_dir: Path) -> None:
        answer = await ask("notebook", {})
        assert (answer.status, answer.json["reason"]) == (403, "forbidden")
        assert not list(jp_root_dir.iterdir())


NO_NAMES = ("..", "a..b", "-rf", "--help", "a-", "%2e%2e", "..%2f..%2fetc", "a%00", "a%0a", "a b", "ä", "x" * 121)


@pytest.mark.parametrize("what", ["recipe", "log", "report", "stop"])
async def test_what_is_no_name_of_a_run_reaches_no_command(
    what: str,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
    http_server_client: Any,
    pretend: Callable[[str], Path],
) -> None:
    calls = pretend("echo '{}'")
    body = {"method": "POST", "body": "{}"} if what == "stop" else {}
    for name in NO_NAMES:
        url = f"{jp_base_url}segwidgets/api/runs/{quote(name, safe='%')}/{what}"
        answer = await http_server_client.fetch(url, headers=jp_auth_header, raise_error=False, **body)
        assert answer.code in {400, 404}, name
        assert "message" in json.loads(answer.body)
    assert calls.read_text() == ""


@pytest.mark.parametrize("jp_base_url", ["/", "/notebooks/", "/user/a.b+c@d/", "/proxy/8888/lab%20one/"])
async def test_any_base_url_will_do(
    jp_base_url: str, jp_fetch: Callable[..., Awaitable[HTTPResponse]], ask: Ask
) -> None:
    answer = await ask("kernel")
    assert answer.status == 200
    assert answer.json["state"] == "none"


def test_jupyter_finds_the_extension_valid(tmp_path: Path) -> None:
    """As the wheel's file in etc/jupyter tells it."""
    import segwidgets.lab

    places = tmp_path / "jupyter_server_config.d"
    places.mkdir()
    file = Path(segwidgets.lab.__file__).parent / "etc" / "segwidgets.json"
    (places / "segwidgets.json").write_bytes(file.read_bytes())
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"],
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_NO_CONFIG": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    said = listed.stdout + listed.stderr
    assert "segwidgets.lab" in said
    assert f"segwidgets.lab {segwidgets.lab.__version__}" in said
    line = next(line for line in said.splitlines() if f"segwidgets.lab {segwidgets.lab.__version__}" in line)
    assert "OK" in line
