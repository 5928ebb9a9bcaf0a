from __future__ import annotations

from datetime import UTC, datetime

import pytest

from positions.lists.filters import Filter, read

FILTERS = [
    Filter("symbol", "Symbol"),
    Filter("side", "Side", [("long", "LONG"), ("short", "SHORT")]),
    Filter("since", "From", is_date=True, default="2026-01-01"),
    Filter("until", "To", is_date=True),
]


def test_an_address_keeps_what_was_asked_and_leaves_out_what_is_usual() -> None:
    asked = read(FILTERS, {"symbol": " BTC ", "side": "long"})
    assert asked.address() == "?symbol=BTC&side=long"
    assert asked.address(after="1.2") == "?symbol=BTC&side=long&after=1.2"
    assert asked.is_narrowed
    assert read(FILTERS, {}).address() == "?"


def test_a_default_that_was_emptied_stays_emptied_in_the_address() -> None:
    asked = read(FILTERS, {"since": ""})
    assert (asked.address(), asked.during("at")) == ("?since=", {})
    assert read(FILTERS, {}).during("at") == {"at__gte": datetime(2026, 1, 1, tzinfo=UTC)}


def test_the_last_day_is_whole() -> None:
    asked = read(FILTERS, {"until": "2026-02-28"})
    assert asked.during("at")["at__lt"] == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"side": "up"}, "there is no 'up'"),
        ({"until": "tomorrow"}, "is no day"),
        ({"until": "9999-12-31"}, "is no day"),
    ],
)
def test_what_nobody_understands_is_said_and_narrows_nothing(given: dict, said: str) -> None:
    asked = read(FILTERS, given)
    assert said in asked.refusals[0]
    assert asked.address() == "?"
