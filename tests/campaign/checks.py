"""What must be true of a world that has come to rest. Each violation is one sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import QuerySet, Sum

from exchanges.paper import bybit_figures
from exchanges.paper.book import AccountState, PaperTrade
from exchanges.types import PositionSide
from positions.lifecycle import DONE, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Fill, FundingPayment, InvariantCheck, Order, Position, RiskEvent
from positions.services.outbox import PREFIX
from signals_app.models import SignalLogEntry, StrategyAccount
from tests.campaign import act_checks
from tests.campaign.legs import leg_of
from trailing.models import PartialTakeProfit, TrailingStop

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
            if client_order_id and times > 1:  # a person's have no name on some exchanges
                yield f"{client_order_id} reached the exchange {times} times"


def a_signal_is_decided_once_on_each_account(world: World) -> Sentences:
    """What was killed in between came again as a whole."""
    places = Counter(StrategyAccount.objects.values_list("strategy_id", flat=True))
    verdicts = Counter(SignalLogEntry.objects.values_list("log_id", "strategy_id"))
    for (log_id, strategy_id), count in verdicts.items():
        if count != places[strategy_id]:
            yield f"signal {log_id}: {count} verdicts of strategy {strategy_id} on {places[strategy_id]} accounts"


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
        theirs = Counter((trade.symbol, _told_number(state, trade)) for trade in state.trades)
        for (symbol, trade_id), times in sorted((ours - theirs).items()):
            yield f"execution {trade_id} of {symbol} is booked {times} times too often"
        for symbol, trade_id in sorted(theirs - ours):
            yield f"execution {trade_id} of {symbol} is not booked"


def _told_number(state: AccountState, trade: PaperTrade) -> str:
    return bybit_figures.trade_id(trade.trade_id) if state.venue.one_book else str(trade.trade_id)


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
        theirs = {(p.symbol, leg_of(p)): abs(p.amount) for p in state.positions.values() if p.amount}
        for key in sorted(ours.keys() | theirs.keys()):
            there, here = theirs.get(key, ZERO), ours[key].quantity if key in ours else ZERO
            if key not in ours and _owner_was_told(pk, *key):
                continue
            if there != here:
                yield f"{key[0]} {key[1]} of account {pk}: {here} here and {there} there"
            elif key in ours and _filled(ours[key]) != here:
                yield f"{key[0]} {key[1]} of account {pk}: quantity {here}, executions {_filled(ours[key])}"


def _filled(position: Position) -> Decimal:
    sums = dict(Fill.objects.filter(position=position).values_list("side").annotate(Sum("quantity")))
    sign = 1 if position.position_side == "long" else -1
    return position.unexplained_quantity + sign * (sums.get("buy", ZERO) - sums.get("sell", ZERO))


def _owner_was_told(account: int, symbol: str, position_side: str) -> bool:
    """Of something a stranger opened, on an account that takes nothing over."""
    alarms = RiskEvent.objects.filter(account=account, event_type="unknown_position")
    legs = [row.details["leg"].replace("/", "").replace(":USDT", "") for row in alarms]
    return any(leg.startswith(f"{symbol} {position_side.lower()}") for leg in legs)


def live_positions_are_protected(world: World) -> Sentences:
    ours = Position.objects.filter(is_live=True, handed_over_at=None)
    for position in ours.select_related("account", "instrument"):
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


def backstops_stand_behind_all_that_is_held(world: World) -> Sentences:
    """Where the plan asks for one and the exchange has refused none: it is asked again later and later."""
    ours = Position.objects.filter(is_live=True, handed_over_at=None)
    wished = ours.filter(plan__body__backstop__has_key="callback_percent")
    for position in wished.select_related("account"):
        state = world.engine.account(f"paper-{position.account_id}-{position.account.name}")
        made = Order.objects.filter(position=position, purpose=OrderPurpose.BACKSTOP)
        ids = set(made.values_list("client_order_id", flat=True))
        standing = [a.quantity for a in state.algos.values() if a.is_open and a.client_algo_id in ids]
        was_refused = made.filter(status=OrderStatus.REJECTED).exists()
        if standing != [position.quantity] and not (was_refused and not standing):
            yield f"position {position.pk} of {position.quantity} has backstops {[str(one) for one in standing]}"


def _standing() -> QuerySet[Order]:
    """Orders that may work for as long as their position lives."""
    return Order.objects.filter(
        position__status=PositionStatus.OPEN,
        purpose__in=(OrderPurpose.PROTECT, OrderPurpose.BACKSTOP, OrderPurpose.TAKE_PROFIT),
        status__in=(OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED),
    )


def nothing_is_left_over(world: World) -> Sentences:
    """Nothing of ours works at the exchange but what protects live positions or takes their profit."""
    for pk, state in _of_account(world):
        wanted = set(_standing().filter(account_id=pk).values_list("client_order_id", flat=True))
        working = {o.client_order_id for o in state.orders.values() if o.is_open}
        working |= {a.client_algo_id for a in state.algos.values() if a.is_open}
        for client_order_id in sorted(working - wanted):
            if client_order_id.startswith(PREFIX):
                yield f"{client_order_id} still works at the exchange"
        for client_order_id in sorted(wanted - working):
            yield f"{client_order_id} does not work at the exchange any more"


def the_ledger_of_orders_closes(world: World) -> Sentences:
    pending = Order.objects.exclude(status__in=DONE).exclude(pk__in=_standing()).select_related("position")
    for order in pending:
        yield f"{order.client_order_id} of a {order.position.status} position ended as {order.status}"


def the_wallet_is_explained(world: World) -> Sentences:
    for pk, state in _of_account(world):
        change = state.wallet_balance - STARTING_BALANCE
        funding = sum((payment.amount for payment in state.funding), ZERO)
        theirs = _result(state.trades) + funding
        if change != theirs:
            yield f"wallet of account {pk} moved by {change}, the exchange's executions explain {theirs}"
        sums = Fill.objects.filter(account_id=pk).aggregate(pnl=Sum("realized_pnl"), fee=Sum("fee"))
        paid = FundingPayment.objects.filter(account_id=pk).aggregate(sum=Sum("amount"))["sum"] or ZERO
        ours = (sums["pnl"] or ZERO) - (sums["fee"] or ZERO) + paid
        if change != ours:
            yield f"wallet of account {pk} moved by {change}, our executions explain {ours}"


def _result(trades: list[PaperTrade]) -> Decimal:
    return sum((trade.realized_pnl - trade.commission for trade in trades), ZERO)


def our_profit_is_the_exchanges(world: World) -> Sentences:
    """Average prices are rounded differently: a hundred-thousandth per execution is no difference."""
    for position in Position.objects.select_related("instrument"):
        if _a_stranger_bought(position):
            continue  # at another average: what the exchange calls profit is then partly the stranger's
        sums = Fill.objects.filter(position=position).aggregate(pnl=Sum("realized_pnl"), fee=Sum("fee"))
        theirs, fees = sums["pnl"] or ZERO, sums["fee"] or ZERO
        if abs(position.realized_pnl - theirs) > Decimal("0.0001"):
            yield f"position {position.pk} realized {position.realized_pnl} here and {theirs} there"
        if position.fees != fees:
            yield f"position {position.pk} paid fees of {position.fees} here and {fees} there"


def _a_stranger_bought(position: Position) -> bool:
    leg = PositionSide(position.position_side)
    foreign = Fill.objects.filter(
        account_id=position.account_id, symbol=position.instrument.exchange_symbol, order=None
    )
    if position.position_idx == 0 and foreign.filter(position=None).exists():
        return True  # in one-way mode what he held was closed by our entry, before the bot had heard of it
    return foreign.filter(position_side=leg, side=leg.entry_side).exists()


def trailing_rows_belong_to_live_positions(world: World) -> Sentences:
    for pk in TrailingStop.objects.exclude(position__is_live=True).values_list("pk", flat=True):
        yield f"trailing row {pk} belongs to no live position"
    for pk in Position.objects.filter(is_live=True, trailing_stop=None).values_list("pk", flat=True):
        yield f"live position {pk} has no trailing row"


def levels_are_told_as_they_went(world: World) -> Sentences:
    for row in PartialTakeProfit.objects.select_related("position"):
        made = Order.objects.filter(position_id=row.position_id, level=row.level)
        sold = made.aggregate(sum=Sum("filled_quantity"))["sum"] or ZERO
        name = f"level {row.level} of {row.position_id} ({row.status})"
        is_whole = sold >= row.close_qty > 0 and made.exists()
        # one whose rest was refused keeps what it sold, and left the rest to another level
        if (row.status == "executed") != is_whole and not (is_whole and row.status == "error"):
            yield f"{name} sold {sold} of {row.close_qty}"
        if row.status == "pending":
            working = made.exclude(status__in=DONE).count()
            may_be_gone = row.position.handed_over_at is not None and working == 0
            if row.position.status != PositionStatus.OPEN or (working != 1 and not may_be_gone):
                yield f"{name} of a {row.position.status} position has {working} orders at work"
    begun = PartialTakeProfit.objects.values("position")
    late = Position.objects.filter(
        is_live=True, handed_over_at=None, plan__body__take_profits__has_key="levels"
    )
    for pk in late.exclude(pk__in=begun).values_list("pk", flat=True):
        yield f"position {pk} has no levels"


def the_monitor_agrees(world: World) -> Sentences:
    told = tuple(_of_a_stranger())
    for broken in InvariantCheck.objects.filter(is_true=False):
        if untold := [finding for finding in broken.findings if not finding.startswith(told)]:
            yield f"the monitor finds not true: {broken.name}: {untold[:1]}"


def _of_a_stranger() -> Iterator[str]:
    """Beginnings of what was told to the owner, and is a stranger's doing: a leg nobody of ours opened; one that our
    stop sold as well, in the moment before the end of our position was known."""
    for alarm in RiskEvent.objects.filter(event_type="unknown_position").select_related("account"):
        yield f"{alarm.account.name}: nobody knows {alarm.details['leg']}"
    alarms = RiskEvent.objects.filter(event_type="holdings_out_of_balance").values_list(
        "position_id", flat=True
    )
    for position in Position.objects.filter(pk__in=list(alarms)).select_related("instrument"):
        if _a_stranger_bought(position):
            yield f"position {position.pk} holds "


def enough_happened(world: World) -> Sentences:
    arrived = sum(len(state.orders) + len(state.algos) for state in world.engine.accounts.values())
    if arrived < FEWEST_ORDERS:
        yield f"only {arrived} orders reached the exchange: nothing was tried"


RULES: tuple[Callable[[World], Sentences], ...] = (
    each_intent_arrived_at_most_once,
    a_signal_is_decided_once_on_each_account,
    every_order_there_has_a_row,
    fills_are_the_exchanges,
    intents_filled_as_often_as_there,
    each_leg_is_as_large_as_there,
    live_positions_are_protected,
    backstops_stand_behind_all_that_is_held,
    nothing_is_left_over,
    the_ledger_of_orders_closes,
    the_wallet_is_explained,
    our_profit_is_the_exchanges,
    trailing_rows_belong_to_live_positions,
    levels_are_told_as_they_went,
    the_monitor_agrees,
    enough_happened,
    *act_checks.RULES,
)
