"""One contract, two venues, two legs: opened alike or not at all, closed together, and the books say what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

# in a transaction of its own, as service tests: its hints must not wake the workers of other stories
from pytest_django.fixtures import _django_db_helper  # noqa: F401

from exchanges import session
from exchanges.models import AccountWatch, ExchangeAccount, TradingState
from exchanges.paper.matching import Engine
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from positions.lifecycle import CloseReason
from positions.models import Order, Position, RiskEvent
from positions.pair_figures import result_of
from positions.services import arbitrage, halting, orders
from positions.services.closing import request_close
from signals_app.models import Strategy
from tests.builders import a_balance, a_position
from tests.exchanges.wired import wired_venue
from tests.integration.pair_ground import Ground

CENT = D("0.01")


@pytest.fixture
def ground(db, engine: Engine, bybit_engine: Engine) -> Iterator[Ground]:
    made = Ground(engine, bybit_engine)
    yield made
    made.end()


@pytest.fixture
def wired(db, settings, marks) -> Iterator[Ground]:
    """Both exchanges behind sockets: each account through its venue's own words, by ccxt."""
    with wired_venue() as binance, wired_venue() as bybit:
        settings.PAPER_EXCHANGE_URL = binance.url
        settings.PAPER_EXCHANGE_URLS = {"bybit": bybit.url}
        made = Ground(binance.venue.engine, bybit.venue.engine)
        yield made
        made.end()
        session.close_all()


def nothing_is_held(ground: Ground) -> bool:
    return ground.held(ground.binance) == ground.held(ground.bybit) == 0


# the good way


def test_the_dearer_is_sold_the_cheaper_bought_and_both_closed_when_they_meet(ground: Ground) -> None:
    trade = ground.open()
    assert (ground.held(ground.binance), ground.held(ground.bybit)) == (trade.quantity, -trade.quantity)
    assert trade.quantity == D("0.010")
    assert trade.opened_because.startswith(f"sell {ground.bybit.name} at ")
    ground.prices(97_200, 97_200)
    ground.watch()
    trade = ground.until_trade_is("closed")
    assert (trade.cause, nothing_is_held(ground)) == ("converged", True)
    assert {p.close_reason for p in Position.objects.all()} == {"arbitrage"}
    result = result_of(trade)
    # short 97489.9 -> 97200.1, long 97000.1 -> 97199.9, four fees of 0.05 %
    assert result.gross == D("0.010") * (D("289.8") + D("199.8"))
    assert (
        abs(
            result.fees
            - D("0.0005") * D("0.010") * (D("97489.9") + D("97200.1") + D("97000.1") + D("97199.9"))
        )
        < CENT
    )
    assert abs(result.net - ground.earned()) < CENT
    assert result.net > 0


def test_the_same_through_the_words_of_both_venues(wired: Ground) -> None:
    trade = wired.open()
    assert (wired.held(wired.binance), wired.held(wired.bybit)) == (trade.quantity, -trade.quantity)
    wired.prices(97_200, 97_200)
    wired.watch()
    trade = wired.until_trade_is("closed")
    assert (trade.cause, nothing_is_held(wired)) == ("converged", True)
    assert abs(result_of(trade).net - wired.earned()) < CENT


def test_a_refusal_in_the_words_of_one_venue_unwinds_the_leg_at_the_other(wired: Ground) -> None:
    wired.turn()
    wired.drain(wired.bybit)
    wired.prices(97_000, 97_490)
    wired.watch()
    trade = wired.until_trade_is("failed")
    assert (trade.cause, nothing_is_held(wired)) == ("leg_refused", True)
    assert abs(result_of(trade).net - wired.earned(wired.binance)) < CENT


@pytest.mark.parametrize("dear", ["binance", "bybit"])
def test_either_side_may_be_the_dear_one(ground: Ground, dear: str) -> None:
    ground.prices(**({"binance": 97_000, "bybit": 97_000} | {dear: 97_490}))
    ground.watch()
    trade = ground.until_trade_is("open")
    assert trade.short_is_first is (dear == "binance")
    assert ground.held(getattr(ground, dear)) < 0


def test_both_legs_are_protected_on_their_exchanges(ground: Ground) -> None:
    ground.open()
    for account in (ground.binance, ground.bybit):
        [stop] = Order.objects.filter(account=account, purpose="protect")
        assert (stop.status, stop.quantity) == ("accepted", D("0.010"))


def test_between_the_thresholds_nothing_happens(ground: Ground) -> None:
    ground.open()
    ground.prices(97_000, 97_150)
    ground.watch()
    assert ground.trade.status == "open"
    ground.prices(97_000, 97_000)
    ground.watch()
    ground.until_trade_is("closed")
    ground.prices(97_000, 97_150)
    ground.watch()
    assert ArbitrageTrade.objects.count() == 1


def test_after_a_trade_the_pair_rests(ground: Ground) -> None:
    ground.open()
    ground.prices(97_200, 97_200)
    ground.watch()
    ground.until_trade_is("closed")
    ground.prices(97_000, 97_490)
    ground.watch()
    assert ArbitrageTrade.objects.count() == 1
    ArbitrageTrade.objects.update(ended_at=timezone.now() - timedelta(seconds=61))
    ground.watch()
    assert ArbitrageTrade.objects.count() == 2


def test_a_trade_ends_with_its_time_though_the_prices_never_met(ground: Ground) -> None:
    ground.open()
    ArbitrageTrade.objects.update(opened_at=timezone.now() - timedelta(days=1))
    ground.watch()
    assert ground.until_trade_is("closed").cause == "held_too_long"
    assert nothing_is_held(ground)


def test_a_spread_that_only_grows_is_left_at_the_pairs_own_stop(ground: Ground) -> None:
    ground.open()
    ground.prices(97_000, 98_600)
    ground.watch()
    trade = ground.until_trade_is("closed")
    assert (trade.cause, nothing_is_held(ground)) == ("stop_loss", True)
    assert abs(result_of(trade).net - ground.earned()) < CENT


# one leg fails


def test_what_one_exchange_refuses_is_unwound_on_the_other_and_its_cost_is_booked(ground: Ground) -> None:
    ground.turn()
    ground.drain(ground.bybit)
    ground.prices(97_000, 97_490)
    ground.watch()
    trade = ground.until_trade_is("failed")
    assert nothing_is_held(ground)
    assert trade.cause == "leg_refused"
    assert ground.bybit.name in trade.reason
    legs = {p.account_id: p.close_reason for p in Position.objects.all()}
    assert legs == {ground.binance.pk: "unwound", ground.bybit.pk: "never_opened"}
    result = result_of(trade)
    assert result.net < 0
    assert abs(result.net - ground.earned(ground.binance)) < CENT
    assert RiskEvent.objects.filter(event_type="arbitrage_leg_failed").count() == 1


def test_a_failing_pair_asks_ever_more_seldom(ground: Ground) -> None:
    ground.turn()
    ground.drain(ground.bybit)
    ground.prices(97_000, 97_490)
    ground.watch()
    ground.until_trade_is("failed")
    ArbitrageTrade.objects.update(ended_at=timezone.now() - timedelta(seconds=90))
    ground.watch()
    assert ArbitrageTrade.objects.count() == 1
    ArbitrageTrade.objects.update(ended_at=timezone.now() - timedelta(seconds=121))
    ExchangeAccount.objects.update(entries_paused_until=None)
    ground.watch()
    assert ArbitrageTrade.objects.count() == 2


def test_a_leg_that_is_filled_in_part_is_unwound_with_the_other(ground: Ground) -> None:
    ground.troubles[ground.engines["bybit"]] = "half"
    ground.prices(97_000, 97_490)
    ground.watch()
    ground.until_trade_is("unwinding")
    assert ground.trade.cause == "uneven", ground.trade.reason
    ground.troubles.clear()
    trade = ground.until_trade_is("closed")
    assert nothing_is_held(ground)
    assert f"0.005 on the short on {ground.bybit.name}" in trade.reason
    assert abs(result_of(trade).net - ground.earned()) < CENT


def test_an_answer_that_got_lost_is_looked_up_and_the_pair_goes_on(ground: Ground) -> None:
    ground.troubles[ground.engines["bybit"]] = "unheard"
    ground.prices(97_000, 97_490)
    ground.watch()
    ground.until_trade_is("open")
    assert ground.held(ground.bybit) == -ground.held(ground.binance) == -ground.trade.quantity


def test_an_unknown_leg_is_waited_for_only_so_long(ground: Ground) -> None:
    """The request never arrived, and nobody can prove it yet: what is known is unwound meanwhile."""
    ground.troubles[ground.engines["bybit"]] = "lost"
    ground.prices(97_000, 97_490)
    ground.watch()
    ground.turn()
    assert ground.trade.status == "opening"
    assert ground.held(ground.binance) > 0
    ArbitrageTrade.objects.update(created_at=timezone.now() - timedelta(seconds=10))
    ground.until(lambda: ground.held(ground.binance) == 0)
    assert (ground.trade.status, ground.trade.cause) == ("unwinding", "leg_unknown")
    Order.objects.filter(status="submitted").update(submitted_at=timezone.now() - timedelta(minutes=1))
    assert ground.until_trade_is("failed").cause == "leg_unknown"
    assert nothing_is_held(ground)


def test_an_unknown_leg_that_turns_out_to_be_filled_is_closed_at_once(ground: Ground) -> None:
    ground.troubles[ground.engines["bybit"]] = "unheard"
    ground.prices(97_000, 97_490)
    ground.watch()
    for position in (ground.trade.long_position, ground.trade.short_position):
        ground.submit_entry(position)
    ArbitrageTrade.objects.update(created_at=timezone.now() - timedelta(seconds=10))
    arbitrage.tend_trades()
    assert ground.trade.status == "unwinding"
    ground.troubles.clear()
    ground.until(lambda: nothing_is_held(ground))
    assert ground.until_trade_is("closed").cause == "leg_unknown"


def test_the_stop_of_one_leg_closes_the_other(ground: Ground) -> None:
    ground.open()
    ground.prices(91_000, 97_490)  # the long's stop stands 5 % away, on its exchange
    assert ground.held(ground.binance) == 0
    trade = ground.until_trade_is("closed")
    assert nothing_is_held(ground)
    assert trade.cause == "leg_lost"
    assert f"the long on {ground.binance.name}: stop_loss" in trade.reason
    assert abs(result_of(trade).net - ground.earned()) < CENT


def test_a_leg_that_a_person_closes_takes_the_other_with_it(ground: Ground) -> None:
    trade = ground.open()
    request_close(trade.short_position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    trade = ground.until_trade_is("closed")
    assert nothing_is_held(ground)
    assert (trade.cause, trade.reason) == ("leg_lost", f"the short on {ground.bybit.name}: manual, owner")


# killed


def test_killed_when_only_the_first_entry_was_sent_the_second_follows(ground: Ground) -> None:
    ground.prices(97_000, 97_490)
    ground.watch()
    ground.submit_entry(ground.trade.short_position)
    assert (ground.held(ground.bybit), ground.held(ground.binance)) == (D("-0.010"), D(0))
    ground.until_trade_is("open")
    assert ground.held(ground.binance) == D("0.010")


def test_killed_for_so_long_that_the_market_moved_on_the_first_is_unwound(ground: Ground) -> None:
    ground.prices(97_000, 97_490)
    ground.watch()
    ground.submit_entry(ground.trade.short_position)
    long_ago = timezone.now() - timedelta(minutes=5)
    ArbitrageTrade.objects.update(created_at=long_ago)
    Order.objects.update(created_at=long_ago)
    trade = ground.until_trade_is("failed")
    assert nothing_is_held(ground)
    assert ground.requests(ground.binance) == 0
    assert trade.cause in ("leg_unknown", "leg_refused")


@pytest.mark.parametrize("state", ["closing", "unwinding"])
def test_killed_between_the_decision_and_the_closes_both_are_closed(ground: Ground, state: str) -> None:
    """As if the row had been written and nothing after it."""
    ground.open()
    ArbitrageTrade.objects.update(status=state, cause="converged", reason="they met")
    trade = ground.until_trade_is("closed")
    assert nothing_is_held(ground)
    assert trade.ended_at is not None


def test_killed_when_only_the_first_close_was_sent_the_second_follows(ground: Ground) -> None:
    trade = ground.open()
    ground.prices(97_200, 97_200)
    ground.watch()
    orders.submit(Order.objects.get(position=trade.long_position, purpose="close").pk)
    assert (ground.held(ground.binance), ground.held(ground.bybit)) == (0, D("-0.010"))
    assert ground.until_trade_is("closed").cause == "converged"
    assert nothing_is_held(ground)


def test_nothing_of_a_pair_stays_when_its_transaction_breaks_off(ground: Ground) -> None:
    """The second leg's account does not exist for the strategy any more: the first leaves no row either."""
    ground.prices(97_000, 97_490)
    ground.strategy.accounts.filter(account=ground.bybit).update(enabled=False)
    ground.watch()
    assert not Position.objects.exists()
    assert not Order.objects.exists()
    assert ground.trade.status == "failed"


# limits


def refused(ground: Ground) -> str:
    ground.prices(97_000, 97_490)
    ground.watch()
    ground.turn()
    assert not Position.objects.exists()
    assert ground.requests(ground.binance) == ground.requests(ground.bybit) == 0
    trade = ground.trade
    assert (trade.status, trade.cause) == ("failed", "not_opened")
    return trade.reason


@pytest.mark.parametrize("side", ["binance", "bybit"])
def test_a_limit_of_one_account_opens_nothing_on_either(ground: Ground, side: str) -> None:
    account = getattr(ground, side)
    ExchangeAccount.objects.filter(pk=account.pk).update(max_exposure=900)
    assert refused(ground).startswith(f"{account.name}: exposure ")


@pytest.mark.parametrize("side", ["binance", "bybit"])
def test_a_halted_account_opens_nothing_on_either(ground: Ground, side: str) -> None:
    account = getattr(ground, side)
    halting.halt(account.pk, "the owner said so", "owner")
    assert refused(ground).startswith(f"{account.name}: ")
    assert TradingState.HALTED.value in ground.trade.reason


def test_while_an_account_cannot_be_reached_nothing_is_opened_and_no_leg_is_left_alone(
    ground: Ground,
) -> None:
    trade = ground.open()
    down = {"breaker": "open", "unreachable_since": timezone.now(), "unreachable_failures": 5}
    AccountWatch.objects.filter(account=ground.bybit).update(**down)
    ArbitrageTrade.objects.update(opened_at=timezone.now() - timedelta(days=1))
    ground.watch()
    ground.pair.refresh_from_db()
    assert (ground.trade.status, nothing_is_held(ground)) == ("open", False)
    request_close(trade.long_position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    ground.until_trade_is("closed")  # a leg that is gone already takes the other with it


def test_a_strategy_that_is_off_is_not_even_tried(ground: Ground) -> None:
    Strategy.objects.update(enabled=False)
    ground.prices(97_000, 97_490)
    ground.watch()
    assert not ArbitrageTrade.objects.exists()


def test_the_account_with_less_money_decides_for_both(ground: Ground) -> None:
    a_balance(ground.bybit, available_balance=D(101))
    ground.prices(97_000, 97_490)
    ground.watch()
    quantities = set(Position.objects.values_list("planned_quantity", flat=True))
    assert quantities == {D("0.005")}  # 101 / (1/5 + 2 x 0.05 %) = 502 of quote currency


def test_too_little_money_for_the_smallest_order_is_said(ground: Ground) -> None:
    a_balance(ground.bybit, available_balance=D(2))
    assert "is all that both may hold" in refused(ground)


def test_prices_of_one_venue_alone_decide_nothing(ground: Ground) -> None:
    ground.prices(97_000, 97_490)
    ground.engines["bybit"].prices.pop("BTCUSDT")
    ground.watch()
    assert not ArbitrageTrade.objects.exists()


def test_the_database_keeps_two_accounts_apart_and_one_trade_alive(ground: Ground) -> None:
    with pytest.raises(IntegrityError, match="pair_has_two_accounts"), transaction.atomic():
        ArbitragePair.objects.update(second_account=ground.binance)
    ground.open()
    again = ArbitrageTrade(
        pair=ground.pair, short_is_first=True, quantity=1, buy_at=1, sell_at=2, net_percent=1
    )
    again.long_position, again.short_position = a_position(), a_position(position_side="short")
    with pytest.raises(IntegrityError, match="one_live_trade_per_pair"), transaction.atomic():
        again.save()
