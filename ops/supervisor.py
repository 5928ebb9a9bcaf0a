"""Start programs, bring dead ones back more and more slowly, stop all in reverse order."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from ops.leftovers import ChildRecord
from ops.program import CannotStart, Program
from ops.spawning import Listener, Spawned, spawn
from ops.terminal import Terminal

FIRST_DELAY_SECONDS = 0.5
FAILURES_THAT_END_A_RUN = 5
FAILURE_WINDOW_SECONDS = 60.0
POLL_SECONDS = 0.1


class GaveUp(Exception):
    """A program kept dying; the text holds its last lines."""


@dataclass
class Child:
    program: Program
    spawned: Spawned | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    failures: deque[float] = field(default_factory=deque)
    life: asyncio.Task[None] | None = None


class Supervisor:
    """Made inside a running event loop; `gave_up` fails when a program cannot be kept alive."""

    def __init__(self, terminal: Terminal, record: ChildRecord) -> None:
        self.terminal = terminal
        self.record = record
        self.children: dict[str, Child] = {}
        self.gave_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, program: Program) -> None:
        """Returns when the program answers."""
        child = self.children[program.name] = Child(program)
        child.life = asyncio.create_task(self._keep_alive(child), name=program.name)
        await self._await_ready(program)

    async def run_once(self, program: Program) -> tuple[int, list[str]]:
        """A step that ends by itself: its status and the lines it said."""
        lines: list[str] = []
        spawned = await spawn(program, lines.append)
        self.record.add(program.name, spawned.process.pid)
        try:
            return await spawned.wait(), lines
        finally:
            await spawned.end()
            self.record.remove(program.name)

    async def stop(self, name: str) -> None:
        if child := self.children.pop(name, None):
            child.stopping.set()
            if child.spawned:
                await child.spawned.end()
            if child.life:
                await child.life

    async def stop_all(self) -> None:
        for name in reversed(list(self.children)):
            await self.stop(name)

    async def _keep_alive(self, child: Child) -> None:
        while True:
            try:
                how = await self._live(child)
            except CannotStart as refusal:
                return self._give_up(GaveUp(str(refusal)))
            if child.stopping.is_set():
                return
            delay = delay_after_failure(child.failures, time.monotonic())
            if delay is None:
                return self._give_up(self._last_words(child.program.name, how))
            self.terminal.note(
                f"{child.program.name} ended ({how}); starting it again in {delay:g} s", "yellow"
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(child.stopping.wait(), delay)

    async def _live(self, child: Child) -> str:
        """One life of a child, told by how it ended; what keeps it from starting counts as an end."""
        program = child.program
        try:
            await asyncio.to_thread(program.before_start)
            if child.stopping.is_set():
                return "stopped"
            child.spawned = await spawn(program, self._listener(program))
        except OSError as error:
            return str(error)
        self.record.add(program.name, child.spawned.process.pid)
        if child.stopping.is_set():
            await child.spawned.end()
        status = await child.spawned.wait()
        self.record.remove(program.name)
        return f"status {status}" if status >= 0 else signal.Signals(-status).name

    def _listener(self, program: Program) -> Listener:
        return lambda line: self.terminal.line(program.name, line, quiet=program.quiet)

    async def _await_ready(self, program: Program) -> None:
        deadline = time.monotonic() + program.ready_seconds
        while not await asyncio.to_thread(program.is_ready):
            if self.gave_up.done():
                await self.gave_up
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"{program.name} did not answer in {program.ready_seconds:g} s; "
                    f"read {self.terminal.logs / program.name}.log."
                )
            await asyncio.sleep(POLL_SECONDS)

    def _give_up(self, reason: GaveUp) -> None:
        if not self.gave_up.done():
            self.gave_up.set_exception(reason)

    def _last_words(self, name: str, how: str) -> GaveUp:
        last = "\n".join(f"  {line}" for line in self.terminal.last_lines(name))
        times = f"{FAILURES_THAT_END_A_RUN} times within {FAILURE_WINDOW_SECONDS:g} s"
        return GaveUp(
            f"{name} failed {times} (last: {how}), so everything is stopped; its last lines:\n{last}"
        )


def delay_after_failure(failures: deque[float], now: float) -> float | None:
    """Seconds until the next try, doubling; None after too many failures within the window."""
    failures.append(now)
    while failures[0] <= now - FAILURE_WINDOW_SECONDS:
        failures.popleft()
    if len(failures) >= FAILURES_THAT_END_A_RUN:
        return None
    return float(FIRST_DELAY_SECONDS * 2 ** (len(failures) - 1))
