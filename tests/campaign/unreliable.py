"""The paper exchange's client in this process, with trouble around each call."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Protocol

from django.conf import settings
from django.utils import timezone

from exchanges.clock import ClockReading
from exchanges.errors import ExchangeError
from exchanges.paper.inprocess import InProcessClient
from tests.campaign.answers import FAULTS, heard
from tests.campaign.crashes import points

PURPOSES = {"e": "entry", "c": "close", "p": "protect", "b": "backstop", "r": "reduce", "t": "take profit"}
READING = (
    "instruments", "balance", "positions", "mark_price", "find_order", "open_orders", "fills", "last_trades", "funding",
    "find_child", "name_of_order", "clock", "position_mode",
)  # fmt: skip
Work = Callable[[], Coroutine[Any, Any, Any]]


class Fate(Protocol):
    """What decides about a request."""

    def trouble(self, call: str) -> tuple[str | None, float]:
        """The kind of fault that this call meets, and when a lasting one ends."""
        ...

    def travels(self, kind: str | None = None) -> None:
        """Let the time pass that a request or its answer needs."""
        ...

    def later(self, name: str, work: Work) -> None: ...

    def carry_out_what_came(self) -> None: ...

    async def meanwhile(self) -> None:
        """Somebody else may act while the request is under way."""
        ...


class UnreliableClient:
    """Every call of an ExchangeClient."""

    def __init__(self, client: InProcessClient, fate: Fate) -> None:
        self._client, self._fate = client, fate
        self._venue = client.engine.account(client.account).venue.name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._client, method)
        if not iscoroutinefunction(call):
            return call  # no request: something the client knows
        return lambda *args, **kwargs: self._request(
            _name(method, args), partial(call, *args, **kwargs), writing=method not in READING
        )

    async def close(self) -> None:
        """Not a request."""

    def clock(self) -> ClockReading | None:
        return self._client.clock()

    async def _request(self, call: str, work: Work, *, writing: bool) -> Any:
        points.reach("before request")
        signed_at = timezone.now()
        await self._fate.meanwhile()
        self._fate.travels()
        kind, until = self._fate.trouble(call)
        if timezone.now() > signed_at + settings.ORDER_RECEIVE_WINDOW and (not kind or FAULTS[kind].works):
            kind = "clock_skew"  # held up on its way: refused for its age
        result = await self._answer(call, work, kind)
        points.reach("after work")
        await self._fate.meanwhile()
        self._fate.travels(kind)
        if isinstance(result, ExchangeError):
            raise result
        if kind is not None:
            raise heard(kind, until, writing=writing, venue=self._venue)
        return result

    async def _answer(self, call: str, work: Work, kind: str | None) -> Any:
        """What the exchange says, its refusals included; None where that gets lost."""
        if kind == "delay_before":
            self._fate.later(call, work)
        if kind is not None and not FAULTS[kind].works:
            return None
        self._fate.carry_out_what_came()
        try:
            return await work()
        except ExchangeError as error:
            return error if kind is None else None


def _name(method: str, args: tuple[Any, ...]) -> str:
    """Orders are told apart by what they are for."""
    if method == "create_order":
        return PURPOSES[args[0].client_order_id.rpartition("-")[2][0]]
    return "cancel" if method == "cancel_order" else method.replace("_", " ")
