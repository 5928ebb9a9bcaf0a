"""Ask every question. One that breaks is an answer too, and keeps no other from being asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ops.redaction import redacted_text
from ops.verification.verdicts import CannotAsk, Finding, raised, unknown

logger = logging.getLogger(__name__)
Check = Callable[[], Finding]
MOST_WORDS = 300


def run_all(checks: Mapping[str, Check]) -> dict[str, Finding]:
    return {name: run_one(check) for name, check in checks.items()}


def run_one(check: Check) -> Finding:
    try:
        return check()
    except CannotAsk as why:
        return unknown(str(why))
    except Exception as error:
        words = redacted_text(" ".join(f"{type(error).__name__}: {error}".split()))[:MOST_WORDS]
        logger.error("a check broke: %s", words)
        return raised(words)
