"""People: an owner who uses doors that pages do not have, and somebody who trades behind the bot's back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.paper.book import PaperPosition, VenueRefusal
from exchanges.types import OrderType, PositionMode, PositionSide
from positions.lifecycle import OrderPurpose
from positions.models import Order, Position
from positions.services import amending, halting, modifying, placing
from positions.sizing import floor_to
from positions.terms import Terms
from tests.campaign.market import SYMBOLS

if TYPE_CHECKING:
    from tests.campaign.world import World


class People:
    def __init__(self, world: World) -> None:
        self._world = world
        self._owner = (
            self._take_profit, self._modify, self._modify_price, self._halt,
        )  # fmt: skip
        self._stranger = (self._cancel_a_stop, self._sell, self._sell_a_part, self._buy, self._charge_funding)

    def begin(self) -> None:
        self._world.later(self._world.random.expovariate(1 / 5), "person", self._act)

    def _act(self) -> None:
        random = self._world.random
        deed = random.choice(self._owner if random.random() < 0.45 else self._stranger)
        self._world.count("person", deed.__name__.strip("_").replace("_", " "))
        deed()
        self.begin()

    # the owner

    def _ask(self, name: str, work: Callable[[], object]) -> None:
        """A refusal in words is an answer."""

        def asked() -> None:
            try:
                work()
            except placing.OrderRefused as refusal:
                self._world.say(f"  refused: {refusal}")

        self._world.perform(f"owner: {name}", asked)

    def _live(self) -> Position | None:
        live = list(Position.objects.filter(is_live=True).select_related("instrument").order_by("pk"))
        return self._world.random.choice(live) if live else None

    def _take_profit(self) -> None:
        if (position := self._live()) and position.quantity > 0:
            work = partial(placing.place_order, position.pk, OrderPurpose.TAKE_PROFIT, position.quantity)
            self._ask(f"take profit of {position.pk}", partial(work, self._terms(position)))

    def _terms(self, position: Position) -> Terms:
        random = self._world.random
        side = PositionSide(position.position_side)
        target = self._near(position.instrument.exchange_symbol, side, random.uniform(0.05, 1))
        if random.random() < 0.5:
            return Terms(OrderType.TAKE_PROFIT_MARKET, trigger_price=target)
        ends = timezone.now() + timedelta(seconds=random.uniform(2, 40)) if random.random() < 0.5 else None
        return Terms(OrderType.LIMIT, price=target, expires_at=ends)

    def _modify(self) -> None:
        """Another stop, another take-profit, or both, as percent of the price."""
        order = self._newest(Order.objects.filter(position__is_live=True))
        if order is None:
            return
        side, random = PositionSide(order.position.position_side), self._world.random
        near = partial(self._near, order.symbol, side)
        stop = near(-random.uniform(0.1, 3)) if random.random() < 0.7 else None
        target = near(random.uniform(0.1, 3)) if random.random() < 0.7 else None
        work = partial(modifying.modify_order, order.pk, stop_loss=stop, take_profit=target)
        self._ask(f"stop {stop} and take-profit {target} for {order.position_id}", work)

    def _modify_price(self) -> None:
        order = self._newest(Order.objects.filter(order_type=OrderType.LIMIT))
        if order is not None:
            side = PositionSide(order.position.position_side)
            price = self._near(order.symbol, side, self._world.random.uniform(0.02, 2))
            self._ask(f"price {price} for {order}", partial(amending.modify_price, order.pk, price))

    def _near(self, symbol: str, side: PositionSide, percent: float) -> Decimal:
        """The price `percent` into profit."""
        away = Decimal(str(round(percent, 3))) * side.sign
        step = self._world.engine.rules[symbol].price_increment
        return floor_to(self._world.engine.prices[symbol] * (1 + away / 100), step)

    def _newest(self, orders: QuerySet[Order]) -> Order | None:
        found = list(orders.select_related("position").order_by("-created_at", "pk")[:4])
        return self._world.random.choice(found) if found else None

    def _halt(self) -> None:
        account = self._world.random.choice(list(ExchangeAccount.objects.order_by("pk")))
        self._ask(f"halt {account.name}", partial(halting.halt, account.pk, "by hand"))
        self._world.later(self._world.random.uniform(1, 8), "person", partial(self._activate, account.pk))

    def _activate(self, account_id: int) -> None:
        self._world.say(f"owner: account {account_id} may trade again")
        halting.activate(account_id, "go on", by="owner")

    # the stranger

    def _name(self) -> str:
        return self._world.random.choice(list(self._world.engine.accounts))

    def _cancel_a_stop(self) -> None:
        name = self._name()
        if algos := self._world.engine.open_algos(name):
            algo = self._world.random.choice(algos)
            self._world.say(f"stranger: cancels {algo.client_algo_id}")
            self._world.engine.cancel_algo(name, algo.algo_id, now_ms=self._world.clock.now_ms)
            self._world.streams.publish()

    def _held(self, name: str) -> PaperPosition | None:
        held = self._world.engine.positions(name)
        return self._world.random.choice(held) if held else None

    def _sell(self) -> None:
        name = self._name()
        if held := self._held(name):
            self._trade(name, held, abs(held.amount), closes=True)

    def _sell_a_part(self) -> None:
        name = self._name()
        if held := self._held(name):
            step = self._world.engine.rules[held.symbol].size_increment
            part = floor_to(abs(held.amount) / 3, step)
            self._trade(name, held, max(part, step), closes=True)

    def _buy(self) -> None:
        """More of what is held, or where the account takes over what it finds, something new."""
        name = self._name()
        held, account = self._held(name), ExchangeAccount.objects.get(pk=self._world.account_id(name))
        if held:
            step = self._world.engine.rules[held.symbol].size_increment
            more = max(floor_to(abs(held.amount) / 2, step), step)
            self._trade(name, held, more, closes=False)
        elif account.unknown_positions == "adopt":
            symbol, side = self._world.random.choice(SYMBOLS), self._world.random.choice(("LONG", "SHORT"))
            leg = side if self._world.mode == PositionMode.HEDGE else "BOTH"
            quantity = floor_to(
                300 / self._world.engine.prices[symbol], self._world.engine.rules[symbol].size_increment
            )
            new = PaperPosition(symbol, leg, Decimal(1 if side == "LONG" else -1))
            self._trade(name, new, quantity, closes=False)

    def _trade(self, name: str, held: PaperPosition, quantity: Decimal, *, closes: bool) -> None:
        side, symbol, position_side = "BUY", held.symbol, held.position_side
        if (held.amount > 0) == closes:
            side = "SELL"
        self._world.say(f"stranger: {side} {quantity} {symbol} {position_side} on {name}")
        engine, now_ms = self._world.engine, self._world.clock.now_ms
        by_hand = None if engine.account(name).venue.ids_for_good else f"web_{engine.next_order_id}"
        try:
            engine.place(
                name, symbol=symbol, side=side, type="MARKET", quantity=quantity, position_side=position_side,
                client_order_id=by_hand, now_ms=now_ms,
            )  # fmt: skip
            engine.match_acknowledged(now_ms)
        except VenueRefusal as refusal:
            self._world.say(f"  refused: {refusal}")
        self._world.streams.publish()

    def _charge_funding(self) -> None:
        symbol = self._world.random.choice(SYMBOLS)
        self._world.say(f"funding of {symbol}")
        rate = Decimal(str(round(self._world.random.uniform(-0.002, 0.002), 6)))
        self._world.engine.charge_funding(symbol, rate, self._world.clock.now_ms)
        self._world.streams.publish()
