from __future__ import annotations

from decimal import Decimal as D

import pytest

from tests.trailing.tables import LONG, SHORT, mirrored, params
from trailing.engine import Close, Hold, TrailingParams, TrailingPhase, TrailingState
from trailing.protection import advance, candidates, effective_stop, fixed_stop, start

WAITING, ACTIVE, TRIGGERED = TrailingPhase.WAITING, TrailingPhase.ACTIVE, TrailingPhase.TRIGGERED


def walk(of: TrailingParams, *prices: str) -> Hold | Close:
    """Price after price, from the fill on."""
    verdict: Hold | Close = Hold(start(of))
    for price in prices:
        verdict = advance(of, verdict.state, D(price))
    return verdict


def test_after_the_fill_only_the_fixed_stop_stands() -> None:
    assert start(LONG) == TrailingState(WAITING, None, D("98.0"))
    assert start(SHORT) == TrailingState(WAITING, None, D("102.0"))


# prices of a long and what they lead to: phase, best price, stop; a short is the mirror at the entry
WAYS = [
    (["100"], (WAITING, None, "98")),
    (["99", "98.01"], (WAITING, None, "98")),
    (["101.49999999"], (WAITING, None, "98")),
    (["101.5"], (ACTIVE, "101.5", "100.9")),  # inclusive; 100.9925 rounded down
    (["102"], (ACTIVE, "102", "101.4")),  # a jump over the activation; 101.49
    (["102", "101.8"], (ACTIVE, "102", "101.4")),
    (["102", "101.8", "104", "103.9"], (ACTIVE, "104", "103.4")),  # 103.48
    (["98"], (TRIGGERED, None, "98")),  # on the stop is crossed
    (["97"], (TRIGGERED, None, "98")),
    (["102", "101.4"], (TRIGGERED, "102", "101.4")),
    (["102", "50"], (TRIGGERED, "102", "101.4")),
    (["102", "50", "150"], (TRIGGERED, "102", "101.4")),  # nothing follows the end
]
# the mirror of a stop is not exact: callback is percent of the best price, 99.4975 for a short from 99
SHORT_STOPS = {"101.5": "99.0", "102": "98.5", "104": "96.5"}


@pytest.mark.parametrize(("prices", "expected"), WAYS, ids=lambda way: "-".join(map(str, way)))
def test_a_long_goes_its_way(prices: list[str], expected: tuple) -> None:
    phase, best, stop = expected
    assert walk(LONG, *prices).state == TrailingState(phase, best and D(best), D(stop))


@pytest.mark.parametrize(("prices", "expected"), WAYS, ids=lambda way: "-".join(map(str, way)))
def test_a_short_is_the_mirror(prices: list[str], expected: tuple) -> None:
    phase, best, _ = expected
    ours = [str(mirrored(price)) for price in prices]
    stop = D(SHORT_STOPS[best]) if best else D(102)
    assert walk(SHORT, *ours).state == TrailingState(phase, best and mirrored(best), stop)


def test_a_crossed_trailing_stop_is_told_from_a_fixed_one() -> None:
    fixed, trailed = walk(LONG, "97"), walk(LONG, "102", "101")
    assert isinstance(fixed, Close)
    assert not fixed.was_trailing
    assert isinstance(trailed, Close)
    assert trailed.was_trailing


def test_after_the_end_nothing_is_asked_again() -> None:
    assert isinstance(walk(LONG, "97", "96"), Hold)


def test_a_crossing_fires_before_the_same_price_could_move_the_stop() -> None:
    """With activation at the entry every price would start trailing; the stop below it is looked at first."""
    eager = params(activation_percent=D(0), callback_rate=D("0.1"))
    standing = TrailingState(ACTIVE, D(102), D("101.8"))
    verdict = advance(eager, standing, D("101.8"))
    assert isinstance(verdict, Close)
    assert verdict.state == TrailingState(TRIGGERED, D(102), D("101.8"))


def test_a_stop_on_the_price_itself_fires() -> None:
    assert isinstance(advance(LONG, TrailingState(WAITING, None, D(100)), D(100)), Close)
    assert isinstance(advance(SHORT, TrailingState(WAITING, None, D(100)), D(100)), Close)


def test_a_stop_that_stands_nearer_is_never_loosened() -> None:
    tight = TrailingState(WAITING, None, D("99.5"))
    assert advance(LONG, tight, D(100)).state.stop_price == D("99.5")
    assert advance(SHORT, TrailingState(WAITING, None, D("100.5")), D(100)).state.stop_price == D("100.5")
    held = advance(LONG, tight, D("101.5")).state
    assert held.stop_price == D("100.9"), "a better candidate moves it"


def test_a_wide_callback_leaves_the_fixed_stop_in_force() -> None:
    wide = params(callback_rate=D(10))
    state = walk(wide, "101.5").state
    assert list(candidates(wide, state)) == [D(98), D(98), D("91.3")]
    assert effective_stop(wide, state) == D(98)


def test_a_state_without_a_stop_gets_the_fixed_one() -> None:
    assert advance(LONG, TrailingState(), D(100)).state.stop_price == fixed_stop(LONG) == D(98)


def test_an_active_state_without_a_best_price_starts_from_this_one() -> None:
    lost = TrailingState(ACTIVE, None, D(98))
    assert advance(LONG, lost, D(103)).state.high_water_mark == D(103)


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_price_that_is_none_is_refused(price: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        advance(LONG, start(LONG), D(price))
