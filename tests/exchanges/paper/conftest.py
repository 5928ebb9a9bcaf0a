"""The paper exchange on a free port of this process, and the stock ccxt class with nothing but its urls changed."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest_asyncio
from aiohttp import web
from yarl import URL

from exchanges.ccxt_of_our_venues import ccxt
from exchanges.paper.request_log import RequestLog
from exchanges.paper.server import PaperServer
from exchanges.paper.signing import paper_secret
from exchanges.paper.venue import PaperVenue

BTC = "BTC/USDT:USDT"
KEY = "paper-1-test"
DEADLINE_SECONDS = 10.0


def point(exchange: Any, url: str) -> Any:
    """The one change to the stock class; the error table is chosen by the real host's name, so it is merged here."""
    api, socket = exchange.urls["api"], url.replace("http", "ws", 1)
    for name, address in list(api.items()):
        if isinstance(address, str):
            api[name] = f"{url}/{address.split('/', 3)[3]}"
    api["ws"]["linear"] = f"{socket}/ws"
    exchange.exceptions["exact"] = {
        **exchange.exceptions["exact"],
        **exchange.exceptions["linear"]["exact"],
    }
    return exchange


def stock(url: str, key: str = KEY, secret: str | None = None) -> Any:
    options = {
        "fetchCurrencies": False,
        "fetchOpenOrders": {"warnWithoutSymbol": False},
        "setMarginMode": {"throwMarginModeAlreadySet": False},
    }
    made = ccxt.pro.binanceusdm(
        {
            "apiKey": key,
            "secret": paper_secret(key) if secret is None else secret,
            "timeout": 5000,
            "verify": False,  # there is no TLS here, and nothing to read the list of authorities for
            "rateLimiterAlgorithm": "rollingWindow",
            "options": options,
        }
    )
    return point(made, url)


@dataclass
class Paper:
    """Hooks and hand-made requests to one running paper exchange."""

    url: str
    session: aiohttp.ClientSession
    exchanges: list[Any] = field(default_factory=list)

    def ccxt(self, key: str = KEY, secret: str | None = None) -> Any:
        self.exchanges.append(stock(self.url, key, secret))
        return self.exchanges[-1]

    async def hook(self, path: str, method: str = "POST", **words: Any) -> Any:
        async with self.session.request(method, f"{self.url}/paper/{path}", json=words) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def price(self, price: object, symbol: str = "BTCUSDT") -> None:
        await self.hook("price", symbol=symbol, price=str(price))

    async def fault(self, method: str, path: str, kind: str, **words: Any) -> None:
        fault = {"method": method, "path": path, "kind": kind, **words}
        async with self.session.post(f"{self.url}/paper/faults", json=fault) as answer:
            assert answer.status == 200, await answer.text()

    async def log(self, path: str | None = None) -> list[dict[str, Any]]:
        async with self.session.get(f"{self.url}/paper/requests") as answer:
            lines = (await answer.json())["requests"]
        return [line for line in lines if path in (None, line["path"])]

    async def state(self, key: str = KEY) -> dict[str, Any]:
        async with self.session.get(f"{self.url}/paper/state") as answer:
            return (await answer.json())["accounts"][key]

    async def send(self, method: str, path: str, raw: str = "", key: str | None = KEY) -> tuple[int, Any]:
        """`raw` goes out byte for byte: as the query of GET and DELETE, as the form of POST and PUT."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key is not None:
            headers["X-MBX-APIKEY"] = key
        in_query = method in ("GET", "DELETE") and raw
        url = URL(f"{self.url}{path}?{raw}" if in_query else self.url + path, encoded=True)
        body = None if in_query else raw.encode()
        async with self.session.request(method, url, data=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def signed(self, method: str, path: str, key: str = KEY, **params: Any) -> tuple[int, Any]:
        return await self.send(method, path, sign(key, params), key)

    async def until(self, is_true: Callable[[], Awaitable[Any]], what: str) -> Any:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (found := await is_true()):
            assert time.monotonic() < deadline, f"{what} did not happen in {DEADLINE_SECONDS:g} s"
            await asyncio.sleep(0.01)
        return found

    async def listened_to(self, key: str = KEY) -> None:
        async def is_listened_to() -> bool:
            async with self.session.get(f"{self.url}/paper/state") as answer:
                accounts = (await answer.json())["accounts"]
            return key in accounts and accounts[key]["private_sockets"] > 0

        await self.until(is_listened_to, "a private socket")


def sign(key: str, params: dict[str, Any]) -> str:
    text = urlencode({"timestamp": time.time_ns() // 1_000_000, **params})
    return f"{text}&signature={hmac.new(paper_secret(key).encode(), text.encode(), sha256).hexdigest()}"


@asynccontextmanager
async def running(venue: PaperVenue) -> AsyncIterator[str]:
    server = PaperServer(venue, RequestLog(None))
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def talking_to(url: str) -> AsyncIterator[Paper]:
    async with aiohttp.ClientSession() as session:
        made = Paper(url, session)
        try:
            yield made
        finally:
            await asyncio.gather(*(exchange.close() for exchange in made.exchanges))


@pytest_asyncio.fixture
async def paper() -> AsyncIterator[Paper]:
    """Prices stand still but for price(); BTC is at 60 000."""
    venue = PaperVenue()
    venue.is_paused = True
    async with running(venue) as url, talking_to(url) as made:
        await made.price("60000")
        yield made


@pytest_asyncio.fixture
async def exchange(paper: Paper) -> Any:
    made = paper.ccxt()
    await made.load_markets()
    return made


@pytest_asyncio.fixture
async def hedged(exchange: Any) -> Any:
    await exchange.set_position_mode(True)
    return exchange
