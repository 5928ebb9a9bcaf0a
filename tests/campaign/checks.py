"""What must be true of a world that has come to rest. Each violation is one sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Sum

from exchanges.paper.book import AccountState, PaperTrade
from positions.lifecycle import DONE, OrderPurpose, OrderStatus
from positions.models import Fill, Order, Position
from positions.services.outbox import PREFIX
from trailing.models import TrailingStop

if TYPE_CHECKING:
    from tests.campaign.world import World

ZERO = Decimal(0)
STARTING_BALANCE = Decimal(10_000)
FEWEST_ORDERS = 5
Sentences = Iterator[str]


def check(world: World) -> None:
    for rule in RULES:
        for sentence in rule(world):
            world.violate(sentence)


def _of_account(world: World) -> Iterator[tuple[int, AccountState]]:
    for name, state in world.engine.accounts.items():
        yield world.account_id(name), state


def each_intent_arrived_at_most_once(world: World) -> Sentences:
    for _, state in _of_account(world):
        asked = [o.client_order_id for o in state.orders.values() if o.algo_id is None]
        asked += [algo.client_algo_id for algo in state.algos.values()]
        for client_order_id, times in Counter(asked).items():
            if times > 1:
                yield f"{client_order_id} reached the exchange {times} times"


def every_order_there_has_a_row(world: World) -> Sentences:
    for pk, state in _of_account(world):
        ours = set(Order.objects.filter(account_id=pk).values_list("client_order_id", flat=True))
        there = {o.client_order_id for o in state.orders.values()} | {
            a.client_algo_id for a in state.algos.values()
        }
        for client_order_id in sorted(there - ours):
            if client_order_id.startswith(PREFIX):
                yield f"{client_order_id} is at the exchange and has no row"


def fills_are_the_exchanges(world: World) -> Sentences:
    for pk, state in _of_account(world):
        ours = Counter(Fill.objects.filter(account_id=pk).values_list("symbol", "trade_id"))
        theirs = Counter((trade.symbol, str(trade.trade_id)) for trade in state.trades)
        for (symbol, trade_id), times in sorted((ours - theirs).items()):
            yield f"execution {trade_id} of {symbol} is booked {times} times too often"
        for symbol, trade_id in sorted(theirs - ours):
            yield f"execution {trade_id} of {symbol} is not booked"


def intents_filled_as_often_as_there(world: World) -> Sentences:
    for pk, state in _of_account(world):
        executed: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for order in state.orders.values():
            executed[order.client_order_id] += order.executed
        for order in Order.objects.filter(account_id=pk):
            theirs = executed[order.client_order_id]
            if order.filled_quantity != theirs:
                yield f"{order.client_order_id} ({order.status}) filled {order.filled_quantity} here and {theirs} there"
            if theirs > order.quantity:
                yield f"{order.client_order_id} filled {theirs} of {order.quantity}"


def each_leg_is_as_large_as_there(world: World) -> Sentences:
    for pk, state in _of_account(world):
        ours = {
            (p.instrument.exchange_symbol, p.position_side.upper()): p
            for p in Position.objects.filter(account_id=pk, is_live=True).select_related("instrument")
        }
        theirs = {key: abs(p.amount) for key, p in state.positions.items() if p.amount}
        for key in sorted(ours.keys() | theirs.keys()):
            there, here = theirs.get(key, ZERO), ours[key].quantity if key in ours else ZERO
            if there != here:
                yield f"{key[0]} {key[1]} of account {pk}: {here} here and {there} there"
            elif key in ours and _filled(ours[key]) != here:
                yield f"{key[0]} {key[1]} of account {pk}: quantity {here}, executions {_filled(ours[key])}"


def _filled(position: Position) -> Decimal:
    sums = dict(Fill.objects.filter(position=position).values_list("side").annotate(Sum("quantity")))
    sign = 1 if position.position_side == "long" else -1
    return sign * (sums.get("buy", ZERO) - sums.get("sell", ZERO))


def live_positions_are_protected(world: World) -> Sentences:
    for position in Position.objects.filter(is_live=True).select_related("account", "instrument"):
        state = world.engine.account(f"paper-{position.account_id}-{position.account.name}")
        if position.status != "open":
            yield f"position {position.pk} is still {position.status}"
        stops = Order.objects.filter(
            position=position, purpose=OrderPurpose.PROTECT, status=OrderStatus.ACCEPTED
        )
        ids = set(stops.values_list("client_order_id", flat=True))
        standing = [a for a in state.algos.values() if a.is_open and a.client_algo_id in ids]
        if [stop.quantity for stop in standing] != [position.quantity]:
            yield f"position {position.pk} of {position.quantity} has stops {[str(s.quantity) for s in standing]}"


def nothing_is_left_over(world: World) -> Sentences:
    """Nothing of ours works at the exchange but the stops of live positions."""
    for pk, state in _of_account(world):
        protecting = Order.objects.filter(account_id=pk, position__is_live=True, status=OrderStatus.ACCEPTED)
        wanted = set(protecting.values_list("client_order_id", flat=True))
        working = {o.client_order_id for o in state.orders.values() if o.is_open}
        working |= {a.client_algo_id for a in state.algos.values() if a.is_open}
        for client_order_id in sorted(working - wanted):
            if client_order_id.startswith(PREFIX):
                yield f"{client_order_id} still works at the exchange"


def the_ledger_of_orders_closes(world: World) -> Sentences:
    for order in Order.objects.exclude(status__in=DONE).select_related("position"):
        stands = order.purpose == OrderPurpose.PROTECT and order.status == OrderStatus.ACCEPTED
        if not (stands and order.position.is_live):
            yield f"{order.client_order_id} of a {order.position.status} position ended as {order.status}"


def the_wallet_is_explained(world: World) -> Sentences:
    for pk, state in _of_account(world):
        change = state.wallet_balance - STARTING_BALANCE
        theirs = _result(state.trades)
        if change != theirs:
            yield f"wallet of account {pk} moved by {change}, the exchange's executions explain {theirs}"
        sums = Fill.objects.filter(account_id=pk).aggregate(pnl=Sum("realized_pnl"), fee=Sum("fee"))
        ours = (sums["pnl"] or ZERO) - (sums["fee"] or ZERO)
        if change != ours:
            yield f"wallet of account {pk} moved by {change}, our executions explain {ours}"


def _result(trades: list[PaperTrade]) -> Decimal:
    return sum((trade.realized_pnl - trade.commission for trade in trades), ZERO)


def our_profit_is_the_exchanges(world: World) -> Sentences:
    """Average prices are rounded differently: a hundred-thousandth per execution is no difference."""
    for position in Position.objects.all():
        sums = Fill.objects.filter(position=position).aggregate(pnl=Sum("realized_pnl"), fee=Sum("fee"))
        theirs, fees = sums["pnl"] or ZERO, sums["fee"] or ZERO
        if abs(position.realized_pnl - theirs) > Decimal("0.0001"):
            yield f"position {position.pk} realized {position.realized_pnl} here and {theirs} there"
        if position.fees != fees:
            yield f"position {position.pk} paid fees of {position.fees} here and {fees} there"


def trailing_rows_belong_to_live_positions(world: World) -> Sentences:
    for pk in TrailingStop.objects.exclude(position__is_live=True).values_list("pk", flat=True):
        yield f"trailing row {pk} belongs to no live position"
    for pk in Position.objects.filter(is_live=True, trailing_stop=None).values_list("pk", flat=True):
        yield f"live position {pk} has no trailing row"


def enough_happened(world: World) -> Sentences:
    arrived = sum(len(state.orders) + len(state.algos) for state in world.engine.accounts.values())
    if arrived < FEWEST_ORDERS:
        yield f"only {arrived} orders reached the exchange: nothing was tried"


RULES: tuple[Callable[[World], Sentences], ...] = (
    each_intent_arrived_at_most_once,
    every_order_there_has_a_row,
    fills_are_the_exchanges,
    intents_filled_as_often_as_there,
    each_leg_is_as_large_as_there,
    live_positions_are_protected,
    nothing_is_left_over,
    the_ledger_of_orders_closes,
    the_wallet_is_explained,
    our_profit_is_the_exchanges,
    trailing_rows_belong_to_live_positions,
    enough_happened,
)
