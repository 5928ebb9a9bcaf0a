"""The net under the hints: what it looks at, what it leaves alone, and that it never asks an exchange."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.errors import OutcomeUnknown
from exchanges.marks import publish_prices
from exchanges.types import PositionSide, PriceTick
from positions.models import Order, Position
from tests.builders import a_strategy, an_account
from tests.positions.services.conftest import Desk
from tests.positions.services.test_covering import later
from tests.trailing.test_services import protected, row_of, state
from trailing import asking, sweeping
from trailing.models import PriceWatch, TrailingStop

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def cut_off(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on nobody answers. Returns who is asked for something."""
    asked: list[str] = []

    def call(account, action, **words):
        asked.append(account.name)
        raise OutcomeUnknown("nobody answers")

    monkeypatch.setattr(session, "call", call)
    return asked


def needy() -> set[int]:
    return set(sweeping.in_need().values_list("pk", flat=True))


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_position_that_has_its_stop_is_left_alone(desk: Desk, marks, side: PositionSide) -> None:
    position = protected(desk, side=side)
    assert needy() == set()
    Order.objects.filter(purpose="protect").update(status="submitted")
    assert needy() == set(), "it is on its way"
    Order.objects.filter(purpose="protect").update(status="canceled")
    assert needy() == {position.pk}


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_stop_that_lags_behind_the_row_needs_a_look(desk: Desk, marks, side: PositionSide) -> None:
    position = protected(desk, side=side)
    stop = row_of(position).stop_price
    TrailingStop.objects.update(stop_price=stop + side.sign)
    assert needy() == {position.pk}
    TrailingStop.objects.update(stop_price=stop - side.sign)
    assert needy() == set(), "better than asked for"


def test_other_reasons_for_a_look(desk: Desk, marks) -> None:
    position = protected(desk)
    for change, back in (
        ({"average_entry_price": D(1)}, {"average_entry_price": position.average_entry_price}),
        ({"quantity": D("0.004")}, {"quantity": position.quantity}),
    ):
        Position.objects.update(**change)
        assert needy() == {position.pk}, change
        Position.objects.update(**back)
    TrailingStop.objects.update(levels_taken=1)
    assert needy() == {position.pk}
    TrailingStop.objects.update(levels_taken=0, entry_price=None)
    assert needy() == {position.pk}
    Position.objects.update(status="closing")
    assert needy() == set()


def test_orders_of_one_generation_are_one_stop(desk: Desk, marks) -> None:
    position = protected(desk)
    stop = desk.order(position, "protect")
    Order.objects.filter(pk=stop.pk).update(quantity=stop.quantity / 2)
    assert needy() == {position.pk}
    half = Order.objects.get(pk=stop.pk)
    half.pk, half.part, half.client_order_id = None, 2, "the-other-half"
    half.save(force_insert=True)
    assert needy() == set()


def test_a_stop_that_fired_long_ago_needs_a_look(desk: Desk, marks) -> None:
    position = protected(desk)
    Order.objects.filter(purpose="protect").update(status="triggered")
    assert needy() == set()
    later(position, seconds=11)
    assert needy() == {position.pk}


def test_the_sweep_asks_no_exchange(desk: Desk, marks, monkeypatch: pytest.MonkeyPatch) -> None:
    position = protected(desk)
    asked = cut_off(monkeypatch)
    sweeping.sweep(timezone.now())
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(1), timezone.now()))])
    Order.objects.filter(purpose="protect").update(status="expired")
    sweeping.sweep(timezone.now())
    assert (asked, state(position)[0]) == ([], "closing")


def test_the_positions_of_a_contract_are_judged_before_it_counts_as_seen(
    desk: Desk, marks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of two hold whole contracts."""
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    other = another(desk)
    made = [protected(who, symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT") for who in (desk, other)]
    protected(desk, "BTCUSDT", SHORT)
    chunks = [[row.position.instrument.exchange_symbol for row in chunk] for chunk in sweeping._chunks()]
    assert sorted(map(len, chunks)) == [2, 2, 3]
    assert all(len(set(symbols)) == 1 for symbols in chunks)
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(97_000), timezone.now()))])
    assert sweeping.sweep(timezone.now()) == len(made) + 1
    assert [watch.instrument.exchange_symbol for watch in PriceWatch.objects.all()] == ["BTCUSDT"]


def another(desk: Desk) -> Desk:
    return Desk(desk.engine, a_strategy(an_account(), notional=D(1000)))


def test_a_contract_is_asked_for_once_however_many_positions_it_has(
    desk: Desk, marks, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [protected(who, side=side) for who in (desk, another(desk)) for side in (LONG, SHORT)]
    asked: list[str] = []
    call = session.call
    monkeypatch.setattr(
        session, "call", lambda account, *rest: asked.append(account.name) or call(account, *rest)
    )
    TrailingStop.objects.update(crossed_at=timezone.now() - timedelta(seconds=3))
    desk.engine.prices["BTCUSDT"] = D(1)  # the exchange's own stops sleep
    assert asking.ask(timezone.now()) == 1
    assert asked == [desk.account.name]
    assert [state(one)[0] for one in held] == ["closing", "open", "closing", "open"]


def test_a_contract_whose_price_is_told_is_not_asked_for(desk: Desk, marks, monkeypatch) -> None:
    protected(desk)
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(97_250), timezone.now()))])
    asked = cut_off(monkeypatch)
    assert (asking.ask(timezone.now()), asked) == (0, [])


def test_an_account_that_does_not_answer_is_asked_once_and_another_in_its_place(
    desk: Desk, marks, monkeypatch
) -> None:
    other = another(desk)
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        protected(desk, symbol)
    protected(other, "ETHUSDT")
    asked = cut_off(monkeypatch)
    assert asking.ask(timezone.now()) == 3
    assert asked == [desk.account.name, other.account.name]
