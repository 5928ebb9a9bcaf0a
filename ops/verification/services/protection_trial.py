"""One position by a plan with everything in it, at prices that are told: each part must do what it is for, on the
exchange and in the rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone

from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from exchanges.types import PositionSide
from ops.verification.services import desk
from positions.lifecycle import OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position
from positions.services import lookups, orders
from positions.services.ladder import CheckedLevel, check_partial_tp
from positions.sizing import Skip
from trailing import services as trailing
from trailing.engine import StopReason

SYMBOL, ENTRY = "BTCUSDT", Decimal(100_000)
PLAN = {
    "stop_loss": {"type": "percent", "percent": "2"},
    "trailing": {"type": "percent", "activation_percent": "3", "callback_percent": "0.5"},
    "breakeven": {"trigger_percent": "1.5", "offset_percent": "0.2"},
    "profit_locks": [{"trigger_percent": "2", "lock_percent": "1"}],
    "take_profits": {
        "levels": [
            {"at": {"type": "percent", "percent": "1"}, "close_ratio": "0.3"},
            {"at": {"type": "percent", "percent": "5"}, "close_ratio": "0.7"},
        ],
        "stop_after_level": {"type": "none"},
    },
    "updates": {"min_interval_seconds": "0"},
}
WAITS = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.TRIGGERED)
ROUNDS = 4  # until nothing more happens


class Bench:
    """The position, and what streams, hints and sweeps would do about it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        account = desk.an_account()
        desk.contracts_are_known()
        opened = desk.open_at(desk.a_strategy(account, protection=PLAN), SYMBOL, PositionSide.LONG, ENTRY)
        if isinstance(opened, Skip):
            raise RuntimeError(f"nothing was opened: {opened.reason}")
        self.pk = opened.position_id
        self.settle()

    def settle(self) -> None:
        for _ in range(ROUNDS):
            for pk in self._orders(OrderStatus.PENDING_CANCEL):
                lookups.cancel(pk)
            for pk in self._orders(*WAITS):
                lookups.resolve(pk)
            trailing.protect(self.pk)
            for pk in self._orders(OrderStatus.INITIALIZED):
                orders.submit(pk)

    def moves_to(self, percent: str) -> None:
        """So much profit."""
        price = ENTRY * (100 + Decimal(percent)) / 100
        self.engine.set_price(SYMBOL, price, now_ms())
        self.settle()
        trailing.advance(self.pk, price, timezone.now())
        self.settle()

    def levels(self) -> list[CheckedLevel]:
        """As the product finds them, asked twice: the second time changes nothing."""
        check_partial_tp(self.pk)
        self.settle()
        return check_partial_tp(self.pk)

    @property
    def position(self) -> Position:
        return Position.objects.select_related("trailing_stop").get(pk=self.pk)

    @property
    def stop(self) -> tuple[str, Decimal | None]:
        """Why it stands where it stands, and where the exchange has it."""
        placed = Order.objects.filter(
            position=self.pk, purpose=OrderPurpose.PROTECT, status=OrderStatus.ACCEPTED
        )
        row, name = self.position.trailing_stop, placed.values_list("client_order_id", flat=True).last()
        theirs = {one.client_algo_id: one.trigger_price for one in self.engine.open_algos(self._account)}
        return row.stop_reason, theirs.get(name or "")

    @property
    def held_there(self) -> Decimal:
        return sum((abs(one.amount) for one in self.engine.positions(self._account)), Decimal(0))

    @property
    def _account(self) -> str:
        account = self.position.account
        return f"paper-{account.pk}-{account.name}"

    def _orders(self, *statuses: OrderStatus) -> list[Any]:
        found = Order.objects.filter(position=self.pk, status__in=statuses)
        return list(found.order_by("created_at").values_list("pk", flat=True))


def run() -> dict[str, Any]:
    engine = desk.a_market()
    engine.set_price(SYMBOL, ENTRY, now_ms())
    return _tried(Bench(engine))


def _tried(bench: Bench) -> dict[str, Any]:
    has_stop = bench.stop == (StopReason.STOP_LOSS, ENTRY * Decimal("0.98"))
    placed = bench.levels()
    bench.moves_to("1.2")
    sold = bench.levels()
    has_sold = [one.status for one in sold] == ["executed", "pending"] and bench.held_there == Decimal(
        "0.007"
    )
    bench.moves_to("2.1")
    has_locked = bench.stop == (StopReason.PROFIT_LOCK, ENTRY * Decimal("1.01"))
    bench.moves_to("4")
    trails = bench.stop == (StopReason.TRAILING, ENTRY * Decimal("1.04") * Decimal("0.995"))
    is_kept = _is_kept(bench, placed)
    bench.moves_to("3")
    return {
        "check_partial_tp": _places_each_once(bench, placed, sold),
        "flags": {
            "partial_take_profit": has_sold,
            "profit_protection": has_locked,
            "trailing_stop": trails,
            "database_tracking": is_kept and _has_ended(bench),
        },
        "stop_at_once": has_stop,
    }


def _places_each_once(bench: Bench, placed: list[CheckedLevel], sold: list[CheckedLevel]) -> bool:
    made = Order.objects.filter(position=bench.pk, level__isnull=False).order_by("level")
    names = [one.client_order_id for one in sold]
    is_same = names == [one.client_order_id for one in placed]
    return is_same and list(made.values_list("client_order_id", flat=True)) == names != []


def _is_kept(bench: Bench, placed: list[CheckedLevel]) -> bool:
    """What the rows say is what the exchange has."""
    position, row = bench.position, bench.position.trailing_stop
    now = check_partial_tp(bench.pk)
    return (
        position.quantity == bench.held_there
        and row.state == "active"
        and row.high_water_mark == ENTRY * Decimal("1.04")
        and [one.sold for one in now] == [Decimal("0.003"), Decimal(0)]
        and len(now) == len(placed)
    )


def _has_ended(bench: Bench) -> bool:
    """The stop did its work, and nothing is left of it."""
    position = Position.objects.get(pk=bench.pk)
    is_over = position.status == PositionStatus.CLOSED and position.close_reason == "trailing_stop"
    return is_over and bench.held_there == 0 and trailing.count_orphan_ts_states() == 0
