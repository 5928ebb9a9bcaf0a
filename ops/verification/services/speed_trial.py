"""How long 1,000 signals take through the real intake, and ten orders at once through the real sender to the paper
exchange by unmodified ccxt: the first of their contracts, and those of contracts that were set up before. Warm, three
times each, the middle one counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import product
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connections

from exchanges import session
from exchanges.paper.demo import DEMO_PRICES
from exchanges.registry import warm_up
from exchanges.types import PositionSide
from ops.verification.frames import frame
from ops.verification.services import desk
from positions.models import Order
from positions.services import orders, preparing
from positions.sizing import Skip
from signals_app.registry import Registry, load
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival
from signals_app.services.intake import receive_batch

SIGNALS, BATCH = 1000, 100
ORDERS = 10
ROUNDS = 3
PATIENCE_SECONDS = 30.0
ARRIVED = ("accepted", "partially_filled", "filled")


def run() -> dict[str, Any]:
    rounds = {"signals_1000_seconds": _signals()} | _orders()
    return {name: round(median(seen), 4) for name, seen in rounds.items()} | {"rounds": rounds}


def _signals() -> list[float]:
    desk.a_strategy_that_is_off()
    registry = load()
    return _warm_then(lambda: _thousand(registry))


def _thousand(registry: Registry) -> float:
    frames, rule = [frame() for _ in range(SIGNALS)], SenderRule("trial")
    began = time.perf_counter()
    for first in range(0, SIGNALS, BATCH):
        arrivals = [Arrival(one, "trial", datetime.now(UTC), rule) for one in frames[first : first + BATCH]]
        verdicts = receive_batch(arrivals, registry)
        if any(one.status != "new" or one.entries[0].status != "skipped" for one in verdicts):
            raise RuntimeError(f"a signal was not taken as it should be: {verdicts[0]}")
    return round(time.perf_counter() - began, 4)


def _orders() -> dict[str, list[float]]:
    warm_up()
    desk.an_account()
    desk.contracts_are_known()
    with ThreadPoolExecutor(ORDERS) as pool:
        seen = {
            "orders_10_at_once_seconds": _warm_then(partial(_ten, pool, _set_up)),
            "first_orders_10_at_once_seconds": _warm_then(partial(_ten, pool, _nothing)),
        }
        list(pool.map(lambda _: connections.close_all(), range(ORDERS)))
    session.close_all()
    return seen


def _ten(pool: ThreadPoolExecutor, before: Callable[[list[UUID]], None]) -> float:
    """On an account of its own, known to its exchange, whose contracts were not traded yet."""
    account = desk.an_account()
    strategy = desk.a_strategy(account, notional=100)
    session.call(account, lambda client: client.balance())
    legs = list(product(DEMO_PRICES.items(), PositionSide))[:ORDERS]
    opened = [desk.open_at(strategy, symbol, side, price) for (symbol, price), side in legs]
    if refused := [one.reason for one in opened if isinstance(one, Skip)]:
        raise RuntimeError(f"an order was refused before it was sent: {refused[0]}")
    names = list(Order.objects.filter(account=account).values_list("pk", flat=True))
    before(names)
    began = time.perf_counter()
    _send(pool, names)
    return round(time.perf_counter() - began, 4)


def _set_up(names: list[UUID]) -> None:
    """Position mode, margin mode and leverage are as they should be, as those of a bot at work are. None of it is
    remembered, so that each is read again, as it is for orders that come a while later."""
    for order in Order.objects.filter(pk__in=names).select_related("account", "position__instrument"):
        preparing.prepare(order)
    preparing.forget()


def _nothing(names: list[UUID]) -> None:
    """The first order of a contract sets it up."""


def _send(pool: ThreadPoolExecutor, names: list[UUID]) -> None:
    """Until all have arrived: one that a busy machine held up for too long was put back, and is due again."""
    until, waiting = time.monotonic() + PATIENCE_SECONDS, names
    while waiting and time.monotonic() < until:
        list(pool.map(orders.submit, waiting))
        waiting = list(
            Order.objects.filter(pk__in=names).exclude(status__in=ARRIVED).values_list("pk", flat=True)
        )
    if waiting:
        raise RuntimeError(f"{len(waiting)} of {len(names)} orders did not arrive at the paper exchange")


def _warm_then(measure: Callable[[], float]) -> list[float]:
    measure()
    return [measure() for _ in range(ROUNDS)]
