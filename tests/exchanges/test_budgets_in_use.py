"""The use of request budgets is read as the counters that admit requests keep it."""

from __future__ import annotations

import asyncio

import redis
from django.conf import settings

from exchanges.budget_rules import Lane
from exchanges.budgets import Budget
from exchanges.budgets_in_use import budgets_in_use
from exchanges.credentials import Credentials


def test_what_was_admitted_is_in_use() -> None:
    credentials = Credentials("binance", "a key of this test", "s", "http://127.0.0.1:7")
    asyncio.run(_ask_twice(credentials))
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        uses, stops = budgets_in_use(client)
        client.set(f"{settings.REDIS_PREFIX}:budget:binance:127.0.0.1:7:closed", "1", px=60_000)
        later = budgets_in_use(client)[1]
        for key in client.scan_iter(f"{settings.REDIS_PREFIX}:budget:*"):
            client.delete(key)
    weight = next(use for use in uses if use.unit == "weight")
    assert (weight.venue, weight.used, weight.allowed, stops) == ("binance", 2, 2400, [])
    assert [(one.venue, one.word) for one in later] == [("binance", "closed")]


async def _ask_twice(credentials: Credentials) -> None:
    budget = Budget(credentials)
    for _ in range(2):
        await budget.admit("GET", "http://127.0.0.1:7/fapi/v1/time", Lane.READING)
    await budget.close()
