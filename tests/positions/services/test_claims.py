"""Two workers want the same order at the same moment: one of them sends it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connections

from exchanges import session
from exchanges.errors import OutcomeUnknown
from exchanges.types import OrderReport, OrderRequest
from positions.lifecycle import OrderPurpose
from positions.models import Order, Position
from positions.services import orders
from positions.services.outbox import client_order_id
from tests.positions.services.conftest import Desk
from tests.sampling import sample


def waiting_stops(position: Position, count: int) -> list[UUID]:
    first = 2  # the position's own stop is the first
    rows = [
        Order(
            account=position.account, position=position, symbol="BTCUSDT", side="sell", quantity=D("0.010"),
            position_idx=1, reduce_only=True, purpose="protect", generation=n, order_type="stop_market",
            trigger_price=D(90000), book="algo",
            client_order_id=client_order_id(position.token, OrderPurpose.PROTECT, n),
        )
        for n in range(first, first + count)
    ]  # fmt: skip
    return [row.pk for row in Order.objects.bulk_create(rows)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", sample([100, 1000], 2))
def test_two_workers_claim_one_order_many_times(desk: Desk, times: int) -> None:
    position = desk.filled()
    desk.stop(position)
    sent = Counter[str]()

    async def note(request: OrderRequest) -> OrderReport:
        sent[request.client_order_id] += 1
        raise OutcomeUnknown("nobody answers")

    async def listen(client: object) -> None:
        client.create_order = note  # type: ignore[attr-defined]

    session.call(desk.account, listen)
    together, waiting = Barrier(2), waiting_stops(position, times)

    def work(_: int) -> None:
        try:
            for order in waiting:
                together.wait(30)
                orders.submit(order)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert len(sent) == times
    assert set(sent.values()) == {1}
    assert Order.objects.filter(status="submitted", attempts=1).count() == times
