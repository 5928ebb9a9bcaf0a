"""Unmodified ccxt.pro.bybit, as our factory builds it, and requests made by hand."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest_asyncio
from ccxt.base.types import Order

from exchanges.ccxt_client import build_exchange
from exchanges.credentials import Credentials
from exchanges.paper.signing import paper_secret
from tests.exchanges.paper.conftest import BTC, Paper

KEY = "paper-2-bybit"
LONG, SHORT = {"positionIdx": 1}, {"positionIdx": 2}
HEDGE = 3


@pytest_asyncio.fixture
async def bybit(paper: Paper) -> AsyncIterator[Any]:
    made = build_exchange(Credentials("bybit", KEY, paper_secret(KEY), paper.url))
    paper.exchanges.append(made)
    await made.load_markets()
    yield made


@pytest_asyncio.fixture
async def hedged_bybit(bybit: Any) -> Any:
    await bybit.set_position_mode(True)
    return bybit


async def ask(paper: Paper, method: str, path: str, key: str = KEY, **params: Any) -> dict[str, Any]:
    raw = json.dumps(params) if method == "POST" else "&".join(f"{k}={v}" for k, v in params.items())
    at = str(time.time_ns() // 1_000_000)
    sign = hmac.new(paper_secret(key).encode(), f"{at}{key}5000{raw}".encode(), sha256).hexdigest()
    return await send(
        paper,
        method,
        path,
        raw,
        {
            "X-BAPI-API-KEY": key,
            "X-BAPI-TIMESTAMP": at,
            "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": sign,
        },
    )


async def send(paper: Paper, method: str, path: str, raw: str, headers: dict[str, str]) -> dict[str, Any]:
    url = f"{paper.url}{path}" + (f"?{raw}" if method == "GET" and raw else "")
    body = raw.encode() if method == "POST" else None
    async with paper.session.request(method, url, data=body, headers=headers) as answer:
        assert answer.status == 200
        return await answer.json()


async def look_up(exchange: Any, name: str) -> Order:
    """By our id, as the exchange lets one do it."""
    (found,) = await exchange.fetch_open_orders(BTC, params={"orderLinkId": name})
    return found
