"""What must be true of an account after quiet has come, asked of our rows, the exchange, PostgreSQL and Celery."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from exchanges.errors import ExchangeError
from exchanges.models import AccountWatch
from exchanges.paper import persistence
from exchanges.paper.demo import DEMO_RULES
from exchanges.paper.matching import Engine
from ops.report import evidence, invariants
from ops.report.writing import UNSETTLED
from positions.invariants import deadlocks
from positions.models import Order, Position
from positions.services.outbox import PREFIX
from tests.integration.stack import Trader

LONGEST_BARE_SECONDS = Decimal(45)  # UNPROTECTED_CLOSE_AFTER, and the time of the close
LONGEST_TASK_SECONDS = 40.0


@dataclass(frozen=True)
class Baseline:
    wallet: Decimal
    deadlocks: int
    began_at: datetime

    @classmethod
    def of(cls, trader: Trader) -> Baseline:
        return cls(trader.start_balance, deadlocks(), timezone.now())

    def sent(self, trader: Trader) -> list[evidence.SentOrder]:
        ours = (line for line in trader.stack.paper.logged() if line["api_key"] == trader.key)
        return evidence.accepted(ours)


def contradictions(trader: Trader, baseline: Baseline, since: datetime) -> list[str]:
    """Ours first, they cost little; the exchange is asked when they are silent."""
    questions: tuple[Callable[[Trader, Baseline, datetime], Iterator[str]], ...] = (
        _unsettled, _not_heard_since, _arrivals, _too_long_bare, _database, _stuck, _books,
    )  # fmt: skip
    for question in questions:
        if found := list(question(trader, baseline, since)):
            return found
    return []


def _unsettled(trader: Trader, baseline: Baseline, since: datetime) -> Iterator[str]:
    for order in Order.objects.filter(account=trader.account, status__in=UNSETTLED):
        yield f"order {order.client_order_id} is still {order.status}"
    moving = Position.objects.filter(account=trader.account, status__in=("opening", "closing"))
    yield from (f"position {position.pk} is still {position.status}" for position in moving)


def _not_heard_since(trader: Trader, baseline: Baseline, since: datetime) -> Iterator[str]:
    watch = AccountWatch.objects.get(account=trader.account)
    if watch.reconciled_at is None or watch.reconciled_at < since:
        yield f"not reconciled since quiet began: {watch.reconcile_error or 'no answer yet'}"
    if watch.differences_open:
        yield f"{watch.differences_open} differences are open"


def _arrivals(trader: Trader, baseline: Baseline, since: datetime) -> Iterator[str]:
    """By the exchange's own memory: no intent arrived twice, nothing of ours without a row."""
    arrived = _client_ids(trader)
    yield from (f"{name} arrived {n} times" for name, n in arrived.items() if n > 1)
    known = set(Order.objects.filter(account=trader.account).values_list("client_order_id", flat=True))
    yield from (f"{name} has no row" for name in arrived.keys() - known if name.startswith(PREFIX))


def _client_ids(trader: Trader) -> Counter[str]:
    engine = Engine(DEMO_RULES)
    lines = [json.loads(line) for line in trader.stack.paper.state.read_text().splitlines()]
    for line in lines:
        persistence.restore(engine, line if isinstance(line, list) else [line])
    state = engine.accounts[trader.key]
    asked = [order.client_order_id for order in state.orders.values() if order.algo_id is None]
    return Counter([*asked, *(algo.client_algo_id for algo in state.algos.values())])


def _too_long_bare(trader: Trader, baseline: Baseline, since: datetime) -> Iterator[str]:
    for position in Position.objects.filter(account=trader.account):
        bare = position.unprotected_seconds
        if position.unprotected_since is not None:
            bare += Decimal((timezone.now() - position.unprotected_since).total_seconds())
        if bare > LONGEST_BARE_SECONDS:
            yield f"position {position.pk} was without a stop for {bare:.1f} s"


def _database(trader: Trader, baseline: Baseline, since: datetime) -> Iterator[str]:
    if deadlocks() != baseline.deadlocks:
        yield f"{deadlocks() - baseline.deadlocks} deadlocks in the database"


def _stuck(trader: Trader, baseline: Baseline, since: datetime) -> Iterator[str]:
    answers = trader.stack.active_tasks()
    if not answers:
        yield "no worker answers"
    for task in (task for tasks in answers.values() for task in tasks):
        running = timezone.now().timestamp() - (task["time_start"] or timezone.now().timestamp())
        if running > LONGEST_TASK_SECONDS:
            yield f"task {task['name']} has been running for {running:.0f} s"


def _books(trader: Trader, baseline: Baseline, since: datetime) -> Iterator[str]:
    trader.run("positions.tasks.collect_funding")  # beat asks every ten minutes only
    try:
        accounts = evidence.ask_accounts()
    except ExchangeError as error:
        yield f"the exchange could not be asked: {error}"
        return
    told = invariants.check(
        invariants.Facts(
            accounts=accounts,
            sent=baseline.sent(trader),
            baseline_wallets={str(trader.account.pk): baseline.wallet},
            began_at=baseline.began_at,
        )
    )
    yield from (f"{sentence}: {one}" for sentence, found in told.items() for one in found)
