"""A preview says what intake then does, to the last digit, and writes nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exchanges.types import PositionSide
from positions.models import Position, RiskEvent
from signals_app.models import Ticker
from signals_app.previewing import NotOpened, Preview, preview
from tests.builders import a_balance
from tests.signals_app.test_intake import a_trader, frame, receive
from trailing.plan import read_plan

pytestmark = pytest.mark.django_db
LADDER = {
    "stop_loss": {"type": "percent", "percent": 2},
    "take_profits": {
        "levels": [
            {"at": {"type": "percent", "percent": 1}, "close_ratio": "0.5"},
            {"at": {"type": "percent", "percent": 2}, "close_ratio": "0.25"},
        ]
    },
}


def seen(strategy, account, side=PositionSide.LONG):
    return preview(strategy, account, Ticker.objects.get(symbol="BTCUSDT"), side)


@pytest.mark.parametrize("side", list(PositionSide))
@pytest.mark.parametrize("sizing", ["fixed_notional", "equity_percent", "risk_percent"])
def test_it_is_what_intake_then_does(account, side, sizing):
    a_balance(account)
    strategy = a_trader(account, sizing_mode=sizing, protection=read_plan(LADDER).as_json())
    with CaptureQueriesContext(connection) as asked:
        found = seen(strategy, account, side)
    assert isinstance(found, Preview), found
    assert not [q["sql"] for q in asked if q["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    receive(frame("UP" if side is PositionSide.LONG else "DOWN"))
    position = Position.objects.get()
    ready = found.ready
    assert (ready.sized.quantity, ready.sized.notional) == (
        position.planned_quantity,
        position.planned_notional,
    )
    assert (found.price, ready.strategy.leverage) == (position.reference_price, position.leverage)
    assert ready.at_risk == position.planned_risk
    assert (ready.plan, ready.entry.side) == (read_plan(position.plan.body), position.position_side)
    assert -found.loss == pytest.approx(position.planned_risk)
    assert [one.rung.level for one in found.ladder] == [1, 2]
    assert all(one.profit > 0 for one in found.ladder)


def test_a_refusal_says_what_intake_says(account):
    strategy = a_trader(account)
    strategy.notional = Decimal(1)
    strategy.save()
    found = seen(strategy, account)
    assert isinstance(found, NotOpened)
    assert not RiskEvent.objects.exists(), "a preview leaves no note"
    verdict = receive(frame())
    assert [entry.note for entry in verdict.entries] == [found.reason]
    assert not Position.objects.exists()


def test_what_holds_a_signal_back_holds_its_preview_back(account):
    strategy = a_trader(account)
    ticker = Ticker.objects.get(symbol="BTCUSDT")
    Ticker.objects.filter(pk=ticker.pk).update(trade_permission=False)
    assert seen(strategy, account).reason == "ticker BTCUSDT is not permitted to trade"
    Ticker.objects.filter(pk=ticker.pk).update(trade_permission=True)
    strategy.phrases.filter(direction="short").delete()
    assert seen(strategy, account, PositionSide.SHORT).reason == "no phrase of the strategy means short"
    receive(frame())
    assert seen(strategy, account).reason == "already open"


def test_the_page_shows_it_in_money(account, admin_client):
    strategy = a_trader(account, protection=read_plan(LADDER).as_json())
    ticker = Ticker.objects.get(symbol="BTCUSDT")
    url = f"/admin/signals_app/strategy/{strategy.pk}/preview/"
    asked = {"account": account.pk, "ticker": ticker.pk, "side": "long"}
    page = admin_client.get(url, asked).content.decode()
    assert "would open a LONG of BTC/USDT:USDT" in page
    assert 'id="ladder"' in page
    assert "Lost at the stop" in page
    assert not Position.objects.exists()
