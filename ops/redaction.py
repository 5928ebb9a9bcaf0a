"""What must not be kept of a text or of details: secrets, and more than anybody reads. Pure, and never raises."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "…"
LONGEST_TEXT = 2000
MOST_PARTS = 100
DEEPEST = 5
LARGEST_NUMBER = 10**30
_NAMES = r"(?:token|secret|passw(?:or)?d|passphrase|api_?-?key|private_?-?key|authorization|signature|cookie)"
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_NAMED = re.compile(rf"""(\w*{_NAMES}\w*["']?\s*[:=]\s*(?:bearer\s+)?["']?)[^\s"',;&}}]+""", re.IGNORECASE)
_BEARER = re.compile(r"(\bbearer\s+)\S+", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(\w+://)[^/\s@]+@")
_LOOKS_SECRET = re.compile(r"[A-Za-z0-9_-]{40,}")  # keys, tokens, signatures; our client ids stop at 36


def redacted(value: object, depth: int = 0) -> Any:
    """As JSON that PostgreSQL takes, without secrets."""
    if value is None or (isinstance(value, int) and abs(value) < LARGEST_NUMBER):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= DEEPEST:
        return HIDDEN
    if isinstance(value, Mapping):
        parts = [(_said(key), part) for key, part in list(value.items())[:MOST_PARTS]]
        return {redacted_text(name): _part(name, part, depth) for name, part in parts}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one, depth + 1) for one in list(value)[:MOST_PARTS]]
    return redacted_text(_said(value))


def redacted_text(text: str) -> str:
    """No NUL and no lone surrogates either."""
    clean = text[: LONGEST_TEXT * 2].encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\0")
    for pattern, left in (
        (_NAMED, rf"\1{HIDDEN}"),
        (_BEARER, rf"\1{HIDDEN}"),
        (_IN_ADDRESS, rf"\1{HIDDEN}@"),
    ):
        clean = pattern.sub(left, clean)
    return _LOOKS_SECRET.sub(HIDDEN, clean)[:LONGEST_TEXT]


def _part(name: str, value: object, depth: int) -> Any:
    return HIDDEN if _SECRET_NAME.search(name) else redacted(value, depth + 1)


def _said(value: object) -> str:
    try:
        return value if isinstance(value, str) else str(value)
    except Exception:
        return f"a {type(value).__name__} that cannot be said"
