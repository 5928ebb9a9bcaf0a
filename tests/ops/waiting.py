"""Wait for a fact, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

DEADLINE_SECONDS = 60.0  # only a failure waits so long; a busy machine needs more than an idle one
SOON, LATER = 0.02, 0.1  # questions cost those who shall answer them processor time


def until(is_true: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    deadline, pause = time.monotonic() + seconds, SOON
    while not is_true():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds:g} s"
        time.sleep(pause)
        pause = min(pause * 1.5, LATER)
