"""A proxy before AWS that can lose what a network loses: a request, or the answer to one that was heard."""

from __future__ import annotations

import http.client
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Proxy:
    """Passes every request on to ``address``.

    ``lose_answers_to`` and ``lose_requests_for`` hold names of calls, such as "CreateTrainingJob": the connection is
    cut after, or before, the other side has heard it.
    """

    def __init__(self, address: str) -> None:
        self.lose_answers_to: set[str] = set()
        self.lose_requests_for: set[str] = set()
        self.heard: list[str] = []
        proxy, upstream = self, address.removeprefix("http://")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                call = self.headers.get("X-Amz-Target", "").rpartition(".")[2] or self.command
                if call in proxy.lose_requests_for:
                    self._cut()
                    return
                server = http.client.HTTPConnection(upstream, timeout=60)
                server.request(self.command, self.path, body, dict(self.headers))
                answer = server.getresponse()
                content = answer.read()
                server.close()
                proxy.heard.append(call)
                if call in proxy.lose_answers_to:
                    self._cut()
                    return
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 - the library's names

            def _cut(self) -> None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_: Any) -> None:
                """Nothing: a test's output is its failures."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
