"""One process: started, listened to line by line, ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ops.program import Program

LAST_WORDS_SECONDS = 1.0
CHUNK = 65536

Listener = Callable[[str], None]


@dataclass
class Spawned:
    program: Program
    process: asyncio.subprocess.Process
    listening: asyncio.Task[None]

    async def wait(self) -> int:
        """Exit status, after what it said last has been heard."""
        status = await self.process.wait()
        # a grandchild may keep the pipe open for ever; it must not hide this death
        await asyncio.wait({self.listening}, timeout=LAST_WORDS_SECONDS)
        self.listening.cancel()
        return status

    async def end(self) -> None:
        """Ask, wait, and only then kill the whole group."""
        self._send(self.program.stop_signal)
        try:
            await asyncio.wait_for(self.process.wait(), self.program.stop_seconds)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    def _send(self, wanted: signal.Signals) -> None:
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(wanted)


async def spawn(program: Program, on_line: Listener) -> Spawned:
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *program.argv(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            **program.spawn_options(),
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return Spawned(program, process, asyncio.create_task(_listen(reading, on_line)))


async def _listen(descriptor: int, on_line: Listener) -> None:
    stream = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), pipe
    )
    rest = b""
    try:
        while chunk := await stream.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                on_line(line.decode(errors="replace"))
            if len(rest) > CHUNK:  # no line is worth more memory than this
                on_line(rest.decode(errors="replace"))
                rest = b""
    finally:
        if rest:
            on_line(rest.decode(errors="replace"))
        transport.close()
