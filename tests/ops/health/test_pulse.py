"""Signs of life: told by every sweep, never in the way of one."""

from __future__ import annotations

import time

import pytest
import redis

from ops.tasks import show_that_orders_are_taken
from tradingbot import pulse

pytestmark = pytest.mark.django_db


def test_a_sweep_that_ended_is_heard() -> None:
    assert pulse.heard() == {}
    show_that_orders_are_taken()
    sign = pulse.heard()["ops.tasks.show_that_orders_are_taken"]
    assert (sign.seconds, abs(sign.at.timestamp() - time.time()) < 5) == (0, True)


def test_a_redis_that_is_away_costs_one_short_try(settings, monkeypatch) -> None:
    tries: list[str] = []
    known = pulse._redis
    monkeypatch.setattr(pulse, "_redis", lambda url: tries.append(url) or known(url))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    show_that_orders_are_taken()
    show_that_orders_are_taken()
    assert (len(tries), time.monotonic() - began < 10) == (1, True)
    with pytest.raises(redis.RedisError):
        pulse.heard()


@pytest.mark.parametrize("text", ["", "1", "a b", "nan 1", "1e30 0"])
def test_what_nobody_can_read_is_no_sign(text: str) -> None:
    with redis.Redis.from_url(pulse.settings.REDIS_URL) as client:
        client.hset(pulse._key(), "beat", text)
    assert pulse.heard() == {}
