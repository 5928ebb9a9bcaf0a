"""What was answered survives a kill: changes are appended before the answer leaves, and condensed at start."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from exchanges.paper import persistence
from exchanges.paper.matching import Engine


class Journal:
    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def open(self, engine: Engine) -> None:
        """Load what is there into the engine, then start a condensed file."""
        if self._path is None:
            return
        if self._path.exists():
            persistence.restore(engine, self._read(self._path))
        fresh = self._path.with_suffix(".new")
        fresh.write_text("".join(_line(record) for record in persistence.snapshot(engine)), encoding="utf-8")
        fresh.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")

    def append(self, records: Iterable[persistence.Record]) -> None:
        if self._file is not None:
            self._file.write("".join(map(_line, records)))
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, path: Path) -> Iterable[persistence.Record]:
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith(
                "\n"
            ):  # a kill in the middle of a write leaves half a line that nobody was told of
                yield json.loads(line)


def _line(record: persistence.Record) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"
