"""Parts of a position, as a table."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import InstrumentSpec
from positions.parts import CloseAll, Holding, Reduce, part_of
from positions.sizing import Skip

SPEC = InstrumentSpec("X/USDT:USDT", "XUSDT", D("0.1"), D("0.1"), D("0.1"), None, D(5))
PRICE = D(100)


def part(
    original: str, held: str, ratio: str, promised: str = "0", price: D = PRICE, *, is_last: bool = False
):
    holding = Holding(D(original), D(held), D(promised))
    return part_of(holding, D(ratio), SPEC, price, is_last=is_last)


@pytest.mark.parametrize(
    ("original", "held", "ratio", "promised", "expected"),
    [
        ("10", "10", "0.25", "0", Reduce(D("2.5"))),
        ("10", "7.5", "0.25", "0", Reduce(D("2.5"))),  # of the original, not of what is left
        ("10", "10", "0.333", "0", Reduce(D("3.3"))),  # never rounded up
        ("10", "5", "0.5", "0", CloseAll()),
        ("10", "10", "1", "0", CloseAll()),
        ("10", "3", "0.5", "0", CloseAll()),  # less is left than asked for
        ("10", "4", "0.39", "0", Reduce(D("3.9"))),  # the crumb of 0.1 is worth 10: it stands
        ("10", "10", "0.5", "4", Reduce(D(5))),
        ("10", "10", "0.8", "4", Reduce(D(6))),  # what a take-profit may still sell is left to it
    ],
)
def test_parts(original: str, held: str, ratio: str, promised: str, expected: object) -> None:
    assert part(original, held, ratio, promised) == expected


def test_a_crumb_below_the_least_value_is_taken_along() -> None:
    assert part("10", "4", "0.39", price=D(49)) == CloseAll()
    assert part("10", "4", "0.39", price=D(50)) == Reduce(D("3.9"))


def test_a_crumb_below_the_least_quantity_is_taken_along() -> None:
    odd = InstrumentSpec("X", "X", D("0.1"), D("0.1"), D("0.5"), None, D(0))
    assert part_of(Holding(D(10), D(4)), D("0.36"), odd, PRICE) == CloseAll()
    assert part_of(Holding(D(10), D(4)), D("0.35"), odd, PRICE) == Reduce(D("3.5"))


def test_the_last_part_takes_what_rounding_left() -> None:
    assert part("1.7", "0.7", "0.4") == Reduce(D("0.6"))
    assert part("1.7", "0.7", "0.4", is_last=True) == CloseAll()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("10", "10", "0"), "above 0"),
        (("10", "10", "1.01"), "at most 1"),
        (("10", "10", "-0.2"), "above 0"),
        (("10", "10", "NaN"), "above 0"),
        (("10", "10", "0.001"), "minimum quantity"),
        (("10", "0", "0.5"), "nothing is held"),
        (("10", "4", "0.5", "4"), "already being closed"),
    ],
)
def test_parts_that_cannot_be(arguments: tuple[str, ...], words: str) -> None:
    refused = part(*arguments)
    assert isinstance(refused, Skip)
    assert words in refused.reason


@given(st.integers(1, 10_000), st.lists(st.integers(1, 100), min_size=1, max_size=8), st.integers(1, 100))
def test_no_row_of_parts_sells_more_than_was_held(steps: int, percents: list[int], price: int) -> None:
    original = held = D(steps) / 10
    for percent in percents:
        verdict = part_of(Holding(original, held), D(percent) / 100, SPEC, D(price))
        if isinstance(verdict, CloseAll):
            held = D(0)
        if isinstance(verdict, Reduce):
            assert 0 < verdict.quantity < held
            held -= verdict.quantity
            assert held * price >= SPEC.min_notional
