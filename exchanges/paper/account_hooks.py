"""Hooks that do to an account what a client cannot: funding, deleveraging, liquidation, a person's own orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from aiohttp import web

from exchanges.paper import binance_words as words
from exchanges.paper.book import PaperOrder
from exchanges.paper.forgiving import forgiving
from exchanges.paper.matching import Engine
from exchanges.paper.venue import PaperVenue

MAX_RATE = Decimal("0.1")
BY_A_PERSON = "web_"
ForceClose = Callable[[Engine], Callable[[str, str, str, int], PaperOrder]]


def add_account_hooks(app: web.Application, venue: PaperVenue) -> None:
    hooks = AccountHooks(venue)
    app.router.add_post("/paper/funding", forgiving(hooks.funding))
    app.router.add_post("/paper/adl", forgiving(hooks.deleverage))
    app.router.add_post("/paper/liquidate", forgiving(hooks.liquidate))
    app.router.add_post("/paper/lose", forgiving(hooks.lose))
    app.router.add_post("/paper/manual", forgiving(hooks.manual))
    app.router.add_post("/paper/key", forgiving(hooks.key))


class AccountHooks:
    def __init__(self, venue: PaperVenue) -> None:
        self._venue = venue

    async def funding(self, request: web.Request) -> web.Response:
        asked = await request.json()
        rate = Decimal(str(asked["rate"]))
        if not rate.is_finite() or abs(rate) > MAX_RATE:
            raise ValueError(f"rate must be a number from -{MAX_RATE} to {MAX_RATE}")
        charged = self._venue.act(
            lambda engine: engine.charge_funding(asked["symbol"], rate, self._venue.now_ms())
        )
        return web.json_response({"charged": [words.income(income) for income in charged]})

    async def key(self, request: web.Request) -> web.Response:
        """What the account's key may do from now on; what is not named stays."""
        asked = await request.json()
        account = asked.pop("api_key")
        self._venue.key_rights[account] = replace(self._venue.rights_of(account), **asked)
        return web.json_response(asdict(self._venue.rights_of(account)))

    async def deleverage(self, request: web.Request) -> web.Response:
        return await self._force_close(request, lambda engine: engine.deleverage)

    async def liquidate(self, request: web.Request) -> web.Response:
        return await self._force_close(request, lambda engine: engine.liquidate)

    async def _force_close(self, request: web.Request, which: ForceClose) -> web.Response:
        leg = _leg(await request.json())
        order = self._venue.act(lambda engine: which(engine)(*leg, self._venue.now_ms()))
        return web.json_response(words.order(order))

    async def lose(self, request: web.Request) -> web.Response:
        leg = _leg(await request.json())
        self._venue.act(lambda engine: engine.lose(*leg), leg[0])
        return web.json_response({"lost": leg})

    async def manual(self, request: web.Request) -> web.Response:
        """A market order as a person sends it: `side` and `quantity`, or neither to close the whole leg. Binance
        names such an order, Bybit does not."""
        asked = await request.json()
        account, symbol, position_side = _leg(asked)
        side, quantity = self._wanted(asked)
        names = not self._venue.engine.account(account).venue.ids_for_good
        order = self._venue.act(
            lambda engine: engine.place(
                account, symbol=symbol, position_side=position_side, side=side, type="MARKET", quantity=quantity,
                client_order_id=f"{BY_A_PERSON}{engine.next_order_id}" if names else None, now_ms=self._venue.now_ms(),
            )
        )  # fmt: skip
        self._venue.match()
        return web.json_response(words.order(order))

    def _wanted(self, asked: dict[str, Any]) -> tuple[str, Decimal]:
        if "side" in asked or "quantity" in asked:
            return asked["side"], Decimal(str(asked["quantity"]))
        account, symbol, position_side = _leg(asked)
        held = self._venue.engine.account(account).position(symbol, position_side).amount
        return ("SELL" if held > 0 else "BUY"), abs(held)


def _leg(asked: dict[str, Any]) -> tuple[str, str, str]:
    return asked["api_key"], asked["symbol"], asked.get("position_side", "BOTH")
