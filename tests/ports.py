"""Ports for programs of tests, which may be killed and come back to them: none of those that the system gives to
whoever connects or asks for any, so that nobody takes one up meanwhile."""

from __future__ import annotations

import random
import socket
from itertools import cycle

FIRST, LAST = 20_000, 30_000
_numbers = range(FIRST, LAST)
_start = random.SystemRandom().randrange(len(_numbers))  # of each test process another
_left = cycle([*_numbers[_start:], *_numbers[:_start]])


def free_port() -> int:
    """Another one each time."""
    return next(port for port in _left if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
