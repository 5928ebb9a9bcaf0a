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
_SECRETS = (
    "token", "secret", "passw", "passphrase", "apikey", "privatekey", "authorization", "signature", "cookie",
)  # fmt: skip
# Each takes time that grows as the text does, and no faster: every word is taken whole, be it a name or not
_ESCAPE = re.compile(r"\\{1,2}u([0-9a-fA-F]{4})")
_NAME = re.compile(
    r"""((?:[\w-]|\\{1,2}u[0-9a-f]{4})++)((?:\\{0,3}["'])?\s*+[:=]{1,2}>?\s*+(?:(?:bearer|basic)\s++)?)?""",
    re.IGNORECASE,
)
_PIECE = re.compile(
    r"""[bru]?"(?:[^"\\]|\\.)*+"?|[bru]?'(?:[^'\\]|\\.)*+'?|\\++["'][^"']*+["']?|[^\s"',;&()\[\]{}]++|.""",
    re.IGNORECASE | re.DOTALL,
)
_BEARER = re.compile(r"(\bbearer\s++)\S+", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://)[^/\s@]++@")
_LOOKS_SECRET = re.compile(r"[A-Za-z0-9_-]{40,}+")  # keys, tokens, signatures; our client ids stop at 36


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
    return _LOOKS_SECRET.sub(HIDDEN, without_secrets(clean))[:LONGEST_TEXT]


def without_secrets(text: str) -> str:
    """What a secret's name stands before is hidden: JSON or not, in either quotes or none, whole or cut off."""
    kept, at = [], 0
    for name in _NAME.finditer(text):
        if name[2] is None or name.start() < at or not _is_secret(name[1]):
            continue
        end = _end_of_value(text, name.end())
        if end > name.end():
            quote = text[name.end()] if text[name.end()] in "\"'" else ""
            kept += [text[at : name.end()], quote, HIDDEN, quote]
            at = end
    clean = "".join([*kept, text[at:]])
    return _IN_ADDRESS.sub(rf"\1{HIDDEN}@", _BEARER.sub(rf"\1{HIDDEN}", clean))


def _is_secret(name: str) -> bool:
    plain = (
        _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), name).lower().replace("_", "").replace("-", "")
    )
    return any(secret in plain for secret in _SECRETS)


def _end_of_value(text: str, at: int) -> int:
    """Of a list or an object where its bracket is closed; `at` where there is no value."""
    depth = 0
    for piece in _PIECE.finditer(text, at):
        depth += (piece[0] in "[{(") - (piece[0] in "]})")
        if depth < 0 or (depth == 0 and piece[0] in ",;&"):
            return at
        at = piece.end()
        if depth == 0:
            return at
    return len(text)


def _part(name: str, value: object, depth: int) -> Any:
    return HIDDEN if _is_secret(name) else redacted(value, depth + 1)


def _said(value: object) -> str:
    try:
        return value if isinstance(value, str) else str(value)
    except Exception:
        return f"a {type(value).__name__} that cannot be said"
