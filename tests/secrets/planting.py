"""Secrets that nothing else looks like, and the search for them in whatever guise."""

from __future__ import annotations

import base64
import html
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import redis
from django.core import signing

SHORTEST_HALF = 8


def a_secret(length: int = 30) -> str:
    """Shorter than what redaction hides for its looks alone: where it is kept out, that has another reason."""
    return "Pq" + secrets.token_hex(length)[: length - 2]


def guises(value: str) -> Iterator[tuple[str, str]]:
    """(how, text): as it is, in halves, and as other layers would write it down."""
    half = len(value) // 2
    yield "as it is", value
    if half >= SHORTEST_HALF:
        yield "its first half", value[:half]
        yield "its second half", value[half:]
    for how, text in {
        "in an address": quote(value, safe=""),
        "in the path of an address": quote(value),
        "in JSON": json.dumps(value)[1:-1],
        "in HTML": html.escape(value),
        "backwards": value[::-1],
        "in hexadecimal": value.encode().hex(),
    }.items():
        if text != value:
            yield how, text
    yield from (("in base64", text) for text in _in_base64(value.encode()))


def _in_base64(value: bytes) -> Iterator[str]:
    """Wherever it begins in a longer text: what surely stands there, without the ends that its neighbours decide."""
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\x00" * before + value).decode()[4 if before else 0 :].rstrip("=")[:-2]


@dataclass
class Planted:
    """`known` are all secrets by name; `told` is what the system wrote, by where."""

    known: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)

    def plant(self, name: str, value: str = "") -> str:
        self.known[name] = value or a_secret()
        return self.known[name]

    def hear(self, where: str, text: str) -> None:
        self.told.setdefault(where, []).append(text)

    def leaks(self) -> list[str]:
        """One line each: which secret, where, in which guise, and what stands around it."""
        found = []
        for where, texts in self.told.items():
            whole = "\n".join(texts)
            for name, value in self.known.items():
                for how, text in guises(value):
                    if text in whole:
                        found.append(f"{name} {how} in {where}: {_around(whole, text)}")
                        break
        return found


def _around(whole: str, text: str) -> str:
    at = whole.index(text)
    return whole[max(0, at - 120) : at + len(text) + 40].replace("\n", " ⏎ ").replace(text, "<HERE>")


def rows_of_all_tables(cursor: Any, session_key: str = "") -> Iterator[tuple[str, str]]:
    """(table, row as text): every column of every row. Sessions are opened: what is packed is there all the same."""
    cursor.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
    )
    for schema, table in cursor.fetchall():
        cursor.execute(f'SELECT to_jsonb(t)::text FROM "{schema}"."{table}" t')  # noqa: S608
        yield from ((table, row) for (row,) in cursor.fetchall())
        if table == "django_session" and session_key:
            cursor.execute(f'SELECT session_data FROM "{schema}"."{table}"')  # noqa: S608
            yield from ((table, opened(data, session_key)) for (data,) in cursor.fetchall())


def opened(packed: str, key: str) -> str:
    return json.dumps(signing.loads(packed, key=key, salt="django.contrib.sessions.SessionStore"))


def all_of_redis(client: redis.Redis) -> str:
    """Values of every kind, in their own bytes."""
    read: Mapping[bytes, object] = {
        b"string": client.get, b"hash": client.hgetall, b"set": client.smembers,
        b"list": lambda name: client.lrange(name, 0, -1), b"stream": client.xrange,
        b"zset": lambda name: client.zrange(name, 0, -1, withscores=True),
    }  # fmt: skip
    kinds = {name: client.type(name) for name in client.scan_iter()}
    return "\n".join(f"{name!r} {read[kind](name)!r}" for name, kind in kinds.items() if kind in read)  # type: ignore[operator]
