"""From a signal frame sent to its entry order's request arriving at the exchange, floor and product by turns."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import websockets
from asgiref.sync import sync_to_async
from rich.console import Console
from rich.progress import Progress

from benchmarks.floor import Floor

ACCOUNTS_AT_ONCE = 8  # each has one leg per contract and side


@dataclass
class Result:
    """Milliseconds per signal; `stops` from the entry's execution to its stop's acceptance."""

    rate: float
    product: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    verdicts: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    lost: int = 0


async def measure(environment: dict[str, str], rate: float, signals: int, console: Console) -> Result:
    import django

    django.setup()
    from benchmarks import desk

    phrases = await sync_to_async(desk.prepare)(signals)
    floor = await asyncio.to_thread(Floor, environment)
    try:
        return await _run(environment, floor, phrases, rate, console)
    finally:
        floor.stop()


async def _run(
    environment: dict[str, str], floor: Floor, phrases: Any, rate: float, console: Console
) -> Result:
    from benchmarks import desk

    result = Result(rate)
    sent: dict[str, float] = {}
    floor_sent: dict[str, float] = {}
    headers = {"Authorization": f"Bearer {desk.TOKEN}"}
    async with (
        websockets.connect(environment["SIGNALS_URL"], additional_headers=headers) as product,
        websockets.connect(f"ws://127.0.0.1:{floor.front_port}", compression=None) as bare,
    ):
        await product.recv()
        with Progress(console=console, transient=True) as progress:
            for symbol, phrase, counts in progress.track(phrases, description=f"{rate:g} signals/s"):
                started = time.time()
                await product.send(_signal(symbol, phrase))
                verdict = json.loads(await product.recv())
                if counts and verdict["entries"] and verdict["entries"][0]["status"] == "opened":
                    sent[verdict["uid"]] = started
                    result.verdicts.append((time.time() - started) * 1000)
                await asyncio.sleep(0.5 / rate)
                key = uuid.uuid4().hex
                floor_sent[key] = time.time()
                await bare.send(json.dumps({"id": key, "symbol": symbol, "message": phrase}))
                await bare.recv()
                await asyncio.sleep(0.5 / rate)
    await asyncio.sleep(2)
    arrived = await sync_to_async(desk.arrivals)(list(sent))
    result.product = [(arrived[uid] - at) * 1000 for uid, at in sent.items() if uid in arrived]
    result.lost = len(sent) - len(result.product)
    result.stops = await sync_to_async(desk.stops)(list(arrived))
    seen = await floor.arrivals()
    result.floor = [(seen[key] - at) * 1000 for key, at in floor_sent.items() if key in seen]
    return result


def _signal(symbol: str, phrase: str) -> str:
    now = datetime.now(UTC).isoformat()
    return json.dumps({"symbol": symbol, "message": phrase, "bar_time": now, "signal_id": uuid.uuid4().hex})
