from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from ops.health.facts import errors, facts
from tradingbot import pulse


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Neither an answer of the test before, nor a sign of life, nor that Redis was away."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    facts.forget()
    errors.forget()
    pulse._away_until = float("-inf")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(pulse._key())
