"""A trial order on a venue that only acknowledges is over when it is told to be over, and not before."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.errors import OrderNotFound
from exchanges.models import Instrument
from exchanges.types import Book, OrderReport, OrderType
from positions.canary import ProbeState
from positions.canary_models import CanaryOrder, CanaryRun
from positions.services import canary, canary_orders
from positions.terms import Terms
from tests.positions.services.conftest import Desk
from tests.positions.services.test_acknowledged_first import desk  # noqa: F401
from tests.positions.services.test_orders import Trouble


@pytest.fixture
def run(desk: Desk) -> CanaryRun:  # noqa: F811
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    solana = Instrument.objects.get(exchange_symbol="SOLUSDT")
    return CanaryRun.objects.create(
        account=desk.account, instrument=solana, mark_price=D(188), started_at=timezone.now()
    )


def tried(run: CanaryRun) -> CanaryOrder:
    return canary_orders.try_out(run, Terms(OrderType.LIMIT, price=D(150)), D(1))


def swept(order: CanaryOrder) -> str:
    canary.clean_up()
    order.refresh_from_db()
    return order.state


def test_a_cancel_that_was_only_acknowledged_is_asked_for_again(desk: Desk, run: CanaryRun) -> None:  # noqa: F811
    client = Trouble(desk).client()

    async def acknowledged(symbol: str, name: str, book: Book) -> OrderReport:
        return await client.find_order(symbol, name, book)

    client.cancel_order = acknowledged
    order = tried(run)
    assert order.state == ProbeState.STANDING
    assert swept(order) == ProbeState.STANDING
    del client.cancel_order
    assert swept(order) == ProbeState.WORKED
    assert desk.engine.open_orders(desk.paper_name) == []


def not_there(desk: Desk) -> None:  # noqa: F811
    for method in ("find_order", "cancel_order"):
        Trouble(desk).answer_with(OrderNotFound("no such order", code="110001"), method=method)


def there(desk: Desk) -> None:  # noqa: F811
    for method in ("find_order", "cancel_order"):
        delattr(session.call(desk.account, _itself), method)


async def _itself(client: object) -> object:
    return client


def test_one_that_is_in_no_list_yet_is_taken_back_when_it_is(desk: Desk, run: CanaryRun) -> None:  # noqa: F811
    not_there(desk)
    order = tried(run)
    assert swept(order) == ProbeState.ASKED
    there(desk)
    assert swept(order) == ProbeState.WORKED
    assert desk.engine.open_orders(desk.paper_name) == []


def test_one_that_stood_and_is_gone_was_taken_back_by_somebody_else(desk: Desk, run: CanaryRun) -> None:  # noqa: F811
    not_there(desk)
    order = tried(run)
    a_minute_ago = timezone.now() - timedelta(minutes=1)
    CanaryOrder.objects.update(asked_at=a_minute_ago, state=ProbeState.STANDING)
    assert swept(order) == ProbeState.WORKED


def test_one_only_acknowledged_that_nobody_saw_proves_nothing(desk: Desk, run: CanaryRun) -> None:  # noqa: F811
    """It may have been refused after its acknowledgement, and forgotten."""
    not_there(desk)
    order = tried(run)
    CanaryOrder.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    assert swept(order) == ProbeState.NOT_SENT
    run.refresh_from_db()
    assert run.verdict == "unclear"
