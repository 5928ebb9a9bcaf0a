"""How good a signal has to be: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from exchanges.types import PositionSide
from signals_app.market_filters import Fact, Filter, MarketFacts, WhenUnknown
from signals_app.reasons import ReasonCode as R
from signals_app.shapes.signal import Details
from signals_app.signal_limits import Asked, SignalLimits, confidence, objection_to_signal

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
ASKED = Asked(LONG, Details(), timedelta(seconds=10), D(100), MarketFacts())
SURE = SignalLimits(min_confidence=Filter(D(40)))
CHEAP = SignalLimits(max_slippage=Filter(D("0.2")))


def said(**values: str) -> Asked:
    return replace(ASKED, said=Details(**{name: D(value) for name, value in values.items()}))


def booked(bid: str, ask: str, side: PositionSide = LONG, **values: str) -> Asked:
    return replace(said(**values), side=side, market=MarketFacts(bid=D(bid), ask=D(ask)))


def code(limits: SignalLimits, asked: Asked) -> R | None:
    unfit = objection_to_signal(limits, asked)
    return unfit and unfit.code


def test_without_limits_any_signal_will_do() -> None:
    assert code(SignalLimits(), ASKED) is None
    assert SignalLimits().needs == SURE.needs == frozenset()
    assert CHEAP.needs == {Fact.BOOK}


def test_strength_counts_before_scores_and_the_lower_score_before_the_higher() -> None:
    assert confidence(Details(strength=D(70), score_week=D(10))) == 70
    assert confidence(Details(score_week=D(55), score_month=D(45))) == 45
    assert confidence(Details()) is None


def test_the_least_confidence_is_enough_and_anything_below_is_not() -> None:
    assert code(SURE, said(strength="40")) is None
    unfit = objection_to_signal(SURE, said(strength="39.99"))
    assert unfit.reason == "confidence 39.99 of 100, at least 40 wanted"
    assert unfit.code is R.LOW_CONFIDENCE


def test_a_signal_that_says_nothing_of_it_refuses_or_passes_as_the_owner_says() -> None:
    assert code(SURE, ASKED) is R.LOW_CONFIDENCE
    assert code(SignalLimits(min_confidence=Filter(D(40), WhenUnknown.PASS)), ASKED) is None


def test_a_signal_is_too_old_after_its_last_second() -> None:
    limits = SignalLimits(max_age=timedelta(seconds=10))
    assert code(limits, ASKED) is None
    unfit = objection_to_signal(limits, replace(ASKED, age=timedelta(seconds=11)))
    assert (unfit.reason, unfit.code) == ("the signal is 11 s old, the strategy takes 10", R.SIGNAL_TOO_OLD)


@pytest.mark.parametrize(
    ("asked", "is_refused"),
    [
        (booked("99.9", "100.2"), False),
        (booked("99.9", "100.21"), True),
        (booked("99.8", "100.1", SHORT), False),
        (booked("99.79", "100.1", SHORT), True),
        (booked("90", "91"), False),  # better than the mark
        (booked("99.9", "100.1", entry_price="99.81"), False),
        (booked("99.9", "100.1", entry_price="99.79"), True),
        (booked("99.9", "100.1", entry_price="120"), False),
        (booked("99.9", "100.1", SHORT, entry_price="100.21"), True),
        (booked("99.9", "100.1", SHORT, entry_price="80"), False),
        (ASKED, True),
    ],
)
def test_slippage_is_what_is_worse_than_the_mark_and_than_the_signals_price(asked, is_refused) -> None:
    assert (code(CHEAP, asked) is R.SLIPPAGE) is is_refused


def test_slippage_is_told_with_its_figures() -> None:
    assert objection_to_signal(CHEAP, booked("99", "101")).reason == (
        "the book's best price 101 is 1.000 % worse than the mark 100, at most 0.2 % allowed"
    )


def test_where_the_book_is_not_known_it_may_pass() -> None:
    assert code(SignalLimits(max_slippage=Filter(D("0.2"), WhenUnknown.PASS)), ASKED) is None
