"""The hash chain itself, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops.trail.chain import Entry, Finding, Head, Link, check, extend, hash_of

AT = datetime(2026, 11, 21, 10, 0, 0, 120, tzinfo=UTC)


def an_entry(number: int) -> Entry:
    at = AT + timedelta(seconds=number)
    return Entry(number, 1, "orders", f"o{number}", "insert", '{"quantity": 0.01000000}', at, "postgres psql")


def a_chain(length: int = 5) -> list[Link]:
    head, links = Head(), []
    for number in range(1, length + 1):
        seal, head = extend(head, an_entry(number))
        links.append(Link(seal, an_entry(number)))
    return links


def flipped(text: str) -> str:
    return ("1" if text[0] == "0" else "0") + text[1:]


def findings(links: list[Link]) -> list[tuple[int, int | None, str]]:
    return [(found.seq, found.entry_id, found.what) for found in check(links)]


@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_an_untouched_chain_is_whole(length: int) -> None:
    assert list(check(a_chain(length))) == []


CHANGES = {
    "id": 9,
    "account_id": 2,
    "subject_table": "trades",
    "subject_key": "o4",
    "change": "update",
    "content": '{"quantity": 0.01000001}',
    "written_at": AT,
    "written_by": "postgres",
}


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("column", CHANGES)
def test_a_change_of_any_column_of_an_entry_is_found(column: str, place: int) -> None:
    links = a_chain()
    entry = replace(links[place].entry, **{column: CHANGES[column]})
    links[place] = replace(links[place], entry=entry)
    assert list(check(links)) == [Finding(place + 1, entry.id, f"{entry}: is not what was sealed")]


def test_a_flipped_byte_of_a_seal_is_named() -> None:
    links = a_chain()
    seal = links[2].seal
    for changed, said in (
        (replace(seal, prev_hash=flipped(seal.prev_hash)), "prev_hash of its seal was changed"),
        (replace(seal, hash=flipped(seal.hash)), "hash of its seal was changed"),
    ):
        found = findings([*links[:2], replace(links[2], seal=changed), *links[3:]])
        assert found[0] == (3, 3, f"insert orders o3: {said}")


def test_the_same_moment_in_another_zone_is_the_same_text() -> None:
    from zoneinfo import ZoneInfo

    entry = an_entry(1)
    tokyo = replace(entry, written_at=entry.written_at.astimezone(ZoneInfo("Asia/Tokyo")))
    assert hash_of(Head().hash, tokyo) == hash_of(Head().hash, entry)


def test_a_missing_seal_is_a_gap() -> None:
    links = a_chain()
    del links[1:3]
    assert findings(links) == [(2, None, "no seal from here to 3")]


def test_a_deleted_entry_is_named() -> None:
    links = a_chain()
    links[3] = replace(links[3], entry=None)
    assert findings(links) == [(4, 4, "is sealed and gone")]


def test_two_seals_in_each_others_place_are_found() -> None:
    links = a_chain()
    second, third = links[1].seal, links[2].seal
    links[1] = Link(replace(third, seq=2), an_entry(3))
    links[2] = Link(replace(second, seq=3), an_entry(2))
    assert [seq for seq, _, _ in findings(links)] == [2, 3, 4]


def test_a_chain_that_begins_anew_in_the_middle_is_found() -> None:
    links = a_chain(4)
    head = Head(2)  # as if the first two had never been
    for place in (2, 3):
        seal, head = extend(head, an_entry(place + 1))
        links[place] = Link(seal, an_entry(place + 1))
    assert findings(links) == [(3, 3, "insert orders o3: its seal does not follow from the one before")]
