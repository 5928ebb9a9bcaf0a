"""`up` from the outside, in a checkout whose programs are a few lines each; the servers are real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.ops.waiting import until
from tests.sampling import sample

UP = """
import sys
from pathlib import Path
from ops.launcher import run_plan
from ops.plan import read_plan
from ops.program import CannotStart
try: sys.exit(run_plan(read_plan(sys.argv[2:], base=Path(sys.argv[1]))))
except CannotStart as refusal: sys.exit(str(refusal))
"""
MANAGE = """
import http.server, json, os, sys, time
verb = sys.argv[1]
made = {"user": "admin", "password": "shown-once", "link_of": "admin", "link": "a-word"}
if verb == "first_start": print(json.dumps(made))
if verb == "dry_run_report" and "--file" in sys.argv:
    print("invariants: told")
    sys.exit(int(os.environ["REPORT_STATUS"]))
if verb == "paper_exchange":
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[3])), http.server.BaseHTTPRequestHandler).serve_forever()
"""
ASGI = """
async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})
"""


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "manage.py").write_text(MANAGE)
        (folder / "tradingbot").mkdir()
        (folder / "tradingbot" / "__init__.py").touch()
        (folder / "tradingbot" / "asgi.py").write_text(ASGI)
        (folder / "screen").touch()

    @contextmanager
    def up(self, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        own = ("DATABASE_URL", "REDIS_URL", "PAPER_EXCHANGE_URL", "SECRET_KEY", "FIELD_KEYS", "DRY_RUN")
        env = {name: value for name, value in os.environ.items() if name not in own} | environment
        command = [sys.executable, "-c", UP, str(self.folder), "--mode", "web", "--port", "0", *arguments]
        with (self.folder / "screen").open("w") as screen:
            run = subprocess.Popen(command, env=env, stdout=screen, stderr=screen, text=True)
        try:
            yield run
        finally:
            run.terminate()
            run.wait(60)

    def screen(self) -> str:
        return (self.folder / "screen").read_text()

    def await_page(self) -> str:
        until(lambda: "Ctrl-C" in self.screen(), "the box that says where to look", 60)
        return next(word for word in self.screen().split() if word.startswith("http://"))

    def processes(self) -> list[int]:
        return [process.pid for process in psutil.process_iter() if str(self.folder) in _words(process)]


def _words(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join([*process.cmdline(), process.cwd()])
    return ""


def page(url: str) -> bytes:
    with urlopen(url) as answer:  # noqa: S310  (an address of our own)
        return answer.read()


@pytest.fixture
def checkout(short_folder: Callable[[], Path]) -> Checkout:
    return Checkout(short_folder())


def test_starts_shows_where_to_look_and_stops_cleanly(checkout: Checkout) -> None:
    with checkout.up() as run:
        url = checkout.await_page()
        assert page(url) == b"here"
        assert "PAPER: no real orders" in checkout.screen()
        assert "admin / shown-once" in checkout.screen()
        assert "/accounts/link/#a-word" in checkout.screen()
        env_file = checkout.folder / "var" / "run.env"
        assert env_file.stat().st_mode & 0o777 == 0o600
        assert "DATABASE_URL='postgresql://" in env_file.read_text()
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 0
        assert not env_file.exists()
    assert checkout.processes() == []
    logs = "".join(path.read_text() for path in (checkout.folder / "var" / "log").iterdir())
    assert "shown-once" not in logs
    assert "a-word" not in logs


def test_a_killed_supervisor_takes_all_with_it_and_the_next_start_works(checkout: Checkout) -> None:
    with checkout.up() as run:
        checkout.await_page()
        run.kill()
        run.wait()
        until(lambda: not checkout.processes(), "the end of all children")
    with checkout.up():
        assert page(checkout.await_page()) == b"here"


def test_a_killed_page_and_killed_servers_come_back(checkout: Checkout) -> None:
    with checkout.up() as run:
        url = checkout.await_page()
        for child in psutil.Process(run.pid).children():
            child.kill()
        for name in ("web", "postgres", "redis", "paper"):
            until(lambda n=name: f"{n} ended (SIGKILL)" in checkout.screen(), f"word of the death of {name}")

        def answers() -> bool:
            with suppress(OSError):
                return page(url) == b"here"
            return False

        until(answers, "the page's return")
        assert run.poll() is None
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0
    assert checkout.processes() == []


def test_a_second_up_says_who_holds_the_folder(checkout: Checkout) -> None:
    with checkout.up() as first:
        checkout.await_page()
        command = [sys.executable, "-c", UP, str(checkout.folder), "--mode", "web", "--port", "0"]
        second = subprocess.run(command, capture_output=True, text=True)
        assert second.returncode == 1
        assert f"in use by another run (process {first.pid}, since" in second.stderr
        assert first.poll() is None


@pytest.mark.soak
def test_a_taken_port_ends_the_start_and_nothing_else(checkout: Checkout) -> None:
    with checkout.up() as first:
        port = checkout.await_page().rstrip("/").rpartition(":")[2]
        command = [sys.executable, "-c", UP, str(checkout.folder), "--mode", "web", "--port", port]
        second = subprocess.run(
            [*command, "--data", str(checkout.folder / "b")], capture_output=True, text=True
        )
        assert second.returncode == 1
        assert f"Port {port} on 127.0.0.1 cannot be used (taken by process" in second.stderr
        assert first.poll() is None


@pytest.mark.parametrize("status", sample([1, 0], 2))
def test_a_timed_run_ends_with_the_status_of_its_report(checkout: Checkout, status: int) -> None:
    report = str(checkout.folder / "out" / "report.yaml")
    with checkout.up("--duration", "0.1", "--report", report, REPORT_STATUS=str(status)) as run:
        assert run.wait(60) == status
    assert "invariants: told" in checkout.screen()
    assert checkout.processes() == []


def test_a_step_that_fails_ends_the_start_with_its_words(checkout: Checkout) -> None:
    (checkout.folder / "manage.py").write_text(
        MANAGE + "if verb == 'migrate': sys.exit('CommandError: It is an old bot.')"
    )
    with checkout.up() as run:
        assert run.wait(60) == 1
    assert "│ It is an old bot." in checkout.screen()
    assert checkout.processes() == []


def test_what_a_migration_left_alone_is_shown_and_kept(checkout: Checkout) -> None:
    left = ["nobody looks after row 301: it waits", "nobody looks after row 302: it waits"]
    (checkout.folder / "manage.py").write_text(
        MANAGE + f"if verb == 'migrate': print({left[0]!r}, {left[1]!r}, sep=chr(10))"
    )
    with checkout.up():
        checkout.await_page()
        shown = checkout.screen()
    logs = "".join(path.read_text() for path in (checkout.folder / "var" / "log").iterdir())
    for line in left:
        assert (shown.count(line), logs.count(line)) == (1, 1)


def test_live_without_permission_starts_nothing(checkout: Checkout) -> None:
    with checkout.up("--live") as run:
        assert run.wait(60) == 1
    assert "also needs DRY_RUN=false" in checkout.screen()
    assert not (checkout.folder / "var").exists()


def test_a_stop_during_the_start_is_a_clean_stop(checkout: Checkout) -> None:
    (checkout.folder / "manage.py").write_text(
        MANAGE + "if verb == 'migrate':\n    open('migrating', 'w').close()\n    time.sleep(60)"
    )
    with checkout.up() as run:
        until(lambda: (checkout.folder / "migrating").exists(), "the migration")
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 0
    assert checkout.processes() == []


def test_fresh_forgets_the_folder_it_is_given(checkout: Checkout) -> None:
    data = checkout.folder / "run"
    (data / "old").mkdir(parents=True)
    (data / "old" / "file").touch()
    (data / "keys.env").write_text("SECRET_KEY='old'")
    with checkout.up("--duration", "0.1", "--data", str(data), "--fresh") as run:
        assert run.wait(60) == 0
    assert not (data / "old").exists()
    assert "SECRET_KEY='old'" not in (data / "keys.env").read_text()


def test_manage_py_says_refusals_in_one_sentence(tmp_path: Path) -> None:
    manage = Path(__file__).resolve().parents[2] / "manage.py"
    command = [
        sys.executable,
        str(manage),
        "up",
        "--data",
        str(tmp_path),
        "--config",
        str(tmp_path / "none.yaml"),
    ]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("There is no configuration file")
    assert run.stderr.count("\n") == 1
