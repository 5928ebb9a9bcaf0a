"""A trading desk whose exchange is on the wire, its troubles, and what one sees of an order afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import redis
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from exchanges import session
from exchanges.binance_client import BinanceClient
from exchanges.models import ExchangeAccount
from exchanges.types import OrderRequest, OrderType, PositionSide, Side
from positions.lifecycle import CloseReason
from positions.models import Order, Position, RiskEvent
from positions.services import insisting, lookups, orders, reconciliation
from positions.services.closing import call_off, lock_position, request_close
from tests.builders import a_strategy, an_account
from tests.exchanges.error_stories import Seen
from tests.exchanges.wired import WiredVenue
from tests.ops.waiting import until
from tests.positions.services.conftest import Desk
from trailing.services import protect

PLAIN, ALGO, LEVERAGE = "/fapi/v1/order", "/fapi/v1/algoOrder", "/fapi/v1/leverage"
CREATE = "POST", "/v5/order/create"
ASKED = {
    "binance": {
        "entry": ("POST", PLAIN), "close": ("POST", PLAIN), "stop": ("POST", ALGO),
        "cancel": ("DELETE", ALGO), "leverage": ("POST", LEVERAGE),
    },
    "bybit": {
        "entry": CREATE, "close": CREATE, "stop": CREATE,
        "cancel": ("POST", "/v5/order/cancel"), "leverage": ("POST", "/v5/position/set-leverage"),
    },
}  # fmt: skip
PURPOSES = {"entry": "entry", "leverage": "entry", "close": "close", "stop": "protect", "cancel": "protect"}
NOBODY = "http://127.0.0.1:9"


class Floor(Desk):
    """A desk whose exchange is on the wire."""

    def __init__(self, wired: WiredVenue, venue: str = "binance") -> None:
        super().__init__(wired.venue.engine, a_strategy(an_account(venue=venue), notional=Decimal(1000)))
        self.wired, self.venue = wired, venue

    def filled(self, symbol: str = "BTCUSDT", side: PositionSide = PositionSide.LONG) -> Position:
        """Where an order is only acknowledged, what became of it is asked for."""
        position = super().filled(symbol, side)
        if position.quantity == 0:
            lookups.resolve(self.order(position, "entry").pk)
            position.refresh_from_db()
        return position

    def sent(self, asked: str) -> int:
        """The requests of the story's kind; orders go to one address at Bybit and are told apart by our names."""
        method, path = ASKED[self.venue][asked]
        purpose = PURPOSES[asked][0] if path == CREATE[1] else ""
        return self.wired.requests(method, path, purpose)

    def order_for(self, asked: str) -> Order:
        """Everything before the request of the story goes well."""
        position = self.open() if PURPOSES[asked] == "entry" else self.filled()
        if PURPOSES[asked] == "protect":
            protect(position.pk)
        if asked == "cancel":
            self.submit(position, "protect")
            lock_position(position.pk)
            call_off(self.order(position, "protect"), "a story")
        if asked == "close":
            request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
        return self.order(position, PURPOSES[asked])

    def act(self, asked: str, order: Order, trouble: dict[str, Any]) -> None:
        """The request of the story, and its trouble once."""
        self.arrange(trouble, ASKED[self.venue][asked], order.position)
        (lookups.cancel if asked == "cancel" else orders.submit)(order.pk)
        settings.PAPER_EXCHANGE_URL = self.wired.url

    def arrange(self, trouble: dict[str, Any], request: tuple[str, str], position: Position) -> None:
        match trouble["kind"]:
            case "refused":
                settings.PAPER_EXCHANGE_URL = NOBODY
            case "closed_by_hand":
                self.close_by_hand(position)
            case "fired":
                self.wired.venue.set_price("BTCUSDT", Decimal(90_000))
            case kind:
                self.wired.server.faults.plan(method=request[0], path=request[1], **trouble)
                if kind.startswith("delay"):
                    self.wait_shortly()

    def close_by_hand(self, position: Position) -> None:
        by_hand = OrderRequest(
            position.instrument.symbol,
            Side.SELL,
            PositionSide.LONG,
            OrderType.MARKET,
            position.quantity,
            "hand",
        )
        session.call(self.account, lambda client: client.create_order(replace(by_hand, reduce_only=True)))

    def wait_shortly(self) -> None:
        async def shorten(client: BinanceClient) -> None:
            client._calls.writer.timeout = 200

        session.call(self.account, shorten)  # type: ignore[arg-type]

    def arrives_late(self, order: Order) -> None:
        """Asked at once, the exchange does not know the order; that proves nothing yet."""
        lookups.resolve(order.pk)
        assert seen(order).order == "submitted"
        until(lambda: self.held() > 0, "the late work")

    def minutes_of_sweeps(self) -> None:
        for _ in range(4):
            _age_rows(timedelta(seconds=60))
            self.forget_what_was_used()
            lookups.resolve_unknown(timezone.now())
            reconciliation.reconcile_account(self.account.pk)
            insisting.close_again(timezone.now())
            for position in Position.objects.filter(status="open"):
                protect(position.pk)
            orders.submit_due(timezone.now() + orders.HINT_GRACE)

    def forget_what_was_used(self) -> None:
        """The shared budget after that minute: nothing used, no demand to wait left."""
        shared = redis.Redis.from_url(settings.REDIS_URL)
        place = self.wired.url.removeprefix("http://")
        for name in shared.scan_iter(f"{settings.REDIS_PREFIX}:budget:{self.venue}:{place}:*"):
            shared.delete(name)


def _age_rows(by: timedelta) -> None:
    times = ("submitted_at", "updated_at", "next_attempt_at", "cancel_sent_at")
    Order.objects.update(**{name: F(name) - by for name in times})
    times = ("updated_at", "absent_since", "close_again_at")
    Position.objects.update(**{name: F(name) - by for name in times})


def seen(order: Order) -> Seen:
    order.refresh_from_db()
    position = Position.objects.select_related("account").get(pk=order.position_id)
    told = RiskEvent.objects.order_by("pk").values_list("event_type", "risk_level")
    return Seen(
        order.status,
        _with(position.status, position.close_reason),
        _account_words(position.account),
        ", ".join(_with(*event) for event in told),
        _next(order),
    )


def _account_words(account: ExchangeAccount) -> str:
    paused = account.entries_paused_until is not None and account.entries_paused_until > timezone.now()
    return account.trading_state + (", entries paused" if paused else "")


def _with(word: str, detail: str) -> str:
    return f"{word} ({detail})" if detail else word


def _next(order: Order) -> str:
    if order.status == "initialized" and order.next_attempt_at:
        return f"sent again in {round((order.next_attempt_at - timezone.now()).total_seconds())} s"
    return {"submitted": "looked up", "pending_cancel": "canceled again"}.get(order.status, "")


def the_end(floor: Floor, asked: str, position: Position) -> str:
    position.refresh_from_db()
    made = Order.objects.filter(position=position).order_by("created_at")
    orders_ = ", ".join(f"{_name(order)} {order.generation} {order.status}" for order in made)
    before = 1 if asked == "close" and floor.venue == "binance" else 0  # the entry went the same way
    sent = floor.sent(asked) - before
    state = _with(position.status, position.close_reason)
    return f"{orders_}; {state}; {floor.held().normalize():f} held; sent {sent}x"


def _name(order: Order) -> str:
    return "stop" if order.purpose == "protect" else str(order.purpose)
