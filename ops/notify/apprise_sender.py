"""The only user of apprise. It is imported when the first message is sent, in the process that sends."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ops.notify.decisions import Severity

# where somebody's server reads a message slowly, its thread waits and nobody else
CONNECT_SECONDS, READ_SECONDS = 4.0, 8.0
UNREACHED = "it could not be reached, or did not answer in time"
_TYPES = {
    Severity.LOW: "info",
    Severity.MEDIUM: "info",
    Severity.HIGH: "warning",
    Severity.CRITICAL: "failure",
}
_ANSWER = re.compile(r"error=(\d{3})\b")
# paths of addresses are tokens, and these write them into their lines
_TALKATIVE = ("apprise", "urllib3", "requests")


def send(address: str, title: str, body: str, severity: Severity) -> str:
    """Why it was not taken, in our words: what apprise and its libraries say may hold the address."""
    import apprise

    with _overheard() as lines:
        # by itself, in this thread: those that hang would use up the threads that apprise keeps for all
        service = apprise.Apprise.instantiate(address, asset=apprise.AppriseAsset(secure_logging=True))
        if service is None:
            return "no service has such an address"
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
        if service.notify(body=body or title, title=title if body else "", notify_type=_TYPES[severity]):
            return ""
    answer = _ANSWER.search("\n".join(lines))
    return f"it answered {answer[1]}" if answer else UNREACHED


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What apprise says in this thread, and nobody else hears."""
    lines: list[str] = []
    handler = _OfThisThread(lines)
    for name in _TALKATIVE:
        logging.getLogger(name).propagate = False
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("apprise").addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger("apprise").removeHandler(handler)


class _OfThisThread(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines, self._thread = lines, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._lines.append(record.getMessage())
