"""From four answers to one side, or to the reason why there is none."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals_app.forecasts.choosing import (
    FILTERS,
    LEAST_VOTES,
    RISKS,
    STOP_LIMITS,
    TARGET_LIMITS,
    WEIGHTS,
    Chosen,
    View,
    choose,
)
from signals_app.forecasts.targets import HORIZONS, Direction

LONG = View((0.70, 0.15, 0.15), 0.01)
SHORT = View((0.15, 0.70, 0.15), -0.01)
NEUTRAL = View((0.2, 0.2, 0.6), 0.0)
CALM = 0.004


def of(*views: View) -> dict[str, View]:
    return dict(zip(HORIZONS, views, strict=True))


def mirrored(view: View) -> View:
    long, short, neutral = view.probabilities
    return View((short, long, neutral), -view.expected)


views = st.builds(
    lambda one, two, three, expected: View(
        (one / (one + two + three), two / (one + two + three), three / (one + two + three)), expected
    ),
    *(st.floats(0.01, 1) for _ in range(3)),
    st.floats(-0.03, 0.03),
)
answers = st.builds(of, views, views, views, views)
moves = st.floats(0, 0.1)


@pytest.mark.parametrize("profile", FILTERS)
@pytest.mark.parametrize(("view", "side"), [(LONG, Direction.LONG), (SHORT, Direction.SHORT)])
def test_what_all_horizons_say_is_chosen(profile: str, view: View, side: Direction) -> None:
    found = choose(of(view, view, view, view), CALM, profile)
    assert (found.direction, found.agreement, found.reason) == (side, 4, "")


@settings(max_examples=30)
@given(said=answers, move=moves, profile=st.sampled_from(list(FILTERS)))
def test_a_market_upside_down_gets_the_opposite_side(
    said: dict[str, View], move: float, profile: str
) -> None:
    here = choose(said, move, profile)
    there = choose({name: mirrored(one) for name, one in said.items()}, move, profile)
    opposite = {Direction.LONG: Direction.SHORT, Direction.SHORT: Direction.LONG, None: None}
    if any(len({*one.probabilities}) < 3 for one in said.values()):
        return  # of equals the first is taken
    assert there.direction == opposite[here.direction]
    assert there.confidence == pytest.approx(here.confidence)
    assert (there.stop_percent, there.target_percent) == (here.stop_percent, here.target_percent)


@settings(max_examples=30)
@given(said=answers, move=moves, profile=st.sampled_from(list(FILTERS)))
def test_numbers_stay_within_their_limits(said: dict[str, View], move: float, profile: str) -> None:
    found = choose(said, move, profile)
    assert 0 < found.confidence < 1
    assert 0 <= found.quality <= 1
    assert 0 <= found.strength <= 1
    assert STOP_LIMITS[0] <= found.stop_percent <= STOP_LIMITS[1]
    assert TARGET_LIMITS[0] <= found.target_percent <= TARGET_LIMITS[1]
    assert (found.direction is None) == bool(found.reason)


@settings(max_examples=30)
@given(said=answers, move=moves)
def test_a_side_is_never_taken_that_fewer_than_two_horizons_see(said: dict[str, View], move: float) -> None:
    for profile in FILTERS:
        found = choose(said, move, profile)
        votes = sum(one.direction is found.direction for one in said.values())
        assert found.direction is None or (votes >= LEAST_VOTES and found.direction is not Direction.NEUTRAL)


@settings(max_examples=30)
@given(said=answers, move=moves)
def test_conservative_is_never_looser_than_moderate(said: dict[str, View], move: float) -> None:
    careful, usual = (choose(said, move, one) for one in ("conservative", "moderate"))
    assert careful.direction in (None, usual.direction)


def test_profiles_are_ordered_in_what_they_ask() -> None:
    loose, usual, careful = (FILTERS[name] for name in ("aggressive", "moderate", "conservative"))
    for name in ("agreement", "main_confidence", "least_return", "strength", "quality", "pair_confidence"):
        assert getattr(usual, name) <= getattr(careful, name), name
    for name in ("agreement", "least_return", "strength", "quality"):
        assert getattr(loose, name) <= getattr(usual, name), name
    ranks = [RISKS.index(one.max_risk) for one in (loose, usual, careful)]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize(
    ("said", "move", "reason"),
    [
        (of(LONG, LONG, SHORT, SHORT), CALM, "no side has 2 horizons and more than the other"),
        (of(LONG, NEUTRAL, NEUTRAL, NEUTRAL), CALM, "no side has 2 horizons and more than the other"),
        (of(LONG, LONG, NEUTRAL, NEUTRAL), CALM, "2 of 4 horizons agree, 3 are wanted"),
        (
            of(LONG, LONG, View((0.70, 0.15, 0.15), -0.01), LONG),
            CALM,
            "expected return 0.000% is below 0.100%",
        ),
        (of(LONG, LONG, LONG, LONG), 1.0, "risk is high"),
    ],
)
def test_what_is_missing_is_said(said: dict[str, View], move: float, reason: str) -> None:
    assert choose(said, move, "moderate").reason == reason


def test_two_weak_horizons_are_enough_for_nobody_careful() -> None:
    weak = View((0.40, 0.31, 0.29), 0.002)
    found = {name: choose(of(weak, weak, NEUTRAL, NEUTRAL), CALM, name) for name in FILTERS}
    assert {name: one.direction for name, one in found.items()} == dict.fromkeys(FILTERS)


def test_more_confidence_and_agreement_are_better_quality() -> None:
    sure, unsure = LONG, View((0.45, 0.3, 0.25), 0.01)
    three = choose(of(sure, sure, sure, NEUTRAL), CALM, "moderate")
    four = choose(of(sure, sure, sure, sure), CALM, "moderate")
    meek = choose(of(unsure, unsure, unsure, unsure), CALM, "moderate")
    assert four.quality > three.quality
    assert four.quality > meek.quality
    assert _prices(four) >= _prices(meek)


def _prices(found: Chosen) -> tuple[Decimal, Decimal]:
    return found.stop_percent, found.target_percent


def test_the_weights_are_those_of_all_horizons() -> None:
    assert set(WEIGHTS) == set(HORIZONS)
    assert sum(WEIGHTS.values()) == pytest.approx(1)


@pytest.mark.parametrize("shares", list(product((1e-4, 0.5, 0.9998), repeat=3)))
def test_confidence_is_never_certainty(shares: tuple[float, float, float]) -> None:
    whole = sum(shares)
    assert 0 < View(tuple(one / whole for one in shares), 0.0).confidence < 1  # type: ignore[arg-type]
