"""Which strategies a signal concerns: tables in, verdicts out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exchanges.types import PositionSide
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.routing import (
    Ignored,
    OppositeSignal,
    Route,
    SignalDirection,
    StrategyRule,
    Tables,
    TickerRule,
    Unrouted,
    route,
)
from signals_app.shapes.signal import phrase_key

NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
MAX_AGE = timedelta(seconds=300)
LONG, SHORT = SignalDirection.LONG, SignalDirection.SHORT
CLOSE_LONG, CLOSE_SHORT = SignalDirection.CLOSE_LONG, SignalDirection.CLOSE_SHORT
NOT_CHOSEN = "BTCUSDT is not among the strategy's tickers"
NOT_NOW = "strategy does not open positions now"
GOOD = TickerRule(enabled=True, trade_permission=True)
TREND = StrategyRule(1, 10, enabled=True, allow_open=True, symbols=None, opposite=OppositeSignal.CLOSE)
SIGNAL = Signal("BTCUSDT", "TREND UP", NOW - timedelta(minutes=5), NOW - timedelta(seconds=1), None)


def tables(*known: tuple[StrategyRule, SignalDirection], ticker: TickerRule | None = GOOD) -> Tables:
    tickers = {"BTCUSDT": ticker} if ticker else {}
    return Tables(tickers, {phrase_key("TREND UP"): known} if known else {})


def routed(signal: Signal, given: Tables):
    return route(signal, given, NOW, MAX_AGE)


def test_one_strategy_that_may():
    assert routed(SIGNAL, tables((TREND, LONG))) == [Route(1, 10, LONG, OppositeSignal.CLOSE)]


@pytest.mark.parametrize("spelling", ["trend up", " Trend   UP ", "TREND\tup"])
def test_case_and_spaces_do_not_matter(spelling):
    assert isinstance(routed(replace(SIGNAL, message=spelling), tables((TREND, LONG)))[0], Route)


@pytest.mark.parametrize(
    ("ticker", "says"),
    [
        (None, Ignored("unknown ticker BTCUSDT", ReasonCode.UNKNOWN_TICKER)),
        (replace(GOOD, enabled=False), Ignored("ticker BTCUSDT is switched off", ReasonCode.TICKER_OFF)),
        (
            replace(GOOD, trade_permission=False),
            Ignored("ticker BTCUSDT is not permitted to trade", ReasonCode.TICKER_OFF),
        ),
    ],
)
def test_the_ticker_is_asked_first(ticker, says):
    """Even a signal too old, of a phrase that nobody knows, is told of its ticker."""
    old = replace(SIGNAL, sent_at=NOW - timedelta(days=1), message="no such thing")
    assert routed(old, tables((TREND, LONG), ticker=ticker)) == says


@pytest.mark.parametrize(
    ("seconds_ago", "says"),
    [
        (300, None),
        (301, Ignored("sent 301 s ago, the limit is 300", ReasonCode.STALE)),
        (-300, None),
        (
            -7200,
            Ignored(
                "sent 7200 s in the future: the sender's clock or time zone is wrong", ReasonCode.CLOCK_AHEAD
            ),
        ),
    ],
)
def test_age_is_counted_from_sending_both_ways(seconds_ago, says):
    outcome = routed(replace(SIGNAL, sent_at=NOW - timedelta(seconds=seconds_ago)), tables((TREND, LONG)))
    assert outcome == says if says else isinstance(outcome, list)


def test_who_does_not_say_when_is_taken_to_have_sent_it_now():
    assert isinstance(routed(replace(SIGNAL, sent_at=None), tables((TREND, LONG))), list)


def test_a_phrase_that_nobody_knows():
    assert routed(SIGNAL, tables()) == Ignored("no strategy knows this phrase", ReasonCode.NO_STRATEGY)


@pytest.mark.parametrize(
    ("rule", "direction", "says", "code"),
    [
        (replace(TREND, enabled=False), LONG, "strategy is switched off", ReasonCode.STRATEGY_OFF),
        (replace(TREND, enabled=False), CLOSE_LONG, "strategy is switched off", ReasonCode.STRATEGY_OFF),
        (replace(TREND, symbols=frozenset({"ETHUSDT"})), SHORT, NOT_CHOSEN, ReasonCode.TICKER_NOT_CHOSEN),
        (replace(TREND, symbols=frozenset()), LONG, NOT_CHOSEN, ReasonCode.TICKER_NOT_CHOSEN),
        (replace(TREND, allow_open=False), LONG, NOT_NOW, ReasonCode.OPENING_OFF),
        (replace(TREND, allow_open=False), SHORT, NOT_NOW, ReasonCode.OPENING_OFF),
    ],
)
def test_strategies_that_know_it_and_may_not(rule, direction, says, code):
    assert routed(SIGNAL, tables((rule, direction))) == [Unrouted(1, 10, says, code)]


@pytest.mark.parametrize("direction", [CLOSE_LONG, CLOSE_SHORT])
def test_closing_is_allowed_where_opening_is_not(direction):
    (one,) = routed(SIGNAL, tables((replace(TREND, allow_open=False), direction)))
    assert isinstance(one, Route)


def test_the_chosen_tickers_are_enough():
    (one,) = routed(SIGNAL, tables((replace(TREND, symbols=frozenset({"BTCUSDT"})), LONG)))
    assert isinstance(one, Route)


def test_each_strategy_answers_for_itself():
    off = replace(TREND, strategy_id=2, enabled=False)
    other = replace(TREND, strategy_id=3, account_id=11)
    outcome = routed(SIGNAL, tables((TREND, LONG), (off, LONG), (other, SHORT)))
    assert [one.strategy_id for one in outcome] == [1, 2, 3]
    assert [type(one) for one in outcome] == [Route, Unrouted, Route]


def test_two_spellings_of_one_phrase_trade_once():
    assert len(routed(SIGNAL, tables((TREND, LONG), (TREND, LONG)))) == 1


def test_two_meanings_of_one_phrase_trade_never():
    assert routed(SIGNAL, tables((TREND, LONG), (TREND, SHORT))) == [
        Unrouted(1, 10, "the phrase means long and short at once", ReasonCode.AMBIGUOUS)
    ]


@pytest.mark.parametrize(
    ("direction", "is_entry", "side"),
    [
        (LONG, True, PositionSide.LONG),
        (SHORT, True, PositionSide.SHORT),
        (CLOSE_LONG, False, PositionSide.LONG),
        (CLOSE_SHORT, False, PositionSide.SHORT),
    ],
)
def test_directions(direction, is_entry, side):
    assert (direction.is_entry, direction.position_side) == (is_entry, side)
