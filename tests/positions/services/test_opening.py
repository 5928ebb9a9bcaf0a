from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal as D

import pytest

from exchanges.models import Instrument, TradingState
from exchanges.types import PositionSide
from positions.lifecycle import CloseReason
from positions.models import Order, Position, RiskEvent
from positions.services import lookups
from positions.services.closing import request_close
from positions.services.opening import Opened, PositionRefused, create_position, open_position
from positions.sizing import Skip
from signals_app.models import SizingMode
from signals_app.reasons import ReasonCode
from tests.builders import a_balance
from tests.positions.services.conftest import Desk
from trailing.models import TrailingStop
from trailing.plan import read_plan
from trailing.signal_wishes import SignalWishes


def refused(desk: Desk, **values: object) -> str:
    outcome = open_position(desk.propose(**values))  # type: ignore[arg-type]
    assert isinstance(outcome, Skip)
    assert not Position.objects.exists()
    assert not Order.objects.exists()
    return outcome.reason


def test_position_entry_order_and_trailing_row_appear_together(desk: Desk) -> None:
    position = desk.open()
    order = Order.objects.get()
    assert (position.status, position.position_idx, position.quantity) == ("opening", 1, D(0))
    assert (order.status, order.purpose, order.side, order.symbol) == (
        "initialized",
        "entry",
        "buy",
        "BTCUSDT",
    )
    assert order.quantity == position.planned_quantity == D("0.010")
    assert order.client_order_id == f"tb-{position.token}-e1"
    assert len(order.client_order_id) <= 32
    assert not order.reduce_only
    assert TrailingStop.objects.get().position_id == position.pk


def test_a_short_uses_the_second_leg(desk: Desk) -> None:
    position = desk.open(side=PositionSide.SHORT)
    assert (position.position_idx, Order.objects.get().side) == (2, "sell")


@pytest.mark.parametrize("side", PositionSide)
def test_a_stop_that_liquidation_would_come_before_is_not_traded_with(desk: Desk, side: PositionSide) -> None:
    desk.strategy.leverage = 100
    desk.strategy.save()
    assert refused(desk, side=side).endswith("but leverage 100 may be liquidated at 0.50 %")
    assert RiskEvent.objects.filter(event_type="risk_limit").count() == 1


def test_a_short_that_could_never_trail_is_not_opened(desk: Desk) -> None:
    trailing = {"type": "percent", "activation_percent": 100, "callback_percent": 1}
    desk.strategy.protection = read_plan({"trailing": trailing}).as_json()
    desk.strategy.save()
    assert refused(desk, side=PositionSide.SHORT).endswith("100 % of profit is more than a short can make")
    assert isinstance(open_position(desk.propose()), Opened)


def test_one_live_position_per_leg(desk: Desk) -> None:
    desk.open()
    outcome = open_position(desk.propose())
    assert outcome == Skip("a long position in BTCUSDT is already live")
    assert isinstance(open_position(desk.propose(side=PositionSide.SHORT)), Opened)


@pytest.mark.parametrize("change", [{"enabled": False}, {"archived": True}, {"allow_open": False}])
def test_a_strategy_switched_off_after_routing_does_not_open(desk: Desk, change: dict[str, bool]) -> None:
    type(desk.strategy).objects.update(**change)
    assert refused(desk) == "strategy does not open positions now"


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_an_account_that_is_not_active_does_not_open(desk: Desk, state: TradingState) -> None:
    type(desk.account).objects.update(trading_state=state, state_reason="key refused")
    assert refused(desk) == f"the account is {state}: key refused"


def test_an_unlisted_or_inactive_contract_is_refused(desk: Desk) -> None:
    Instrument.objects.filter(exchange_symbol="BTCUSDT").update(active=False)
    assert refused(desk) == "BTCUSDT is not traded on binance"
    Instrument.objects.all().delete()
    assert refused(desk) == "BTCUSDT is not traded on binance"


def test_limits_are_counted_from_rows_and_leave_an_event(desk: Desk) -> None:
    type(desk.account).objects.update(max_open_positions=1)
    desk.open()
    outcome = open_position(desk.propose("ETHUSDT"))
    assert outcome == Skip("account already holds 1 of 1 positions", ReasonCode.ACCOUNT_POSITIONS)
    assert RiskEvent.objects.get().event_type == "risk_limit"


def test_exposure_counts_what_is_planned(desk: Desk) -> None:
    type(desk.account).objects.update(max_exposure=1500)
    desk.open()
    outcome = open_position(desk.propose("ETHUSDT"))
    assert isinstance(outcome, Skip)
    assert "would pass the limit 1500.00" in outcome.reason


def test_free_margin_is_asked_of_the_last_balance(desk: Desk) -> None:
    a_balance(desk.account, available_balance=D(10))
    assert "more than the free balance" in refused(desk)


def test_risk_sizing_reads_the_last_equity(desk: Desk) -> None:
    type(desk.strategy).objects.update(sizing_mode=SizingMode.RISK_PERCENT, risk_percent=D("0.1"))
    assert refused(desk) == "equity of the account is not known, risk sizing needs it"
    a_balance(desk.account, equity=D(10000))
    assert desk.open().planned_notional <= D(500)  # 10 at risk, 2 % away


def test_a_size_below_the_exchanges_minimum_is_skipped(desk: Desk) -> None:
    type(desk.strategy).objects.update(notional=3)
    assert "below the exchange's minimum" in refused(desk)


UUID = uuid.UUID("0190f1a6-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("given", "stored"),
    [("websocket_test_123", "websocket_test_123"), (7, "7"), (UUID, str(UUID)), (None, None)],
)
def test_create_position_stores_any_signal_id_as_text(desk: Desk, given: object, stored: str | None) -> None:
    data = {"symbol": "BTC/USDT", "action": "open_long", "entry_price": 97000, "strategy": desk.strategy.name}
    made = create_position(data | {"id": given})
    assert Position.objects.get(pk=made).signal_id == stored


def test_a_missing_signal_id_is_null_and_a_warning_names_the_symbol(desk: Desk, caplog) -> None:
    create_position(
        {"symbol": "BTC/USDT", "action": "buy", "entry_price": 97000, "strategy": desk.strategy.name}
    )
    assert Position.objects.get().signal_id is None
    assert "BTCUSDT carries no id" in caplog.text


def test_create_position_says_why_not(desk: Desk) -> None:
    data = {"symbol": "BTCUSDT", "action": "SELL", "entry_price": "97000", "strategy": desk.strategy.name}
    create_position(data)
    with pytest.raises(PositionRefused, match="already live"):
        create_position(data)
    with pytest.raises(ValueError, match="action must be one of"):
        create_position(data | {"action": "hold"})


def test_a_leg_is_not_opened_again_before_the_last_stop_is_gone(desk: Desk) -> None:
    """It would fire on the new position: the exchange knows only the leg."""
    position = desk.filled()
    stop = desk.stop(position)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    desk.submit(position, "close")
    too_early = open_position(desk.propose())
    assert too_early == Skip("orders of the last long position in BTCUSDT still work")
    lookups.cancel(stop.pk)
    assert desk.open().pk != position.pk


def test_what_the_signal_wishes_wins_over_the_strategys_plan(desk: Desk) -> None:
    wishes = SignalWishes(D("3.5"), D("2.0"), D("0.4"))
    outcome = open_position(replace(desk.propose(), wishes=wishes))
    assert isinstance(outcome, Opened)
    kept, own = Position.objects.get().plan, read_plan(desk.strategy.protection)
    plan = read_plan(kept.body)
    assert (plan.stop_loss.percent, plan.trailing.activation_percent, plan.trailing.callback_percent) == (
        D("3.5"), D(2), D("0.4"),
    )  # fmt: skip
    assert plan.model_copy(update={"stop_loss": own.stop_loss, "trailing": own.trailing}) == own


def test_the_quantity_at_risk_is_that_of_the_wished_stop(desk: Desk) -> None:
    type(desk.strategy).objects.update(sizing_mode=SizingMode.RISK_PERCENT, risk_percent=D("0.1"))
    a_balance(desk.account, equity=D(10000))
    open_position(replace(desk.propose(), wishes=SignalWishes(D(5))))
    assert D(190) < Position.objects.get().planned_notional <= D(200)  # 10 at risk, 5 % away


def test_a_wish_that_makes_no_sense_opens_nothing_and_says_why(desk: Desk) -> None:
    for wishes, reason in (
        (SignalWishes(D(60)), "leverage 5 may be liquidated at 19.50 %"),
        (SignalWishes(D(200)), "the protection plan cannot be used: with what the signal wishes, stop_loss"),
    ):
        outcome = open_position(replace(desk.propose(), wishes=wishes))
        assert isinstance(outcome, Skip)
        assert reason in outcome.reason
    assert not Position.objects.exists()
