"""Plain dict signals through the services, with real processes doing the rest."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.utils import timezone

from positions.models import Order, Position, RiskEvent
from positions.services.opening import PositionRefused, create_position
from tests.integration.stack import Trader
from tests.sampling import sample


@pytest.fixture
def sample_signal(trader: Trader) -> dict[str, Any]:
    return {
        "id": "websocket_test_123",
        "source": "websocket",
        "symbol": "BTC/USDT",
        "action": "open_long",
        "strength": 0.8,
        "entry_price": 97250.0,
        "stop_loss": 95300.0,
        "take_profit": 101000.0,
        "created_at": timezone.now(),
        "strategy": trader.strategy.name,
    }


@pytest.mark.parametrize("given", sample([7, "websocket_test_123", None, uuid.UUID(int=5)], 2))
def test_signal_to_position_flow(trader: Trader, sample_signal: dict[str, Any], given: object) -> None:
    position_id = create_position(sample_signal | {"id": given})
    position = trader.wait_for(Position.objects.get(pk=position_id), "open")
    assert position.signal_id == (None if given is None else str(given))
    assert position.quantity > 0


def test_risk_violation_blocks_trade(trader: Trader, sample_signal: dict[str, Any]) -> None:
    type(trader.account).objects.filter(pk=trader.account.pk).update(max_exposure=100)
    with pytest.raises(PositionRefused, match="would pass the limit"):
        create_position(sample_signal)
    assert RiskEvent.objects.get(event_type="risk_limit").account == trader.account
    assert not Order.objects.exists()
    assert trader.order_requests() == []


def test_multiple_signals_processing(trader: Trader, sample_signal: dict[str, Any]) -> None:
    prices = {"BTC/USDT": 97250, "ETH/USDT": 3520, "SOL/USDT": 188}
    made = [
        create_position(sample_signal | {"symbol": symbol, "id": number, "entry_price": price})
        for number, (symbol, price) in enumerate(prices.items())
    ]
    for position_id in made:
        trader.wait_for(Position.objects.get(pk=position_id), "open")
    with pytest.raises(PositionRefused, match="already live"):
        create_position(sample_signal)
    assert len(trader.ask(lambda client: client.positions())) == 3
