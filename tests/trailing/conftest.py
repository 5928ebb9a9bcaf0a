from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from tests.positions.services.conftest import Desk, desk

__all__ = ["Desk", "desk"]


@pytest.fixture
def marks() -> Iterator[redis.Redis]:
    """The Redis of this test run, without mark prices of other tests."""
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        _forget(client)
        yield client
        _forget(client)


def _forget(client: redis.Redis) -> None:
    for key in client.scan_iter(f"{settings.REDIS_PREFIX}:marks:*"):
        client.delete(key)
