from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from positions import formats


@pytest.mark.parametrize(
    ("value", "increment", "text"),
    [
        (D("97250.40000000"), D("0.1000000000"), "97,250.4"),
        (D("97138"), D("0.1"), "97,138.0"),
        (D("0.0201347"), D("0.0000001"), "0.0201347"),
        (D("97250.4"), D("10"), "97,250"),
        (None, D("0.1"), "—"),
    ],
)
def test_a_price_has_the_decimals_of_its_instrument(value, increment, text):
    assert formats.price(value, increment) == text


@pytest.mark.parametrize(
    ("value", "text", "tone", "arrow"),
    [
        (D("1.146"), "+1.15", "up", "▲"),
        (D("-0.9"), "\N{MINUS SIGN}0.90", "down", "▼"),
        (D("-1234.5"), "\N{MINUS SIGN}1,234.50", "down", "▼"),
        (D("0"), "0.00", "", ""),
        (D("-0.001"), "0.00", "", ""),
        (None, "—", "", ""),
    ],
)
def test_a_change_is_told_by_sign_arrow_and_tone(value, text, tone, arrow):
    assert (formats.change(value), formats.tone(value), formats.arrow(value)) == (text, tone, arrow)


def test_quantities_drop_trailing_zeros():
    assert [formats.quantity(D(v)) for v in ("0.00800000", "39732.00000000")] == ["0.008", "39,732"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0m 00s"), (723, "12m 03s"), (44100, "12h 15m"), (273600, "3d 04h"), (-5, "0m 00s")],
)
def test_ages(seconds, text):
    assert formats.age(timedelta(seconds=seconds)) == text


def test_a_clock_shows_the_day_only_when_it_is_another():
    now = datetime(2026, 11, 21, 5, 0, 0, tzinfo=UTC)
    assert formats.clock(now, now) == "05:00:00"
    assert formats.clock(now - timedelta(days=1), now) == "11-20 05:00"
