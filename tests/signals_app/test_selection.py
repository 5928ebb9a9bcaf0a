"""What a wave hands on, in which order, and what is said of the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.reasons import ReasonCode
from signals_app.selection import Selection, WaveEnd, WaveRules, faulty, next_step, select
from signals_app.symbol_rules import SymbolRules
from signals_app.waves import Outcome
from tests.signals_app.wave_records import BYBIT, WAVE, a_record, read

KNOWN = frozenset({"BTCUSDT", "ETHUSDT", "SOLUSDT", "ADAUSDT"})
RULES = WaveRules()


def selected(*records: dict, rules: WaveRules = RULES, exchange: str = "binance") -> Selection:
    return select(read(*records), exchange, rules, KNOWN)


def symbols(selection: Selection) -> list[str]:
    return [one.symbol for one in selection.candidates]


def codes(selection: Selection) -> dict[str, str]:
    return {one.symbol: why.code for one, why in selection.left}


def test_best_scores_come_first_and_equal_ones_by_week_and_name() -> None:
    found = selected(
        a_record("ADAUSDT", 120),
        a_record("SOLUSDT", 150, score_week=70, score_month=80),
        a_record("ETHUSDT", 150, score_week=80, score_month=70),
        a_record("BTCUSDT", 120),
    )
    assert symbols(found) == ["ETHUSDT", "SOLUSDT", "ADAUSDT", "BTCUSDT"]


def test_only_signals_of_the_exchange_are_taken() -> None:
    records = a_record("BTCUSDT"), a_record("ETHUSDT", exchange_id=BYBIT)
    assert symbols(selected(*records)) == ["BTCUSDT"]
    assert symbols(selected(*records, exchange="bybit")) == ["ETHUSDT"]


@pytest.mark.parametrize(
    ("limits", "target"), [((), 5), ((3,), 3), ((7, 4, None), 4)]
)  # fmt: skip
def test_the_limit_is_the_signals_own_and_the_strictest_of_them(limits, target) -> None:
    coins = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    found = selected(
        *(a_record(coin, max_trades_filter=limit) for coin, limit in zip(coins, limits, strict=False))
    )
    assert (found.target, found.first) == (target, target + 3)


def test_a_limit_of_another_exchange_does_not_count() -> None:
    found = selected(a_record(max_trades_filter=4), a_record(exchange_id=BYBIT, max_trades_filter=1))
    assert found.target == 4


@pytest.mark.parametrize(("percent", "first"), [("33", 6), ("0", 5), ("100", 10)])
def test_the_buffer_may_be_a_percent_of_the_limit(percent: str, first: int) -> None:
    assert selected(a_record(), rules=replace(RULES, buffer_percent=Decimal(percent))).first == first


def test_what_is_not_taken_says_why() -> None:
    rules = replace(RULES, size=2, min_week=Decimal(20), symbols=SymbolRules(stoplist=("SOL*",)))
    found = selected(
        a_record("BTCUSDT", 180),
        a_record("SOLUSDT", 179),
        a_record("BTCUPUSDT", 178),
        a_record("USDCUSDT", 177),
        a_record("BTCDOMUSDT", 176),
        a_record("BTCUSDT", 175, recommended_action="SELL"),
        a_record("ETHUSDT", 174),
        a_record("ADAUSDT", 173),
        a_record("XRPUSDT", 119, score_week=19.9, score_month=100),
        a_record("DOGEUSDT", 149, score_week=100, score_month=49.9),
        rules=rules,
    )
    assert symbols(found) == ["BTCUSDT", "ETHUSDT"]
    assert codes(found) == {
        "SOLUSDT": "stop_listed", "BTCUPUSDT": "leveraged_coin", "USDCUSDT": "stable_pair",
        "BTCDOMUSDT": "index_symbol", "BTCUSDT": "symbol_twice", "ADAUSDT": "beyond_buffer",
        "XRPUSDT": "below_score", "DOGEUSDT": "below_score",
    }  # fmt: skip


def test_a_repeat_within_a_snapshot_is_one_signal() -> None:
    found = selected(a_record(score=110, id=1), a_record(score=160, id=2), a_record(score=110, id=1))
    assert [(one.symbol, one.score) for one in found.candidates] == [("BTCUSDT", 160)]
    assert found.left == ()


def test_what_cannot_be_a_candidate_of_any_exchange_says_why() -> None:
    odd = [
        a_record("AAUSDT", exchange_id=9), a_record("BBUSDT", exchange_id=...), a_record("CCUSDT", score_week="much"),
        a_record("DDUSDT", score_month=100.5), a_record("EEUSDT", recommended_action="HOLD"),
        a_record("FFUSDT", stop_loss_filter=0), a_record("GGUSDT", max_trades_filter=2.5), a_record(...),
        {"not_an_object": 7}, a_record("HHUSDT", score_week=float("nan")),
    ]  # fmt: skip
    found = faulty(read(*odd, a_record("IIUSDT", exchange_id=BYBIT), a_record("BTCUSDT")), {"binance"})
    assert len(found) == 11
    assert [why.code for _, why in found][-1] == ReasonCode.EXCHANGE_NOT_TRADED
    assert all(why.reason for _, why in found)
    assert symbols(select(read(*odd), "binance", RULES, KNOWN)) == []


def test_the_wave_of_a_record_is_its_candle() -> None:
    hour = timedelta(hours=1)
    records = read(
        a_record(timestamp="2025-10-14T10:15:00+00:00"),
        a_record(timestamp="2025-10-14T13:15:00+03:00"),
        a_record(timestamp="2025-10-14T10:15:00"),
        a_record(timestamp="2025-10-14T10:17:30Z"),
        a_record(wave=WAVE + hour),
        a_record(timestamp="soon"),
        a_record(timestamp=...),
    )
    assert [one.wave_time for one in records] == [WAVE, WAVE, WAVE, WAVE, WAVE + hour, None, None]


@pytest.mark.parametrize(
    ("symbol", "code"),
    [
        ("JUPUSDT", None), ("SYRUPUSDT", None), ("BTCDOWNUSDT", "leveraged_coin"), ("ETH3LUSDT", "leveraged_coin"),
        ("ADABULLUSDT", "leveraged_coin"), ("FREEDOMUSDT", None), ("FOOTBALLINDEXUSDT", "index_symbol"),
        ("FDUSDUSDT", "stable_pair"), ("ETHUSDT", None),
    ],
)  # fmt: skip
def test_which_symbols_are_no_coins(symbol: str, code: str | None) -> None:
    refusal = SymbolRules().refusal(symbol, KNOWN)
    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(("other", "symbol"), [("JUSDT", "JUPUSDT"), ("FREEUSDT", "FREEDOMUSDT")])
def test_a_coin_that_is_a_ticker_itself_is_no_leveraged_one(other: str, symbol: str) -> None:
    assert SymbolRules().refusal(symbol, {other}) is not None
    assert SymbolRules().refusal(symbol, {other, symbol}) is None


def test_a_white_list_lets_in_nothing_else_and_the_stop_list_wins() -> None:
    rules = SymbolRules(stoplist=("ethusdt",), whitelist=("BTC*", "ETHUSDT"))
    found = {one: rules.refusal(one, KNOWN) for one in ("BTCUSDT", "ETHUSDT", "SOLUSDT")}
    assert found["BTCUSDT"] is None
    assert {found["ETHUSDT"].code, found["SOLUSDT"].code} == {"stop_listed", "not_whitelisted"}


YES, NO, POOR, W = Outcome.OPENED, Outcome.REFUSED, Outcome.NO_FUNDS, Outcome.WAITING


@pytest.mark.parametrize(
    ("outcomes", "step"),
    [
        ([], ReasonCode.BEYOND_BUFFER),
        ([W, W], 0),
        ([YES, NO, W], 2),
        ([YES, YES, W], ReasonCode.WAVE_LIMIT),
        ([YES, POOR, W], ReasonCode.NO_FUNDS),
        ([NO, NO], ReasonCode.BEYOND_BUFFER),
        ([NO, NO, NO, W, W, W, W], 3),  # none of the first three opened: three more
        ([NO, NO, NO, NO, NO, NO, W], ReasonCode.BEYOND_BUFFER),
        ([YES, NO, NO, W, W], 3),  # one is missing: one more
        ([YES, NO, NO, NO, W], ReasonCode.BEYOND_BUFFER),
    ],
)  # fmt: skip
def test_the_next_candidate_of_two_that_may_open_and_one_in_reserve(outcomes, step) -> None:
    found = next_step(outcomes, target=2, first=3)
    assert (found.code if isinstance(found, WaveEnd) else found) == step


def test_a_limit_of_nothing_opens_nothing() -> None:
    assert isinstance(next_step([W], target=0, first=3), WaveEnd)


@given(st.lists(st.sampled_from([YES, NO]), max_size=40), st.integers(0, 6), st.integers(0, 4))
def test_a_wave_ends_and_never_opens_more_than_its_limit(fates, target, reserve) -> None:
    outcomes = [W] * len(fates)
    while isinstance(step := next_step(outcomes, target, target + reserve), int):
        outcomes[step] = fates[step]
    assert outcomes.count(YES) <= target
    assert outcomes == sorted(outcomes, key=lambda one: one is W)
