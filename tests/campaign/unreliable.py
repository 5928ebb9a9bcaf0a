"""The paper exchange's client in this process, with trouble around each call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from exchanges.errors import ExchangeError
from exchanges.paper.inprocess import InProcessClient
from exchanges.types import (
    BalanceReport,
    Book,
    FillReport,
    InstrumentSpec,
    OrderReport,
    OrderRequest,
    PositionMode,
    PositionReport,
    PriceTick,
)
from tests.campaign.answers import FAULTS, heard
from tests.campaign.crashes import points

Result = TypeVar("Result")
PURPOSES = {"e": "entry", "c": "close", "p": "protect"}


class Fate(Protocol):
    """What decides about a request."""

    def trouble(self, call: str) -> tuple[str | None, float]:
        """The kind of fault that this call meets, and when a lasting one ends."""
        ...

    def takes(self, kind: str | None) -> None:
        """Let the time pass that the request needs."""
        ...

    def later(self, name: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> None: ...

    async def meanwhile(self) -> None:
        """Somebody else may act while the request is under way."""
        ...


class UnreliableClient:
    def __init__(self, client: InProcessClient, fate: Fate) -> None:
        self._client, self._fate = client, fate

    async def _call(
        self, call: str, work: Callable[[], Coroutine[Any, Any, Result]], *, writing: bool = False
    ) -> Result:
        points.reach("before request")
        await self._fate.meanwhile()
        kind, until = self._fate.trouble(call)
        self._fate.takes(kind)
        result = await self._answer(call, work, kind)
        points.reach("after work")
        await self._fate.meanwhile()
        if isinstance(result, ExchangeError):
            raise result
        if kind is not None:
            raise heard(kind, until, writing=writing)
        return result  # type: ignore[return-value]

    async def _answer(
        self, call: str, work: Callable[[], Coroutine[Any, Any, Result]], kind: str | None
    ) -> Result | ExchangeError | None:
        if kind == "late":
            self._fate.later(call, work)
        if kind is not None and not FAULTS[kind].works:
            return None
        try:
            return await work()
        except ExchangeError as error:
            return error if kind is None else None

    async def instruments(self) -> Sequence[InstrumentSpec]:
        return await self._call("instruments", lambda: self._client.instruments())

    async def ensure_hedge_mode(self) -> PositionMode:
        return await self._call("hedge mode", lambda: self._client.ensure_hedge_mode(), writing=True)

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        await self._call("leverage", lambda: self._client.ensure_leverage(symbol, leverage), writing=True)

    async def balance(self) -> BalanceReport:
        return await self._call("balance", lambda: self._client.balance())

    async def positions(self) -> Sequence[PositionReport]:
        return await self._call("positions", lambda: self._client.positions())

    async def mark_price(self, symbol: str) -> PriceTick:
        return await self._call("mark price", lambda: self._client.mark_price(symbol))

    async def create_order(self, request: OrderRequest) -> OrderReport:
        purpose = PURPOSES[request.client_order_id.rpartition("-")[2][0]]
        return await self._call(purpose, lambda: self._client.create_order(request), writing=True)

    async def cancel_order(self, symbol: str, client_order_id: str, book: Book) -> None:
        await self._call(
            "cancel", lambda: self._client.cancel_order(symbol, client_order_id, book), writing=True
        )

    async def find_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport:
        return await self._call("find", lambda: self._client.find_order(symbol, client_order_id, book))

    async def open_orders(self) -> Sequence[OrderReport]:
        return await self._call("open orders", lambda: self._client.open_orders())

    async def fills(self, symbol: str, since: datetime) -> Sequence[FillReport]:
        return await self._call("fills", lambda: self._client.fills(symbol, since))

    async def close(self) -> Awaitable[None] | None:
        return None
