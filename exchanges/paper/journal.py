"""What was answered survives a kill: each change is one appended line, written before the answer leaves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from exchanges.paper import persistence
from exchanges.paper.matching import Engine

CONDENSED_AFTER = 32_000_000


class Journal:
    """The file starts as the whole state, one record a line, and grows by lists of records, one change a line.
    A kill in the middle of a write leaves half a line: that whole change, of which nobody was told, is dropped."""

    def __init__(self, path: Path | None, condensed_after: int = CONDENSED_AFTER) -> None:
        self._path, self._condensed_after = path, condensed_after
        self._file: TextIO | None = None
        self._grown = 0

    def open(self, engine: Engine) -> None:
        """Load what is there into the engine."""
        self._engine = engine
        if self._path is not None:
            if self._path.exists():
                persistence.restore(engine, self._read(self._path))
            self._condense(self._path)

    def append(self, records: Sequence[persistence.Record]) -> None:
        """The engine must already be what the records say."""
        if self._file is None or self._path is None:
            return
        self._grown += self._file.write(_line(records))
        self._file.flush()
        if self._grown > self._condensed_after:
            self._condense(self._path)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _condense(self, path: Path) -> None:
        self.close()
        fresh = path.with_name(path.name + ".new")
        fresh.write_text("".join(map(_line, persistence.snapshot(self._engine))), encoding="utf-8")
        fresh.replace(path)
        self._file, self._grown = path.open("a", encoding="utf-8"), 0

    def _read(self, path: Path) -> Iterable[persistence.Record]:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    found = json.loads(line)
                    yield from found if isinstance(found, list) else [found]


def _line(fact: persistence.Record | Sequence[persistence.Record]) -> str:
    return json.dumps(fact, separators=(",", ":")) + "\n"
