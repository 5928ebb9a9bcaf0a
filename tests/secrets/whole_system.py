"""`manage.py up` with an environment full of planted secrets, and somebody who types more of them into it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
import requests
from dotenv import dotenv_values

from tests.ops.waiting import until
from tests.secrets.planting import Planted
from tradingbot.environment import BASE_DIR

START_SECONDS = 300  # everything, on a machine that is busy with other tests
PAUSE_SECONDS = 60


@dataclass
class WholeSystem:
    folder: Path
    planted: Planted
    env: dict[str, str] = field(repr=False)

    @contextmanager
    def up(self) -> Iterator[None]:
        command = [sys.executable, str(BASE_DIR / "manage.py"), "up", "--port", "0", "--data", str(self.data)]
        with self.screen.open("w") as screen:
            run = subprocess.Popen(command, env=self.env, cwd=self.folder, stdout=screen, stderr=screen)
        try:
            until(
                lambda: run.poll() is not None or "Ctrl-C" in self.said(),
                "everything to be up",
                START_SECONDS,
            )
            assert run.poll() is None, self.said()[-3000:]
            yield
        finally:
            run.terminate()
            run.wait(START_SECONDS)

    @property
    def data(self) -> Path:
        return self.folder / "var"

    @property
    def screen(self) -> Path:
        return self.folder / "screen"

    def said(self) -> str:
        return self.screen.read_text()

    @property
    def run_env(self) -> dict[str, str]:
        return {
            name: value or ""
            for name, value in dotenv_values(self.data / "run.env", interpolate=False).items()
        }

    @property
    def doors(self) -> str:
        """Where signals are sent over HTTP."""
        url = urlsplit(self.run_env["SIGNALS_URL"])
        return f"http://{url.netloc}"

    @property
    def first_password(self) -> str:
        (found,) = re.findall(r"Sign in\s+\w+ / (\S+)", self.said())
        return str(found)

    @property
    def link_word(self) -> str:
        (found,) = re.findall(r"/accounts/link/#(\S+)", self.said())
        return str(found)

    def manage(self, *words: str, **changed: str) -> str:
        """What a command says, whatever becomes of it; heard."""
        done = subprocess.run(
            [sys.executable, str(BASE_DIR / "manage.py"), *words], env=self.env | self.run_env | changed,
            cwd=self.folder, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        self.planted.hear(f"manage.py {words[0]}", done.stdout + done.stderr)
        return done.stdout

    def logs(self) -> Iterator[tuple[str, str]]:
        for file in sorted((self.data / "log").iterdir()):
            yield file.name, file.read_text(errors="replace")


@contextmanager
def listening_to(url: str, planted: Planted) -> Iterator[None]:
    """Every command that anybody gives Redis: arguments of tasks are in none of its values for long."""
    client = redis.Redis.from_url(url, decode_responses=True, encoding_errors="replace")
    pubsub = client.monitor()
    pubsub.__enter__()
    ends = threading.Event()

    def listen() -> None:
        while not ends.is_set():
            planted.hear("what Redis is told", pubsub.next_command()["command"])

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        client.set("the-last-word", "1")
        client.delete("the-last-word")
        thread.join(10)


class Browser:
    """Somebody at the pages. Every answer is heard, head and body, unless it is where a secret is shown once."""

    def __init__(self, origin: str, planted: Planted) -> None:
        self.origin, self.planted, self.http = origin, planted, requests.Session()

    def get(self, path: str, *, shows: bool = False, **words: Any) -> requests.Response:
        return self._heard(self.http.get(self.origin + path, timeout=PAUSE_SECONDS, **words), shows)

    def post(
        self, path: str, form: dict[str, Any], *, shows: bool = False, **words: Any
    ) -> requests.Response:
        """With the page's own token against forgery; follows where it leads."""
        if "csrftoken" not in self.http.cookies:
            self.get("/accounts/login/")
        token = {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        answer = self.http.post(
            self.origin + path,
            form | token,
            headers={"Referer": self.origin + path},
            timeout=PAUSE_SECONDS,
            **words,
        )
        return self._heard(answer, shows)

    def call(self, method: str, path: str, **words: Any) -> requests.Response:
        """As a program without cookies."""
        return self._heard(
            requests.request(method, self.origin + path, timeout=PAUSE_SECONDS, **words), False
        )

    def _heard(self, answer: requests.Response, shows: bool) -> requests.Response:
        for one in (*answer.history, answer):
            body = "" if shows else one.text
            # the address of a question is the asker's word; where an answer sends him is ours
            self.planted.hear(
                "an answer", f"{one.request.method} {one.status_code} {dict(one.headers)} {body}"
            )
        return answer


def environment(planted: Planted, **more: str) -> dict[str, str]:
    ours = ("DATABASE_URL", "REDIS_URL", "PAPER_EXCHANGE_URL", "SECRET_KEY", "FIELD_KEYS", "DRY_RUN", "DEBUG")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PYTHONPATH": str(BASE_DIR), "LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"} | more
