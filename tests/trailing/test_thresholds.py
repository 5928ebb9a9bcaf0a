from __future__ import annotations

from decimal import Decimal as D

import pytest

from exchanges.types import PositionSide
from tests.trailing.tables import LONG, SHORT, params
from trailing.engine import Hold, TrailingPhase, TrailingState
from trailing.protection import advance, start
from trailing.thresholds import Band, band


def test_before_trailing_the_band_is_stop_to_activation() -> None:
    assert band(LONG, start(LONG)) == Band(D(98), D("101.5"))
    assert band(SHORT, start(SHORT)) == Band(D("98.5"), D(102))


def test_while_trailing_the_band_ends_a_step_beyond_the_best_price() -> None:
    active = TrailingState(TrailingPhase.ACTIVE, D(102), D("101.4"))
    assert band(LONG, active) == Band(D("101.4"), D("102.051"))
    short = TrailingState(TrailingPhase.ACTIVE, D(98), D("98.5"))
    assert band(SHORT, short) == Band(D("97.951"), D("98.5"))


def test_without_a_stop_the_entry_is_the_adverse_bound() -> None:
    assert band(LONG, TrailingState()) == Band(D(100), D("101.5"))


@pytest.mark.parametrize(
    ("price", "leaves"), [("98", True), ("98.01", False), ("101.49", False), ("101.5", True), ("90", True)]
)
def test_the_bounds_themselves_are_outside(price: str, leaves: bool) -> None:
    assert Band(D(98), D("101.5")).is_left_by(D(price)) is leaves


@pytest.mark.parametrize("side", PositionSide)
@pytest.mark.parametrize("cents", range(9700, 10300, 7))
def test_a_price_inside_the_band_changes_nothing_before_trailing(side: PositionSide, cents: int) -> None:
    of, price = params(side=side), D(cents) / 100
    state = start(of)
    unchanged = advance(of, state, price) == Hold(state)
    assert unchanged is not band(of, state).is_left_by(price)


@pytest.mark.parametrize("side", PositionSide)
def test_a_price_inside_the_band_never_fires_while_trailing(side: PositionSide) -> None:
    of = params(side=side)
    state = advance(of, start(of), of.offset(D(100), D(3))).state
    inside = band(of, state)
    for step in range(1, 100):
        price = inside.lower + (inside.upper - inside.lower) * step / 100
        verdict = advance(of, state, price)
        assert isinstance(verdict, Hold)
        assert verdict.state.phase is TrailingPhase.ACTIVE
