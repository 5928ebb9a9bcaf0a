"""The structure of next prices against a look at every band."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trailing.crossings import FEW, Crossings
from trailing.thresholds import ANY_PRICE, NO_PRICE, Band

# few prices, so that bounds meet each other and the price; written in several ways
PRICES = st.sampled_from([D(text) for text in ("1", "1.0", "1.5", "2", "2.00", "2.5", "3", "7", "40", "41")])
BOUNDS = st.none() | PRICES | st.just(D("Infinity")) | st.just(D(0))
BANDS = st.builds(Band, BOUNDS, BOUNDS)
POSITIONS = st.integers(1, 12)


class AgainstAScan(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.crossings = Crossings()
        self.naive: dict[int, Band] = {}

    @rule(position_id=POSITIONS, band=BANDS)
    def set(self, position_id: int, band: Band) -> None:
        self.crossings.set(position_id, band)
        self.naive[position_id] = band

    @rule(position_id=POSITIONS)
    def remove(self, position_id: int) -> None:
        self.crossings.remove(position_id)
        self.naive.pop(position_id, None)

    @rule(price=PRICES)
    def tick(self, price: D) -> None:
        left = [key for key, band in sorted(self.naive.items()) if band.is_left_by(price)]
        assert self.crossings.take_left(price) == left
        for key in left:
            del self.naive[key]

    @rule(price=PRICES)
    def tick_and_watch_on(self, price: D) -> None:
        """The band stays the same, the price stays outside: it is left again."""
        before = dict(self.naive)
        self.tick(price)
        for key in before.keys() - self.naive.keys():
            self.set(key, before[key])

    @invariant()
    def holds_the_same_positions(self) -> None:
        assert len(self.crossings) == len(self.naive)


TestAgainstAScan = AgainstAScan.TestCase
TestAgainstAScan.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


@given(st.dictionaries(POSITIONS, BANDS), PRICES, PRICES)
def test_a_gap_leaves_every_band_on_its_way(bands: dict[int, Band], start: D, end: D) -> None:
    crossings = Crossings()
    for key, band in bands.items():
        crossings.set(key, band)
    at_start = crossings.take_left(start)
    at_end = crossings.take_left(end)
    still = {key for key, band in bands.items() if not (band.is_left_by(start) or band.is_left_by(end))}
    assert sorted([*at_start, *at_end, *still]) == sorted(bands)


@pytest.fixture
def ladder() -> Crossings:
    """Position 1 between 99 and 101, position 2 between 98 and 102, and so on to 50."""
    crossings = Crossings()
    for number in range(1, 51):
        crossings.set(number, Band(D(100 - number), D(100 + number)))
    return crossings


@pytest.mark.parametrize(("price", "left"), [("99.1", 0), ("99", 1), ("101", 1), ("95", 5), ("150", 50)])
def test_a_price_leaves_the_bands_it_jumped_and_no_other(ladder: Crossings, price: str, left: int) -> None:
    assert ladder.take_left(D(price)) == list(range(1, left + 1))
    assert len(ladder) == 50 - left


def test_what_is_out_is_not_left_again_until_it_is_set(ladder: Crossings) -> None:
    assert ladder.take_left(D(99)) == [1]
    assert ladder.take_left(D(99)) == []
    ladder.set(1, Band(D(99), None))
    assert ladder.take_left(D(99)) == [1]


def test_any_price_and_no_price() -> None:
    crossings = Crossings()
    crossings.set(1, ANY_PRICE)
    crossings.set(2, NO_PRICE)
    assert crossings.take_left(D("0.00001")) == [1]


def test_bounds_finer_than_any_context_are_compared_exactly() -> None:
    bound = D("1." + "0" * 40 + "1")
    crossings = Crossings()
    crossings.set(1, Band(bound, None))
    assert crossings.take_left(D("1." + "0" * 40 + "2")) == []
    assert crossings.take_left(bound) == [1]


def test_a_bound_that_moves_for_ever_takes_no_room_for_ever() -> None:
    """Stops move towards the market: the old ones are far from it and would never be reached."""
    crossings = Crossings()
    for step in range(10_000):
        crossings.set(1, Band(D(step), D(100_000 - step)))
    assert max(len(side._heap) for side in (crossings._lower, crossings._upper)) <= 2 + FEW + 1
    assert crossings.take_left(D("9999.1")) == []
    assert crossings.take_left(D(9999)) == [1]
