"""Two venues, two position modes, two sides: what each act leaves at the exchange, over HTTP and by the real services.

Each act has a contract of its own, so one account carries a whole row of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import _django_db_helper

from exchanges import session
from exchanges.marks import fresh_mark
from exchanges.paper.demo import DEMO_PRICES
from exchanges.types import PositionMode, PositionSide
from positions.lifecycle import CloseReason
from positions.models import Order, Position
from positions.services import lookups, preparing
from positions.services.closing import request_close
from positions.services.instruments import refresh_instruments
from positions.services.opening import open_position
from positions.services.reconciliation import reconcile_account
from positions.services.reducing import close_position_partial
from positions.sizing import Skip
from tests.builders import a_ticker, an_account
from tests.exchanges.conftest import wired
from tests.exchanges.floor import Floor
from tests.exchanges.wired import WiredVenue
from tests.integration.hedge_matrix import ACTS, PAGE, ROWS, expected, table
from tests.ops.waiting import until
from tests.positions.services.conftest import Desk
from tests.sampling import sample
from tests.signals_app.test_intake import a_trader, frame, receive
from trailing.services import protect

# stories in this process, which roll back: other processes of this folder's stories must not work on their rows
__all__ = ["_django_db_helper", "wired"]

CONTRACTS = dict(zip(ACTS, DEMO_PRICES, strict=True))
ORDERS = {"binance": "/fapi/v1/order", "bybit": "/v5/order/create"}
WORDS = {PositionSide.LONG: "UP", PositionSide.SHORT: "DOWN"}


class Line(Floor):
    """One line of the table: an account, its mode, and the side that comes first."""

    def __init__(self, wired: WiredVenue, venue: str, mode: PositionMode, side: PositionSide) -> None:
        account = an_account(venue=venue, position_mode=mode, max_open_positions=0, max_exposure=0)
        Desk.__init__(
            self, wired.venue.engine, a_trader(account, opposite_signal="close", max_open_positions=50)
        )
        self.wired, self.venue, self.side = wired, venue, side
        refresh_instruments()

    def done(self, act: str) -> str:
        return str(getattr(self, "act_" + act.replace(" ", "_"))(CONTRACTS[act]))

    # what one does

    def bought(self, symbol: str) -> Position:
        position = self.open(symbol, self.side)
        self.sent(position, "entry")
        return position

    def sent(self, position: Position, purpose: str) -> Order:
        """Some venues only acknowledge an order: what became of it is asked for."""
        order = self.submit(position, purpose)
        if order.status == "accepted" and purpose != "protect":
            lookups.resolve(order.pk)
        position.refresh_from_db()
        order.refresh_from_db()
        return order

    def closed(self, position: Position) -> None:
        request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
        self.sent(position, "close")

    def signal(self, symbol: str, side: PositionSide, minutes_ago: int = 0) -> Any:
        until(
            lambda: fresh_mark(self.account.pk, symbol), "a price"
        )  # a busy machine may answer too late once
        at = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
        verdict = receive(frame(WORDS[side], symbol=symbol, bar_time=at.isoformat()))
        [entry] = verdict.entries
        return entry

    # what the exchange has then

    def there(self, symbol: str, one: Decimal) -> str:
        held = [row for row in self.engine.positions(self.paper_name) if row.symbol == symbol]
        return (
            ", ".join(sorted(f"{row.position_side} {Fraction(row.amount / one)}" for row in held)) or "flat"
        )

    def stop_there(self, symbol: str) -> str:
        [stop] = self.engine.open_algos(self.paper_name, symbol)
        assert stop.reduce_only or stop.position_side != "BOTH", "it could turn the position"
        return str(stop.position_side)

    def books(self, position: Position) -> tuple[str, Decimal]:
        position.refresh_from_db()
        return position.status, position.quantity

    # the acts

    def act_open(self, symbol: str) -> str:
        position = self.bought(symbol)
        protect(position.pk)
        self.sent(position, "protect")
        assert self.books(position) == ("open", position.planned_quantity)
        held = self.there(symbol, position.planned_quantity)
        return f"index {position.position_idx}: {held}, stop on {self.stop_there(symbol)}"

    def act_add(self, symbol: str) -> str:
        position = self.bought(symbol)
        again = open_position(self.propose(symbol, self.side))
        assert isinstance(again, Skip)
        assert "is already live" in again.reason
        return f"refused (already live): {self.there(symbol, position.planned_quantity)}"

    def act_reduce_by_half(self, symbol: str) -> str:
        position = self.bought(symbol)
        whole = position.quantity
        close_position_partial(symbol, position.position_idx, Decimal("0.5"), account_id=self.account.pk)
        self.sent(position, "reduce")
        assert self.books(position) == ("open", whole / 2)
        return self.there(symbol, whole)

    def act_close(self, symbol: str) -> str:
        position = self.bought(symbol)
        self.closed(position)
        assert self.books(position) == ("closed", 0)
        return self.there(symbol, position.planned_quantity)

    def act_close_more_than_is_held(self, symbol: str) -> str:
        """A person sold half of it, which nobody has told us: our close asks for all."""
        position = self.bought(symbol)
        self.by_hand(position, position.quantity / 2)
        self.closed(position)
        assert self.there(symbol, position.planned_quantity) in ("flat", self.half(position))
        self.minutes_of_sweeps()
        assert self.books(position) == ("closed", 0)
        return self.there(symbol, position.planned_quantity)

    def act_flip(self, symbol: str) -> str:
        a_ticker(symbol)
        first = Position.objects.get(pk=self.signal(symbol, self.side, minutes_ago=1).position_id)
        self.sent(first, "entry")
        verdict = self.signal(symbol, self.side.opposite, minutes_ago=1)
        self.sent(first, "close")
        one = first.planned_quantity
        if verdict.status == "opened":
            self.sent(Position.objects.get(pk=verdict.position_id), "entry")
            return f"one signal: {self.there(symbol, one)}"
        assert (verdict.status, verdict.reason_code) == ("closed", "one_way_mode")
        between = self.there(symbol, one)
        verdict = self.signal(symbol, self.side.opposite)
        self.sent(Position.objects.get(pk=verdict.position_id), "entry")
        return f"first signal: {between}, second: {self.there(symbol, one)}"

    def act_restart(self, symbol: str) -> str:
        """The entry's answer is lost and the process dies; a new one knows nothing but the rows."""
        position = self.open(symbol, self.side)
        self.wired.server.faults.plan(method="POST", path=ORDERS[self.venue], kind="close_after")
        assert self.submit(position, "entry").status == "submitted"
        session.close_all()
        preparing.forget()
        self.minutes_of_sweeps()
        assert self.books(position) == ("open", position.planned_quantity)
        held = f"{self.there(symbol, position.planned_quantity)}, stop on {self.stop_there(symbol)}"
        self.closed(position)
        return f"{held}, then {self.there(symbol, position.planned_quantity)}"

    def act_both_legs(self, symbol: str) -> str:
        position = self.bought(symbol)
        one = position.planned_quantity
        outcome = open_position(self.propose(symbol, self.side.opposite))
        if isinstance(outcome, Skip):
            return f"refused ({(outcome.code or '').replace('_', ' ')}): {self.there(symbol, one)}"
        self.sent(Position.objects.get(pk=outcome.position_id), "entry")
        both = self.there(symbol, one)
        self.closed(position)
        return f"{both}, then {self.there(symbol, one)}"

    # around them

    def half(self, position: Position) -> str:
        leg = "BOTH" if position.position_idx == 0 else self.side.upper()
        return f"{leg} {'-' if self.side is PositionSide.SHORT else ''}1/2"

    def by_hand(self, position: Position, quantity: Decimal) -> None:
        is_hedged = position.position_idx != 0
        self.engine.place(
            self.paper_name,
            symbol=position.instrument.exchange_symbol,
            side=self.side.exit_side.upper(),
            type="MARKET",
            quantity=quantity,
            position_side=self.side.upper() if is_hedged else "BOTH",
            reduce_only=not is_hedged,
            client_order_id="hand",
            now_ms=int(timezone.now().timestamp() * 1000),
        )


@pytest.fixture(autouse=True)
def a_new_process() -> Iterator[None]:
    preparing.forget()
    yield
    preparing.forget()


@pytest.mark.parametrize(("venue", "mode", "side"), sample(ROWS, 7))
def test_a_line_of_the_table(
    db: None, wired: WiredVenue, venue: str, mode: PositionMode, side: PositionSide
) -> None:
    line = Line(wired, venue, mode, side)
    found = {act: line.done(act) for act in ACTS}
    print(" | ".join((venue, mode, side, *found.values())))
    assert found == expected(venue, mode, side)
    reconcile_account(line.account.pk)
    assert not Order.objects.filter(status="submitted").exists()


def test_the_page_shows_the_table() -> None:
    assert table() in PAGE.read_text()
