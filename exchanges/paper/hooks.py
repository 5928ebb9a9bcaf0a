"""Hooks under /paper/: set a price, read the request log. They belong to the paper exchange alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aiohttp import web

from exchanges.paper.account_hooks import add_account_hooks
from exchanges.paper.candles import CANDLE_MS, Candle
from exchanges.paper.fault_hooks import add_fault_hooks
from exchanges.paper.faults import Faults
from exchanges.paper.forgiving import forgiving
from exchanges.paper.request_log import RequestLog
from exchanges.paper.streams import Streams
from exchanges.paper.venue import PaperVenue

MAX_SECONDS = 60
MIN_PRICE, MAX_PRICE = Decimal("0.00000001"), Decimal(10_000_000)


def add_hooks(
    app: web.Application, venue: PaperVenue, streams: Streams, faults: Faults, log: RequestLog
) -> None:
    hooks = Hooks(venue, streams, log)
    add_account_hooks(app, venue)
    add_fault_hooks(app, venue, streams, faults)
    app.router.add_get("/paper/requests", forgiving(hooks.requests))
    app.router.add_get("/paper/state", hooks.state)
    app.router.add_post("/paper/acknowledge", forgiving(hooks.acknowledge))
    app.router.add_post("/paper/price", forgiving(hooks.price))
    app.router.add_post("/paper/candles", forgiving(hooks.candles))
    app.router.add_post("/paper/pause", hooks.pause)
    app.router.add_post("/paper/resume", hooks.resume)


class Hooks:
    def __init__(self, venue: PaperVenue, streams: Streams, log: RequestLog) -> None:
        self._venue, self._streams, self._log = venue, streams, log

    async def requests(self, request: web.Request) -> web.Response:
        return web.json_response({"requests": self._log.since(int(request.query.get("since", "0")))})

    async def state(self, request: web.Request) -> web.Response:
        engine = self._venue.engine
        accounts = {name: self._summary(name) for name in engine.accounts}
        prices = {symbol: str(price) for symbol, price in engine.prices.items()}
        return web.json_response({"prices": prices, "accounts": accounts})

    def _summary(self, account: str) -> dict[str, Any]:
        engine = self._venue.engine
        return {
            "wallet": str(engine.account(account).wallet_balance),
            "positions": [[p.symbol, p.position_side, str(p.amount)] for p in engine.positions(account)],
            "open_orders": [order.client_order_id for order in engine.open_orders(account)],
            "private_sockets": len(self._streams.lines.listening(account)),
            "open_algos": [algo.client_algo_id for algo in engine.open_algos(account)],
        }

    async def acknowledge(self, request: web.Request) -> web.Response:
        """How long after its acknowledgement an order meets the market, where there is one."""
        seconds = (await request.json())["seconds"]
        if not 0 <= seconds <= MAX_SECONDS:
            raise ValueError(f"seconds must be a number from 0 to {MAX_SECONDS}")
        self._venue.matched_after = seconds
        return web.json_response({"matched_after": seconds})

    async def price(self, request: web.Request) -> web.Response:
        words = await request.json()
        price = _price(words["price"])
        last = _price(words.get("last", price))
        if words["symbol"] not in self._venue.engine.rules:
            raise ValueError("symbol is not listed here")
        self._venue.set_price(words["symbol"], price, last)
        self._streams.publish()
        return web.json_response({"price": str(price), "last": str(last)})

    async def candles(self, request: web.Request) -> web.Response:
        """What a contract's prices were from the first of these minutes on."""
        words = await request.json()
        rows = [_candle(row) for row in words["rows"]]
        times = [row.open_ms for row in rows]
        if not rows or times != sorted(set(times)):
            raise ValueError("rows must be minutes, oldest first")
        self._venue.tell_candles(words["symbol"], rows)
        return web.json_response({"told": len(rows)})

    async def pause(self, request: web.Request) -> web.Response:
        self._venue.is_paused = True
        return web.json_response({"paused": True})

    async def resume(self, request: web.Request) -> web.Response:
        self._venue.is_paused = False
        return web.json_response({"paused": False})


def _candle(row: list[object]) -> Candle:
    """Its beginning in milliseconds, open, high, low and close; what was traded, where it is said."""
    open_ms, *told = row
    first, high, low, close = map(_price, told[:4])
    if not isinstance(open_ms, int) or open_ms % CANDLE_MS:
        raise ValueError("a candle begins with its minute")
    if not low <= min(first, close) <= max(first, close) <= high:
        raise ValueError("no price of a candle is beyond its high or low")
    return Candle(open_ms, first, high, low, close, _volume(*told[4:]))


def _volume(word: object = 0) -> Decimal:
    volume = Decimal(str(word))
    if not volume.is_finite() or volume < 0:
        raise ValueError("what was traded is zero or more")
    return volume


def _price(word: object) -> Decimal:
    price = Decimal(str(word))
    if not price.is_finite() or not MIN_PRICE <= price <= MAX_PRICE:
        raise ValueError(f"price must be a number from {MIN_PRICE} to {MAX_PRICE}")
    return price
