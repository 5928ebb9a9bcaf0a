"""Somebody's server, on this machine: it takes messages, refuses them, or says nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "a-token-that-nobody-may-see-4711"


class Receiver:
    def __init__(self) -> None:
        self.status = 200
        self.messages: list[dict[str, Any]] = []
        self.calls = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.calls += 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.may_answer.wait(20)
                if receiver.status == 200 and body:
                    receiver.messages.append(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *args: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_port}/{TOKEN}"

    @property
    def address(self) -> str:
        return f"json://{self.place}"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.messages]

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()
