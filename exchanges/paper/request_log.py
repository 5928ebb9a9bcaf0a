"""Every request the paper exchange got, in memory and as JSON lines."""

from __future__ import annotations

import json
import time
from collections import deque
from pathlib import Path
from typing import Any

KEPT = 50_000
Line = dict[str, Any]


class RequestLog:
    def __init__(self, path: Path | None) -> None:
        self._file = path.open("a", encoding="utf-8") if path else None
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._count = 0

    def begin(self, **line: Any) -> Line:
        return {"at": time.time()} | line

    def finish(self, entry: Line, status: int | None, code: int | None) -> None:
        """Lines are numbered as they are finished, so that who asks for what is new misses none.
        A status of None: no answer left."""
        self._count += 1
        entry |= {"n": self._count, "status": status, "code": code}
        self._lines.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def since(self, number: int) -> list[Line]:
        return [line for line in self._lines if line["n"] > number]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
