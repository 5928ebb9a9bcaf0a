"""What an entry of the stream says, as a message for the reader of all messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.parsing import Signal, Unreadable, parse
from signals_app.sources.entries import Entry, entry_of, order_of

NOW = datetime(2025, 6, 1, 12, 10, 1, tzinfo=UTC)
NUMBER = f"{int(NOW.timestamp() * 1000) - 1000}-0"
USUAL = (
    ("message", "VOLUME BURST LONG"),
    ("symbol", "ARBUSDT"),
    ("bar_time", "2025-06-01T12:05:00Z"),
    ("sent_at", "2025-06-01T12:10:00Z"),
    ("received_at", "2025-06-01T12:10:00.412Z"),
    ("source", "external_signal"),
)


def read(*pairs: tuple[str, str], number: str = NUMBER) -> Signal | Unreadable:
    return parse(Entry(number, pairs).frame(), NOW)


def test_an_entry_of_the_legacy_producers_is_a_signal() -> None:
    signal = read(*USUAL)
    assert isinstance(signal, Signal)
    assert (signal.symbol, signal.message) == ("ARBUSDT", "VOLUME BURST LONG")
    assert signal.bar_time == datetime(2025, 6, 1, 12, 5, tzinfo=UTC)
    assert signal.sent_at == datetime(2025, 6, 1, 12, 10, tzinfo=UTC)


def test_where_it_came_from_stays_in_the_raw_message() -> None:
    assert json.loads(Entry(NUMBER, USUAL).frame()) == dict(USUAL)


@pytest.mark.parametrize("sent_at", [(), (("sent_at", ""),)])
def test_who_does_not_say_when_sent_it_when_it_was_added(sent_at: tuple[tuple[str, str], ...]) -> None:
    """So that what lay in the stream for an hour is not taken for news."""
    signal = read(*USUAL[:3], *sent_at)
    assert isinstance(signal, Signal)
    assert signal.sent_at == datetime(2025, 6, 1, 12, 10, tzinfo=UTC)


def test_a_number_that_is_no_time_says_nothing_about_time() -> None:
    signal = read(*USUAL[:3], number="7-1")
    assert isinstance(signal, Signal)
    assert signal.sent_at is None


def test_a_repeated_field_is_refused() -> None:
    assert isinstance(read(*USUAL, ("symbol", "BTCUSDT")), Unreadable)


def test_bytes_that_are_no_text_are_refused() -> None:
    entry = entry_of(
        [NUMBER.encode(), [b"symbol", b"\xff\xfe", b"message", b"UP", b"bar_time", b"1748779500"]]
    )
    assert entry is not None
    assert isinstance(parse(entry.frame(), NOW), Unreadable)


def test_a_deleted_entry_is_none() -> None:
    assert entry_of([b"5-0", None]) is None


def test_numbers_are_compared_as_numbers() -> None:
    assert order_of("10-2") > order_of("9-11") > order_of("9-2")


@given(st.lists(st.tuples(st.binary(), st.binary())))
def test_any_entry_is_a_json_object_for_the_reader(pairs: list[tuple[bytes, bytes]]) -> None:
    entry = entry_of([NUMBER.encode(), [word for pair in pairs for word in pair]])
    assert entry is not None
    assert isinstance(json.loads(entry.frame()), dict)
    assert isinstance(parse(entry.frame(), NOW), Signal | Unreadable)
