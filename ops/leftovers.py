"""Which processes are ours, on disk, so that a start after SIGKILL can end what still runs."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from ops.data_folder import write_private

PATIENCE_SECONDS = 10
SAME_START_SECONDS = 2


@dataclass
class ChildRecord:
    """A process is known by number, start time and program: numbers alone are given out again."""

    path: Path
    rows: dict[str, dict[str, object]] = field(default_factory=dict)

    def add(self, name: str, pid: int) -> None:
        with suppress(psutil.Error):
            self.rows[name] = {"pid": pid, "started": psutil.Process(pid).create_time()}
            self._write()

    def remove(self, name: str) -> None:
        if self.rows.pop(name, None):
            self._write()

    def end_leftovers(self) -> list[str]:
        """Names of those that had to be ended."""
        found = self.alive()
        for process in found.values():
            with suppress(psutil.Error):
                process.terminate()
        _gone, alive = psutil.wait_procs(list(found.values()), timeout=PATIENCE_SECONDS)
        for process in alive:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=PATIENCE_SECONDS)
        self.path.unlink(missing_ok=True)
        return sorted(found)

    def alive(self) -> dict[str, psutil.Process]:
        return {name: process for name, row in self._read().items() if (process := _same_process(row))}

    def _read(self) -> dict[str, dict[str, object]]:
        try:
            return dict(json.loads(self.path.read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def _write(self) -> None:
        write_private(self.path, json.dumps(self.rows))


def _same_process(row: dict[str, object]) -> psutil.Process | None:
    with suppress(psutil.Error, KeyError, TypeError, ValueError):
        process = psutil.Process(int(str(row["pid"])))
        if abs(process.create_time() - float(str(row["started"]))) < SAME_START_SECONDS:
            return process
    return None
