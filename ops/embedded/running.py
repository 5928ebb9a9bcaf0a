"""Run servers without the supervisor: for the test run and for tools."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ops.program import CannotStart, Program

POLL_SECONDS = 0.05


@contextmanager
def running(programs: Sequence[Program], logs: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start in order, wait until each answers, stop in reverse order."""
    with ExitStack() as stack:
        yield [stack.enter_context(_one(program, logs)) for program in programs]


@contextmanager
def _one(program: Program, logs: Path) -> Iterator[subprocess.Popen[bytes]]:
    program.before_start()
    log = logs / f"{program.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            program.argv(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, **program.spawn_options()
        )
    try:
        _await_ready(program, process, log)
        yield process
    finally:
        stop(program, process)


def _await_ready(program: Program, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + program.ready_seconds
    while not program.is_ready():
        if process.poll() is not None:
            lines = log.read_text(errors="replace").splitlines()[-5:]
            raise CannotStart(f"{program.name} ended at once: {' / '.join(lines)}")
        if time.monotonic() > deadline:
            raise CannotStart(f"{program.name} did not answer in {program.ready_seconds:.0f} s; see {log}.")
        time.sleep(POLL_SECONDS)


def stop(program: Program, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(program.stop_signal)
    try:
        process.wait(program.stop_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
