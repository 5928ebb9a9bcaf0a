"""The hash chain of one account's entries. Pure: the same text is hashed when sealing and when verifying."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """content is PostgreSQL's text of the jsonb column."""

    id: int
    account_id: int
    subject_table: str
    subject_key: str
    change: str
    content: str
    written_at: datetime
    written_by: str

    def __str__(self) -> str:
        return f"{self.change} {self.subject_table} {self.subject_key}"


@dataclass(frozen=True, slots=True)
class Seal:
    entry_id: int
    account_id: int
    seq: int
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Link:
    """entry is None where the sealed entry is gone."""

    seal: Seal
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Head:
    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Finding:
    seq: int
    entry_id: int | None
    what: str


def hash_of(prev_hash: str, entry: Entry) -> str:
    written_at = entry.written_at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(
        [
            entry.id, entry.account_id, entry.subject_table, entry.subject_key, entry.change, entry.content,
            written_at, entry.written_by,
        ],
        separators=(",", ":"),
    )  # fmt: skip
    return sha256((prev_hash + text).encode()).hexdigest()


def extend(head: Head, entry: Entry) -> tuple[Seal, Head]:
    sealed = hash_of(head.hash, entry)
    seal = Seal(entry.id, entry.account_id, head.seq + 1, head.hash, sealed)
    return seal, Head(seal.seq, sealed)


def check(links: Iterable[Link]) -> Iterator[Finding]:
    """What is wrong with a chain, told in the order of its links."""
    previous = Head()
    for link, following in _with_next(links):
        yield from _check_one(previous, link, following)
        previous = Head(link.seal.seq, link.seal.hash)


def _with_next(links: Iterable[Link]) -> Iterator[tuple[Link, Link | None]]:
    waiting = None
    for link in links:
        if waiting is not None:
            yield waiting, link
        waiting = link
    if waiting is not None:
        yield waiting, None


def _check_one(previous: Head, link: Link, following: Link | None) -> Iterator[Finding]:
    seal, entry = link.seal, link.entry
    is_next = seal.seq == previous.seq + 1
    if not is_next:
        yield Finding(previous.seq + 1, None, f"no seal from here to {seal.seq - 1}")
    if entry is None:
        yield Finding(seal.seq, seal.entry_id, "is sealed and gone")
    elif hash_of(seal.prev_hash, entry) != seal.hash:
        yield Finding(seal.seq, entry.id, f"{entry}: {_culprit(previous, seal, entry, following)}")
    elif is_next and seal.prev_hash != previous.hash:
        yield Finding(seal.seq, entry.id, f"{entry}: its seal does not follow from the one before")


def _culprit(previous: Head, seal: Seal, entry: Entry, following: Link | None) -> str:
    if hash_of(previous.hash, entry) == seal.hash:
        return "prev_hash of its seal was changed"
    if following and following.seal.prev_hash == hash_of(seal.prev_hash, entry):
        return "hash of its seal was changed"
    return "is not what was sealed"
