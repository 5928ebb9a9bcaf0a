"""The supervisor with programs of a few lines."""

from __future__ import annotations

import asyncio
import io
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from ops.leftovers import ChildRecord
from ops.program import CannotStart, Program
from ops.supervisor import GaveUp, Supervisor, delay_after_failure
from ops.terminal import Terminal
from tests.ops.waiting import until

pytestmark = pytest.mark.asyncio

SAYS_WHEN_IT_STARTS_AND_ENDS = """
import pathlib, signal, sys, time
log = pathlib.Path(sys.argv[1])
def note(word):
    with log.open("a") as file: file.write(f"{word} {sys.argv[2]}\\n")
signal.signal(signal.SIGTERM, lambda *_: (note("end"), sys.exit(0)))
note("start")
while True: time.sleep(60)
"""


class Stage:
    """A supervisor, what it printed, and the diary its programs write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.screen = io.StringIO()
        self.diary = folder / "diary"
        self.diary.touch()
        self.record = ChildRecord(folder / "children.json")
        self.terminal = Terminal(folder, Console(file=self.screen, width=200))
        self.supervisor = Supervisor(self.terminal, self.record)

    def program(self, name: str, **options: object) -> Program:
        return self.script(name, SAYS_WHEN_IT_STARTS_AND_ENDS, str(self.diary), name, **options)

    def script(self, name: str, code: str, *arguments: str, **options: object) -> Program:
        return Program(name, [sys.executable, "-c", code, *arguments], **options)  # type: ignore[arg-type]

    def lines(self) -> list[str]:
        return self.diary.read_text().splitlines()

    async def until(self, count: int) -> None:
        await asyncio.to_thread(until, lambda: len(self.lines()) >= count, f"line {count} of the diary")


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    await stage.supervisor.stop_all()
    stage.terminal.close()


async def test_stops_in_reverse_order(stage: Stage) -> None:
    for name in ("first", "second", "third"):
        await stage.supervisor.start(
            stage.program(name, is_ready=lambda n=name: f"start {n}" in stage.lines())
        )
    await stage.supervisor.stop_all()
    assert stage.lines()[3:] == ["end third", "end second", "end first"]
    assert stage.record.rows == {}


async def test_brings_a_killed_program_back(stage: Stage) -> None:
    await stage.supervisor.start(stage.program("worker"))
    await stage.until(1)
    spawned = stage.supervisor.children["worker"].spawned
    assert spawned
    spawned.process.kill()
    await stage.until(2)
    assert "worker ended (SIGKILL); starting it again in 0.5 s" in stage.screen.getvalue()
    assert not stage.supervisor.gave_up.done()


async def test_gives_up_after_five_failures_and_shows_the_last_lines(stage: Stage) -> None:
    bad = stage.script("bad", "import sys; sys.exit('no money left')", is_ready=lambda: False)
    before = time.monotonic()
    with pytest.raises(GaveUp, match=r"bad failed 5 times .*status 1.*\n  no money left"):
        await stage.supervisor.start(bad)
    assert time.monotonic() - before > 7  # 0.5 + 1 + 2 + 4
    assert (stage.folder / "bad.log").read_text() == "no money left\n" * 5


async def test_a_refusal_is_not_tried_again(stage: Stage) -> None:
    def refuse() -> None:
        raise CannotStart("Install it first.")

    with pytest.raises(GaveUp, match=r"^Install it first\.$"):
        await stage.supervisor.start(stage.program("never", before_start=refuse, is_ready=lambda: False))
    assert stage.lines() == []


async def test_says_which_program_never_answers(stage: Stage) -> None:
    mute = stage.program("mute", is_ready=lambda: False, ready_seconds=0.2)
    with pytest.raises(CannotStart, match=r"mute did not answer in 0\.2 s; read .*mute\.log"):
        await stage.supervisor.start(mute)


async def test_kills_what_does_not_listen(stage: Stage) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    code += "; print('deaf', flush=True); time.sleep(60)"
    deaf = stage.script("deaf", code, stop_seconds=0.3)
    await stage.supervisor.start(deaf)
    await asyncio.to_thread(until, lambda: "deaf" in stage.terminal.last_lines("deaf"), "its first line")
    spawned = stage.supervisor.children["deaf"].spawned
    await stage.supervisor.stop("deaf")
    assert spawned
    assert spawned.process.returncode == -signal.SIGKILL


async def test_a_grandchild_with_the_pipe_open_hides_no_death(stage: Stage) -> None:
    code = (
        "import subprocess,sys; p = subprocess.Popen(['sleep', '8']); print('left', flush=True); sys.exit(3)"
    )
    async with asyncio.timeout(5):
        status, lines = await stage.supervisor.run_once(stage.script("step", code))
    assert (status, lines) == (3, ["left"])


async def test_the_last_line_without_an_end_is_heard(stage: Stage) -> None:
    code = "import sys; sys.stdout.write('x' * 200_000 + '\\nlast')"
    status, lines = await stage.supervisor.run_once(stage.script("step", code))
    assert status == 0
    assert "".join(lines) == "x" * 200_000 + "last"


async def test_failures_outside_the_window_are_forgiven() -> None:
    failures: deque[float] = deque()
    assert [delay_after_failure(failures, now) for now in (0, 1, 2, 3)] == [0.5, 1, 2, 4]
    assert delay_after_failure(failures, 61.5) == 2
    assert [delay_after_failure(failures, 61.6), delay_after_failure(failures, 61.7)] == [4, None]


async def test_leftovers_are_ended_but_strangers_with_their_number_are_not(stage: Stage) -> None:
    await stage.supervisor.start(stage.program("worker"))
    await stage.until(1)
    spawned = stage.supervisor.children["worker"].spawned
    assert spawned
    row = stage.record.rows["worker"]
    stranger = {"pid": row["pid"], "started": float(str(row["started"])) - 100}
    other = ChildRecord(stage.folder / "other.json", {"stranger": stranger})
    other._write()
    assert other.end_leftovers() == []
    assert spawned.process.returncode is None
    found = await asyncio.to_thread(ChildRecord(stage.record.path).end_leftovers)
    assert found == ["worker"]


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError("the terminal was closed")


async def test_a_closed_terminal_stops_nothing(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, Console(file=Gone()))
    terminal.box("one", "title")
    terminal.line("worker", "two")
    terminal.line("worker", "three")
    terminal.close()
    assert (tmp_path / "worker.log").read_text() == "two\nthree\n"


async def test_a_narrow_terminal_cuts_no_address(tmp_path: Path) -> None:
    screen = io.StringIO()
    terminal = Terminal(tmp_path, Console(file=screen, width=80))
    address = "http://127.0.0.1:8000/accounts/link/#" + "a" * 43
    terminal.box(f"Live page  here\nOr once    {address}\n           (on this machine)", "PAPER")
    assert f"Or once    {address}" in screen.getvalue()
