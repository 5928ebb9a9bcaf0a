"""What a used-up budget and a demand to wait do to real orders: rows wait, the exchange hears nothing, stops go out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from exchanges import session
from exchanges.errors import NotSent
from exchanges.types import OrderReport
from positions.models import Order, RiskEvent
from positions.services import orders, reconciliation
from tests.exchanges.floor import Floor, seen
from trailing.services import protect


def listing(floor: Floor) -> Sequence[OrderReport]:
    return session.call(floor.account, lambda client: client.open_orders())


def poll_until_refused(floor: Floor) -> NotSent:
    for _ in range(100):
        try:
            listing(floor)
        except NotSent as error:
            return error
    raise AssertionError("polls are never refused")


def posts(floor: Floor) -> int:
    return floor.wired.requests("POST", "/fapi/v1/order") + floor.wired.requests("POST", "/fapi/v1/algoOrder")


def test_polls_wait_while_entry_and_stop_go_out(floor: Floor) -> None:
    assert "request weight per minute for reading requests" in str(poll_until_refused(floor))
    position = floor.filled()
    protect(position.pk)
    assert floor.submit(position, "protect").status == "accepted"
    refused = floor.wired.requests("GET", "/fapi/v1/openOrders")
    with pytest.raises(NotSent):
        listing(floor)
    assert floor.wired.requests("GET", "/fapi/v1/openOrders") == refused, "nothing was sent"


def test_a_poll_that_is_told_to_wait_makes_entries_wait_but_no_stop(floor: Floor) -> None:
    position = floor.filled()
    floor.wired.server.faults.plan(
        method="GET", path="/fapi/v1/openOrders", kind="answer", status=429, body="{}"
    )
    reconciliation.reconcile_account(floor.account.pk)
    before = posts(floor)
    entry = floor.order(floor.open("ETHUSDT"), "entry")
    orders.submit(entry.pk)
    assert seen(entry).order == "initialized"
    assert Order.objects.get(pk=entry.pk).reason.startswith("the exchange told us to wait")
    assert posts(floor) == before
    protect(position.pk)
    assert floor.submit(position, "protect").status == "accepted"


def test_a_ban_heard_by_a_poll_silences_stops_too_and_the_owner_is_told_once(floor: Floor) -> None:
    position = floor.filled()
    protect(position.pk)
    floor.wired.server.faults.plan(
        method="GET", path="/fapi/v1/openOrders", kind="answer", status=418, body="{}"
    )
    reconciliation.reconcile_account(floor.account.pk)
    before = len(floor.wired.server.log.since(0))
    stop = floor.submit(position, "protect")
    assert (stop.status, seen(stop).next) == ("initialized", "sent again in 120 s")
    reconciliation.reconcile_account(floor.account.pk)
    assert len(floor.wired.server.log.since(0)) == before, "a request would make the ban longer"
    assert RiskEvent.objects.filter(event_type="banned").count() == 1
