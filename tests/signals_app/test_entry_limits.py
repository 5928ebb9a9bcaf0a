"""Pauses and market filters of a strategy, through the intake."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from positions.models import Position
from signals_app import market_facts
from signals_app.market_facts import facts_for_all
from signals_app.market_filters import Fact, MarketFacts
from signals_app.models import Strategy
from signals_app.services.arrivals import EntryVerdict
from tests.builders import a_position, a_ticker, account_of
from tests.signals_app.test_intake import a_trader, frame, receive


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    market_facts.forget()


def verdict_for(strategy: Strategy, message: str = "UP", **fields: object) -> EntryVerdict:
    return next(one for one in receive(frame(message, **fields)).entries if one.strategy_id == strategy.pk)


def ended(strategy: Strategy, seconds_ago: int, base: str = "BTC", **values: object) -> Position:
    closed_at = timezone.now() - timedelta(seconds=seconds_ago)
    return a_position(
        base, account=account_of(strategy), strategy=strategy, status="closed", closed_at=closed_at, **values
    )


def told(entry: EntryVerdict) -> tuple[str, str | None]:
    return entry.status, entry.reason_code


# pauses


def test_a_pause_after_a_close_is_for_that_contract(account: ExchangeAccount) -> None:
    strategy = a_trader(account, cooldown_after_close=60)
    ended(strategy, 20, realized_pnl=Decimal(5))
    a_ticker("ETHUSDT")
    refused = verdict_for(strategy)
    assert told(refused) == ("skipped", "cooldown")
    assert refused.note in [f"after a close of this contract: {n} of 60 s are left" for n in (39, 40)]
    assert told(verdict_for(strategy, symbol="ETHUSDT")) == ("opened", None)


def test_when_the_pause_is_over_it_opens(account) -> None:
    strategy = a_trader(account, cooldown_after_close=60, cooldown_after_loss=60)
    ended(strategy, 61, realized_pnl=Decimal(-5))
    assert told(verdict_for(strategy)) == ("opened", None)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"realized_pnl": Decimal(5), "fees": Decimal(4)}, ("opened", None)),
        ({"realized_pnl": Decimal(5), "fees": Decimal(6)}, ("skipped", "cooldown")),
        ({"realized_pnl": Decimal(5), "fees": Decimal(6), "funding": Decimal(2)}, ("opened", None)),
    ],
)
def test_a_loss_is_what_was_lost_after_fees_and_funding_in_any_contract(account, result, outcome) -> None:
    strategy = a_trader(account, cooldown_after_loss=3600)
    ended(strategy, 20, base="ETH", **result)
    assert told(verdict_for(strategy)) == outcome


def test_a_pause_between_entries_counts_what_is_open_too(account) -> None:
    strategy = a_trader(account, cooldown_between_entries=600)
    a_ticker("ETHUSDT")
    assert told(verdict_for(strategy)) == ("opened", None)
    assert told(verdict_for(strategy, symbol="ETHUSDT")) == ("skipped", "cooldown")


def test_what_never_opened_and_what_others_did_is_no_reason_to_wait(account) -> None:
    strategy = a_trader(account, cooldown_after_close=600, cooldown_between_entries=600)
    ended(strategy, 1, close_reason="never_opened", opened_at=None)
    other = a_trader(account, "other")
    other.phrases.all().delete()
    ended(other, 1)
    assert told(verdict_for(strategy)) == ("opened", None)


def test_turning_round_closes_whatever_the_pause_says(account) -> None:
    strategy = a_trader(account, cooldown_between_entries=600)
    position = a_position(account=account, strategy=strategy)
    entry = verdict_for(strategy, "DOWN")
    position.refresh_from_db()
    assert (entry.status, position.status) == ("closed", "closing")
    assert "nothing opened: between entries" in entry.note


# the market


def test_a_thin_market_is_refused_with_its_numbers(account, engine: Engine) -> None:
    strategy = a_trader(account, min_open_interest=Decimal(30_000_000))
    refused = verdict_for(strategy)
    assert told(refused) == ("skipped", "market")
    assert refused.note == "open interest 24999960 USDT, at least 30000000 wanted"
    assert not Position.objects.exists()


def test_a_market_that_is_fit_is_traded(account) -> None:
    strategy = a_trader(account, min_open_interest=Decimal(20_000_000), max_spread_percent=Decimal("0.5"))
    assert told(verdict_for(strategy)) == ("opened", None)


@pytest.mark.parametrize(("message", "outcome"), [("UP", "skipped"), ("DOWN", "opened")])
def test_nobody_runs_after_the_price(account, engine: Engine, message, outcome) -> None:
    strategy = a_trader(account, max_move_percent=Decimal(4))
    start, now = engine.prices["BTCUSDT"], now_ms()
    engine.minutes["BTCUSDT"] = type(engine.minutes["BTCUSDT"])()
    for ago in range(6, 0, -1):
        engine.set_price("BTCUSDT", start, now - ago * 60_000)
    engine.set_price("BTCUSDT", start * Decimal("1.05"), now)
    assert verdict_for(strategy, message).status == outcome


@pytest.mark.parametrize(("when_unknown", "outcome"), [("refuse", "skipped"), ("pass", "opened")])
def test_what_the_exchange_does_not_tell_refuses_or_passes(account, when_unknown, outcome) -> None:
    """It has traded for minutes only, so the hour's volume is not known."""
    strategy = a_trader(account, min_hour_volume=Decimal(1), hour_volume_unknown=when_unknown)
    entry = verdict_for(strategy)
    assert entry.status == outcome
    assert outcome == "opened" or entry.note == "volume of the last hour is not known"


def test_a_close_asks_nothing_of_the_market(account) -> None:
    strategy = a_trader(account, min_open_interest=Decimal(10**12))
    a_position(account=account, strategy=strategy)
    assert told(verdict_for(strategy, "EXIT")) == ("closed", None)


def facts_of(account_id: int, needed: list[Fact]) -> MarketFacts:
    market = (account_id, "BTCUSDT")
    return facts_for_all({market: frozenset(needed)})[market]


def test_facts_are_kept_for_a_few_seconds(account, engine: Engine) -> None:
    engine.open_interest["BTCUSDT"] = Decimal(10)
    first = facts_of(account.pk, [Fact.OPEN_INTEREST])
    engine.open_interest["BTCUSDT"] = Decimal(20)
    assert facts_of(account.pk, [Fact.OPEN_INTEREST]) == first
    market_facts.forget()
    again = facts_of(account.pk, [Fact.OPEN_INTEREST])
    assert again.open_interest == 2 * (first.open_interest or 0) > 0


def test_an_exchange_that_is_away_tells_nothing(account, settings) -> None:
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"
    assert facts_of(account.pk, list(Fact)) == MarketFacts()
