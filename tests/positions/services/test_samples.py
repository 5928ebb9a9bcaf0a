"""Recorded answers of the exchange, over a socket into our books: what each of them means for a position."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.types import PrivateEvent
from exchanges.venues import binance_events
from positions.models import Fill, Position
from positions.services.reconciliation import reconcile_account
from tests import sampling
from tests.builders import a_fill, a_position, a_trailing_stop, an_account, an_instrument, an_order
from tests.exchanges.capture import Capture, capturing, half_an_answer, hang_up, sample
from tests.exchanges.wired import own_loop
from trailing.listening import take

pytestmark = pytest.mark.django_db
ANSWERS, EVENTS = sample("binance_answers"), sample("binance_events")
POSITIONS = ("GET", "/fapi/v3/positionRisk")
BALANCE = {
    "assets": [{"asset": "USDT", "walletBalance": "500", "marginBalance": "500", "availableBalance": "400"}]
}
LONG_AGO = datetime(2019, 9, 1, tzinfo=UTC)


@pytest.fixture
def venue(settings) -> Iterator[Capture]:
    with own_loop() as loop:
        context = capturing()
        made = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(5)
        settings.PAPER_EXCHANGE_URL = made.url
        made.answers |= {
            ("GET", "/fapi/v1/openOrders"): [],
            ("GET", "/fapi/v1/openAlgoOrders"): [],
            ("GET", "/fapi/v1/userTrades"): [],
            ("GET", "/fapi/v3/account"): BALANCE,
        }
        yield made
        session.close_all()
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(5)


@pytest.fixture
def account() -> ExchangeAccount:
    an_instrument("BTC")
    return an_account(unknown_positions="adopt")


def reconcile(account: ExchangeAccount, *, seconds_later: float = 0) -> None:
    """As if the last question had been asked so many seconds earlier."""
    before = timezone.now() - timedelta(seconds=seconds_later + 1)
    Position.objects.update(updated_at=before)
    Position.objects.filter(absent_since__isnull=False).update(absent_since=before)
    for watch in AccountWatch.objects.all():
        watch.unknown_legs = dict.fromkeys(watch.unknown_legs, before.isoformat())
        watch.save(update_fields=["unknown_legs"])
    reconcile_account(account.pk)


def held(account: ExchangeAccount, side: str, quantity: str, entry: str) -> Position:
    position = a_position(
        account=account, position_side=side, quantity=D(quantity), average_entry_price=D(entry),
        planned_quantity=D(quantity),
    )  # fmt: skip
    order = an_order(position, quantity=D(quantity), status="filled")
    a_fill(order, price=D(entry), fee=D(0), executed_at=LONG_AGO)
    a_trailing_stop(position)
    Position.objects.filter(pk=position.pk).update(created_at=LONG_AGO)
    return position


def test_both_legs_of_one_contract_are_two_positions(venue: Capture, account: ExchangeAccount) -> None:
    venue.answers[POSITIONS] = ANSWERS["positions_hedge_v3"]
    reconcile(account)
    reconcile(account, seconds_later=6)
    rows = Position.objects.order_by("position_idx").values_list(
        "position_side", "position_idx", "quantity", "average_entry_price", "signal_id"
    )
    assert list(rows) == [
        ("long", 1, D("0.009"), D("67445.9"), None),
        ("short", 2, D("0.004"), D("67600"), None),
    ]
    reconcile(account, seconds_later=6)
    assert Position.objects.count() == 2


def test_a_flat_row_is_no_position_and_ours_was_closed_outside(
    venue: Capture, account: ExchangeAccount
) -> None:
    position = held(account, "long", "0.009", "67445.9")
    venue.answers[POSITIONS] = ANSWERS["positions_flat"]
    reconcile(account)
    position.refresh_from_db()
    assert position.status == "open"
    reconcile(account, seconds_later=6)
    position.refresh_from_db()
    assert (position.status, position.close_reason, position.quantity) == ("closed", "external", D(0))
    assert not hasattr(position, "trailing_stop")


def told(event: dict[str, Any]) -> PrivateEvent:
    order = binance_events.order_of_update(event, "BTC/USDT:USDT")
    fill = binance_events.fill_of_update(event, "BTC/USDT:USDT")
    assert order is not None
    assert fill is not None
    return PrivateEvent(orders=(order,), fills=(fill,))


@pytest.mark.parametrize(
    ("name", "side", "quantity", "entry", "reason", "realized", "fee"),
    [
        ("liquidation_fill", "long", "0.014", "10315.12", "liquidation", "-5.67", "0.06937084"),
        ("adl_fill", "short", "0.005", "41500", "adl", "-2.50", "0.105"),
    ],
)
def test_what_the_exchange_closes_by_force_is_named_and_has_its_profit(
    account: ExchangeAccount,
    name: str,
    side: str,
    quantity: str,
    entry: str,
    reason: str,
    realized: str,
    fee: str,
) -> None:
    position = held(account, side, quantity, entry)
    take(account.pk, told(EVENTS[name]))
    take(account.pk, told(EVENTS[name]))
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", reason)
    assert (position.realized_pnl, position.fees) == (D(realized), D(fee))
    forced = Fill.objects.get(order=None)
    assert (forced.position, forced.forced, forced.realized_pnl) == (position, reason, D(realized))


TROUBLE = [
    (503, "<html>Service Unavailable</html>"),
    (400, '{"code":-1000,"msg":"An unknown error occurred while processing the request."}'),
    (400, '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'),
    (429, '{"code":-1003,"msg":"Too many requests."}'),
    (200, ""),
    (200, "{}"),
    (200, "<html>Bad Gateway</html>"),
    (200, '{"code":-1000,"msg":"unknown"}'),
    hang_up(),
    half_an_answer(),
]


def _name(trouble: Any) -> str:
    return f"{trouble[0]} {trouble[1][:24]}" if isinstance(trouble, tuple) else trouble.__qualname__


PATHS = ["/fapi/v3/positionRisk", "/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"]
# each trouble at one path always, and at the others
IN_TROUBLE = [(PATHS[(at + turn) % 3], trouble) for at, trouble in enumerate(TROUBLE) for turn in range(3)]


@pytest.mark.parametrize(
    ("path", "trouble"),
    sampling.sample(IN_TROUBLE, 3, ids=[f"{path} {_name(trouble)}" for path, trouble in IN_TROUBLE]),
)
def test_an_error_says_nothing_about_any_position(
    venue: Capture, account: ExchangeAccount, path: str, trouble: Any
) -> None:
    position = held(account, "long", "0.009", "67445.9")
    stop = an_order(position, purpose="protect", status="accepted", book="algo")
    venue.answers[POSITIONS] = ANSWERS["positions_flat"]
    reconcile(account)
    before = Position.objects.values().get()
    venue.answers["GET", path] = trouble
    for _ in range(2):
        reconcile(account, seconds_later=60)
    position.refresh_from_db()
    stop.refresh_from_db()
    assert (position.status, stop.status) == ("open", "accepted")
    assert position.quantity == before["quantity"]
    assert AccountWatch.objects.get().reconcile_error != ""
