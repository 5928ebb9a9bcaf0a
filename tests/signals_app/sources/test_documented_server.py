"""docs/signals.md as a new user follows it: the server that comes with the bot, and the settings that find it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from signals_app.management.commands.run_signal_server import of_file
from signals_app.reasons import ReasonCode
from signals_app.sources import configured
from signals_app.sources.link import LinkState
from signals_app.sources.server_client import ServerClient
from tests.ops.waiting import until
from tests.ports import free_port
from tradingbot.environment import Environment, load

BASE = Path(__file__).resolve().parents[3]
PAGE = (BASE / "docs/signals.md").read_text()
SECTION = PAGE.partition("## The legacy signal server")[2].partition("\n## ")[0]
PLAIN, SHELL = (re.search(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL)[1] for kind in ("", "bash"))


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture
def shell(port: int) -> Iterator[subprocess.Popen[str]]:
    """The documented line, at a port that is free here and with this Python."""
    line = SHELL.replace("8765", str(port)).replace(" python ", f" {shlex.quote(sys.executable)} ")
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(f"exec env {line}", shell=True, cwd=BASE, env=os.environ, **options) as process:  # noqa: S602
        assert process.stdout.readline() == f"ws://127.0.0.1:{port}\n"
        yield process
        process.terminate()
    assert process.returncode == -15


@pytest.fixture
def client(port: int, shell, tmp_path: Path, monkeypatch) -> Iterator[ServerClient]:
    """From the documented lines in an environment file."""
    (tmp_path / ".env").write_text(PLAIN.replace("8765", str(port)))
    monkeypatch.setitem(Environment.model_config, "env_file", str(tmp_path / ".env"))
    given = load()
    patience = replace(configured.patience(given), first_pause=0.05, refused_pause=0.05)
    made, stop = ServerClient(configured.address(given), patience), Event()
    thread = Thread(target=made.run, args=(stop,))
    thread.start()
    yield made
    stop.set()
    thread.join(10)


def test_the_documented_server_tells_waves_to_the_documented_client(client: ServerClient) -> None:
    got = client.wait_for_snapshot(0, 20)
    assert {record["recommended_action"] for record in got.records} == {"BUY", "SELL"}
    assert {"pair_symbol", "timestamp", "score_week", "max_trades_filter"} <= got.records[0].keys()


def test_its_terminal_makes_the_documented_trouble(client: ServerClient, shell) -> None:
    def typed(word: str) -> None:
        shell.stdin.write(word + "\n")
        shell.stdin.flush()

    first = client.wait_for_snapshot(0, 20)
    typed("refuse")
    typed("drop")
    until(lambda: client.status.refused_at, "the refusal")
    typed("silent")
    typed("well")
    assert client.wait_for_snapshot(first.number, 20).number > first.number
    assert client.status.state is LinkState.AUTHENTICATED


def test_a_server_without_token_does_not_start() -> None:
    command = [sys.executable, "manage.py", "run_signal_server", "--port", "0"]
    ended = subprocess.run(
        command,
        cwd=BASE,
        env=os.environ | {"SIGNAL_WS_TOKEN": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "Set SIGNAL_WS_TOKEN" in ended.stderr) == (1, True)


def test_every_code_on_the_page_is_one() -> None:
    table = SECTION.partition("### What the ledger says")[2].partition("\nA snapshot")[0]
    codes = set(re.findall(r"`([a-z_]+)`", table))
    assert len(codes) == 15
    assert codes <= set(ReasonCode)


def test_a_file_of_signals_is_read_anew_and_may_be_half_written(tmp_path: Path) -> None:
    told, seen = tmp_path / "signals.json", []
    for content in ('[{"id": 1}]', '[{"id": 1}, {"id"', '{"id": 1}', '[{"id": 2}]'):
        told.write_text(content)
        seen.append(of_file(told))
    assert seen == [[{"id": 1}], [], [], [{"id": 2}]]
    assert of_file(tmp_path / "none.json") == []
