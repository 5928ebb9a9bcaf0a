"""One terminal for all programs, and one rotating log for each."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.segment import Segments
from rich.text import Text

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")
LOG_BYTES = 10_000_000
LOG_FILES = 5
KEPT_LINES = 20
EDGES = "│  │"


class Terminal:
    def __init__(self, logs: Path, console: Console | None = None) -> None:
        self.console = console or Console()
        self.logs = logs
        self._handlers: dict[str, RotatingFileHandler] = {}
        self._last: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=KEPT_LINES))

    def line(self, name: str, text: str, *, quiet: bool = False) -> None:
        self._last[name].append(text)
        self._log(name).emit(logging.makeLogRecord({"msg": text}))
        if not quiet:
            self._show(name, Text.from_ansi(text))

    def note(self, text: str, style: str = "bold") -> None:
        self._show("up", Text(text, style=style))
        self._log("up").emit(logging.makeLogRecord({"msg": text}))

    def box(self, text: str, title: str) -> None:
        """For eyes only: never in a log, as it may hold a first password. As wide as its lines: an address that a
        narrow terminal breaks can be copied whole, one that was cut leads nowhere."""
        width = max(map(cell_len, text.split("\n"))) + len(EDGES)
        panel = Panel(Text(text), title=title, expand=False)
        self._print(Segments(self.console.render(panel, self.console.options.update_width(width))))

    def last_lines(self, name: str) -> list[str]:
        return list(self._last[name])

    def close(self) -> None:
        for handler in self._handlers.values():
            handler.close()

    def _show(self, name: str, text: Text) -> None:
        colour = "bold white" if name == "up" else COLOURS[sum(name.encode()) % len(COLOURS)]
        prefix = Text(f"{name:<9}│ ", style=colour)
        self._print(prefix + text)

    def _print(self, what: RenderableType) -> None:
        try:
            self.console.print(what, soft_wrap=True, highlight=False)
        except (OSError, ValueError, SystemExit):  # rich ends the program when the reader has gone
            self.console = Console(quiet=True)  # trading goes on, and the logs tell

    def _log(self, name: str) -> RotatingFileHandler:
        if name not in self._handlers:
            self._handlers[name] = RotatingFileHandler(
                self.logs / f"{name}.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
            )
        return self._handlers[name]
