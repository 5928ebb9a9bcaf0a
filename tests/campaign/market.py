"""Prices, and what the market process does with them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from exchanges.marks import publish_prices
from exchanges.types import PriceTick
from positions.sizing import floor_to
from trailing.bands import OpenBands
from trailing.watching import send_hints

if TYPE_CHECKING:
    from tests.campaign.world import World

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Market:
    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self) -> None:
        for symbol in SYMBOLS:
            self._world.later(
                self._world.random.uniform(0, 1), "price", lambda symbol=symbol: self._tick(symbol)
            )

    def _tick(self, symbol: str) -> None:
        self._move(symbol)
        self._world.later(self._world.random.uniform(0.5, 2.5), "price", lambda: self._tick(symbol))

    def _move(self, symbol: str) -> None:
        random, price = self._world.random, self._world.engine.prices[symbol]
        stops = self._stops(symbol)
        if stops and random.random() < 0.04:
            self.set_price(symbol, random.choice(stops))
            return
        percent = random.uniform(-3, 3) if random.random() < 0.04 else random.gauss(0, 0.25)
        self.set_price(symbol, price * (1 + Decimal(str(round(percent, 4))) / 100))

    def _stops(self, symbol: str) -> list[Decimal]:
        accounts = self._world.engine.accounts
        return [algo.next_price for name in accounts for algo in self._world.engine.open_algos(name, symbol)]

    def set_price(self, symbol: str, price: Decimal) -> None:
        """The exchange acts at once; the bot hears of it, unless its market process is away for a moment."""
        step = self._world.engine.rules[symbol].price_increment
        self._world.engine.set_price(symbol, floor_to(price, step), self._world.clock.now_ms)
        self._world.say(f"price of {symbol}: {self._world.engine.prices[symbol]}")
        self._world.streams.publish()
        if self._world.random.random() >= self._world.plan.sweep_skipped:
            self._world.perform(f"price of {symbol} is heard", lambda: self._hear(symbol))

    def tell_again(self) -> None:
        """Real markets go on; a world that comes to rest stands still."""
        for symbol in SYMBOLS:
            publish_prices(self._world.venue, [(symbol, self._now(symbol))])

    def _now(self, symbol: str) -> PriceTick:
        return PriceTick(self._world.symbol(symbol), self._world.engine.prices[symbol], datetime.now(UTC))

    def _hear(self, symbol: str) -> None:
        tick = self._now(symbol)
        publish_prices(self._world.venue, [(symbol, tick)])
        for position_id, watched in OpenBands().load().items():
            if watched.contract == (self._world.venue, tick.symbol) and watched.band.is_left_by(tick.price):
                send_hints([position_id], tick)
