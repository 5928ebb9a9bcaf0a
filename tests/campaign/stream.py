"""The private streams: the engine's events in the exchange's words, read by the product's own translation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from exchanges.paper import binance_words as words
from exchanges.paper.book import AccountEvent, AlgoEvent, BestPriceMoved, OrderEvent
from exchanges.paper.bybit_private import rows_of
from exchanges.types import PrivateEvent
from exchanges.venues import binance_events, bybit_events
from trailing import listening

if TYPE_CHECKING:
    from tests.campaign.world import World

KIND = "message"
listening.FRESHNESS_SECONDS = 0.0  # measured by the machine's clock, which is not the world's


class PrivateStreams:
    def __init__(self, world: World) -> None:
        self._world = world
        self._cut: set[str] = set()

    def publish(self) -> None:
        """What happened since the last call is on its way; a socket that is cut tells nothing."""
        for event in self._world.engine.drain_events():
            if isinstance(event, BestPriceMoved) or event.account in self._cut:
                continue
            for private in self._messages(event):
                self._send(event.account, private)

    def _messages(self, event: OrderEvent | AlgoEvent | AccountEvent) -> Iterator[PrivateEvent]:
        if self._world.venue == "bybit":
            yield from self._of_topics(event)
        elif (private := self._translated(event)) is not None:
            yield private

    def _of_topics(self, event: OrderEvent | AlgoEvent | AccountEvent) -> Iterator[PrivateEvent]:
        for topic, row in rows_of(self._world.engine, event):
            private = bybit_events.private_event({"topic": topic, "data": [row]}, self._world.symbol)
            if private is not None:
                yield private

    def _translated(self, event: OrderEvent | AlgoEvent | AccountEvent) -> PrivateEvent | None:
        if isinstance(event, OrderEvent):
            update = words.order_update(event, self._world.clock.now_ms)
            symbol = self._world.symbol(event.order.symbol)
            order = binance_events.order_of_update(update, symbol)
            fill = binance_events.fill_of_update(update, symbol)
            return PrivateEvent((order,) if order else (), (fill,) if fill else ())
        if isinstance(event, AlgoEvent):
            child = self._world.engine.account(event.account).orders.get(event.algo.actual_order_id or 0)
            update = words.algo_update(event, self._world.clock.now_ms, child)
            order = binance_events.algo_of_update(update, self._world.symbol(event.algo.symbol))
            return PrivateEvent((order,) if order else ())
        return PrivateEvent(funding_was_paid=True) if event.reason == "FUNDING_FEE" else None

    def _send(self, account: str, event: PrivateEvent) -> None:
        for delay in self._delays():
            self._world.later(delay, KIND, partial(self._deliver, account, event))

    def _delays(self) -> Iterator[float]:
        plan, random = self._world.plan, self._world.random
        if random.random() < plan.message_lost:
            self._world.count("message", "lost")
            return
        late = random.random() < plan.message_late
        yield random.uniform(0.5, 20) if late else random.uniform(0.01, 0.08)
        if random.random() < plan.message_twice:
            self._world.count("message", "twice")
            yield random.uniform(0.01, 10)

    def _deliver(self, account: str, event: PrivateEvent) -> None:
        told = (
            "funding"
            if event.funding_was_paid
            else ", ".join(
                [f"{f.trade_id} {f.quantity} {f.client_order_id}" for f in event.fills]
                + [f"{o.client_order_id} {o.status}" for o in event.orders]
            )
        )
        died = self._world.perform(
            f"stream {account}: {told}", partial(listening.take, self._world.account_id(account), event)
        )
        if died:
            self.cut_all()

    def cut_all(self) -> None:
        """The market process is gone: what was on its way is told to nobody."""
        for account in self._world.engine.accounts:
            self.cut(account)
        self._world.agenda.drop(KIND)

    def cut(self, account: str) -> None:
        if account in self._cut:
            return
        self._world.say(f"private stream of {account} is cut")
        self._world.count("message", "stream cut")
        self._cut.add(account)
        self._world.later(self._world.random.uniform(0.5, 8), "reconnect", partial(self._reconnect, account))

    def _reconnect(self, account: str) -> None:
        self._cut.discard(account)
        catch_up = partial(listening.take, self._world.account_id(account), PrivateEvent())
        if self._world.perform(f"stream {account}: connected", catch_up):
            self.cut(account)

    def reconnect_all(self) -> None:
        for account in sorted(self._cut):
            self._reconnect(account)
