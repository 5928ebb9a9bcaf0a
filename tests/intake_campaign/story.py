"""One run: senders at every door, trouble meanwhile, then quiet until everything is digested, then the checks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import redis
from celery import current_app
from django.db import OperationalError, close_old_connections

from exchanges.models import AccountBalance, ExchangeAccount, Instrument
from exchanges.paper.demo import DEMO_PRICES
from signals_app.models import SignalLog, Strategy, StrategyAccount, StrategySignal, Ticker
from tests.intake_campaign.checks import SHARED, Findings, findings
from tests.intake_campaign.frames import Frame, Kind, frames, signal
from tests.intake_campaign.product import Product
from tests.intake_campaign.senders import (
    STREAM,
    Pace,
    Record,
    send_by_socket,
    send_by_stream,
    send_by_webhook,
)
from tests.intake_campaign.trouble import Trouble
from tests.ops.waiting import until
from tests.signals_app.senders import a_sender

GROUP = "signal_processor"
SHARES = {
    "stream": 0.6,
    "websocket:one": 0.15,
    "websocket:two": 0.15,
    "webhook:three": 0.05,
    "webhook:four": 0.05,
}
SYMBOLS = {
    "stream": ("BTCUSDT", "ETHUSDT", "SOLUSDT"), "websocket:one": ("BNBUSDT",), "websocket:two": ("XRPUSDT",),
    "webhook:three": ("ADAUSDT",), "webhook:four": ("DOGEUSDT",),
}  # fmt: skip
DIGEST_SECONDS = 300.0
Told = Callable[[int], None]


@dataclass
class Story:
    findings: Findings
    counts: Counter[str]
    seconds: float


def tell(product: Product, seed: int, count: int, seconds: float, told: Told, calm: bool) -> Story:
    tokens = _furnish()
    records = [Record(source, said) for source, said in _speeches(Random(seed), count).items()]
    began = datetime.now(UTC)
    trouble = Trouble(product, Random(seed + 1))
    product.start_second()
    doors = Doors(product, tokens, Pace(seconds), told)
    asyncio.run(doors.all_send(records, None if calm else trouble))
    took = (datetime.now(UTC) - began).total_seconds()
    until(lambda: _is_digested(product), "everything to be digested", DIGEST_SECONDS)
    for record in records:
        trouble.counts.update({f"{record.source}: {what}": times for what, times in record.odd.items()})
    return Story(findings(records, _entries_added(product)), trouble.counts, took)


def _furnish() -> dict[str, str]:
    account = ExchangeAccount.objects.create(name="chaos", max_open_positions=50, max_exposure=10_000_000)
    for symbol in DEMO_PRICES:
        Ticker.objects.create(symbol=symbol)
    common = {"notional": 500, "max_open_positions": 50}
    trader = Strategy.objects.create(name="trader", **common)
    quiet = Strategy.objects.create(name="quiet", allow_open=False, **common)
    for strategy in (trader, quiet):
        StrategyAccount.objects.create(strategy=strategy, account=account)
    for strategy, phrase, direction in (
        (trader, "GO LONG", "long"), (trader, "OUT LONG", "close_long"), (quiet, "NOISE", "long"),
    ):  # fmt: skip
        StrategySignal.objects.create(strategy=strategy, phrase=phrase, direction=direction)
    current_app.send_task("positions.tasks.refresh_instruments", queue="sweeps")
    until(lambda: Instrument.objects.count() >= len(DEMO_PRICES), "the contracts", 120)
    until(lambda: AccountBalance.objects.filter(account=account).exists(), "the account", 60)
    return {
        source: a_sender(source.partition(":")[2], rate_per_minute=0) for source in SHARES if ":" in source
    }


def _speeches(random: Random, count: int) -> dict[str, list[Frame]]:
    """Beside its own symbols every sender tells what the others tell too: those come in through several doors."""
    begin = datetime.now(UTC) - timedelta(hours=12)
    shared = [signal(Kind.SKIPPED, number, SHARED, begin) for number in range(max(1, count // 50))]
    speeches = {}
    for source, share in SHARES.items():
        own = list(frames(random, SYMBOLS[source], int(count * share), begin))
        for frame in random.sample(shared, len(shared) // 2):
            own.insert(random.randrange(len(own)), frame)
        speeches[source] = own
    return speeches


@dataclass(frozen=True)
class Doors:
    """Where each sender finds its own, whatever was started anew meanwhile."""

    product: Product
    tokens: dict[str, str]
    pace: Pace
    told: Told

    async def all_send(self, records: list[Record], trouble: Trouble | None) -> None:
        over = asyncio.Event()
        striking = asyncio.create_task(trouble.go_on(over)) if trouble else None
        await asyncio.gather(*(self._send(record) for record in records))
        over.set()
        if striking:
            await striking

    async def _send(self, record: Record) -> None:
        door, _, name = record.source.partition(":")
        host = f"127.0.0.1:{self.product.doors_port}"
        if door == "stream":
            await send_by_stream(self.product.environment()["REDIS_URL"], self.pace, record, self.told)
        elif door == "websocket":
            address, token = f"ws://{host}/ws/signals/", self.tokens[record.source]
            await send_by_socket(address, token, self.pace, record, self.told)
        else:
            address, token = f"http://{host}/webhook/{name}/", self.tokens[record.source]
            await send_by_webhook(address, token, self.pace, record, self.told)


def _group(product: Product) -> dict[str, int]:
    with redis.Redis.from_url(product.environment()["REDIS_URL"], decode_responses=True) as client:
        return next(group for group in client.xinfo_groups(STREAM) if group["name"] == GROUP)


def _entries_added(product: Product) -> int:
    with redis.Redis.from_url(product.environment()["REDIS_URL"], decode_responses=True) as client:
        return int(client.xinfo_stream(STREAM)["entries-added"])


def _is_digested(product: Product) -> bool:
    close_old_connections()
    try:
        group = _group(product)
        waiting = SignalLog.objects.filter(status="new", dispatched_at=None).exists()
    except (OSError, redis.RedisError, OperationalError):
        return False
    return not waiting and group["pending"] == 0 and group["lag"] == 0
