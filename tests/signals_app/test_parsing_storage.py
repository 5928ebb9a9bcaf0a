"""Whatever came is stored, and a moment is one whatever clock told it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from signals_app.parsing import Signal
from signals_app.services.ledger import RAW_KEPT, storable

MINUTES = st.integers(-12 * 60, 14 * 60)


@given(st.datetimes(datetime(2001, 1, 1), datetime(2026, 3, 1)), MINUTES)
def test_the_same_moment_in_any_time_zone_is_one_signal(moment: datetime, minutes: int) -> None:
    here = moment.replace(tzinfo=UTC)
    there = here.astimezone(timezone(timedelta(minutes=minutes)))
    assert Signal("BTCUSDT", "UP", there, None, None).uid == Signal("BTCUSDT", "UP", here, None, None).uid


@given(st.text(st.characters(), max_size=5000) | st.binary(max_size=5000))
def test_whatever_came_can_be_stored(raw: bytes | str) -> None:
    kept = storable(raw)
    assert "\x00" not in kept
    assert len(kept) <= RAW_KEPT + 1
    kept.encode("utf-8")


def test_what_was_shortened_says_so() -> None:
    assert storable("x" * RAW_KEPT) == "x" * RAW_KEPT
    assert storable("x" * (RAW_KEPT + 1)) == "x" * RAW_KEPT + "…"
    assert storable("a\x00b\ud800") == "a\\0b?"
    assert storable(b"\xff") == "\ufffd"
