"""Every request the paper exchange got, in memory and as JSON lines."""

from __future__ import annotations

import json
import time
from collections import deque
from pathlib import Path
from typing import Any

KEPT = 50_000


class RequestLog:
    def __init__(self, path: Path | None) -> None:
        self._file = path.open("a", encoding="utf-8") if path else None
        self._lines: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._count = 0

    def add(self, **line: Any) -> dict[str, Any]:
        """Returns the line; status and code are filled in by finish()."""
        self._count += 1
        entry = {"n": self._count, "at": time.time()} | line
        self._lines.append(entry)
        return entry

    def finish(self, entry: dict[str, Any], status: int | None, code: int | None) -> None:
        entry |= {"status": status, "code": code}
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def since(self, number: int) -> list[dict[str, Any]]:
        return [line for line in self._lines if line["n"] > number and "status" in line]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
