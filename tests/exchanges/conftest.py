from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
import redis
from django.conf import settings
from pytest_django.fixtures import Settings

from exchanges import session
from positions.services.instruments import refresh_instruments
from tests.exchanges.floor import Floor
from tests.exchanges.wired import WiredVenue, wired_venue


@pytest.fixture(autouse=True)
def nothing_is_used_yet() -> None:
    """Of the budgets at our servers: a port comes again, and an exchange there may have told another test to wait."""
    with redis.Redis.from_url(settings.REDIS_URL) as shared:
        for name in shared.scan_iter(f"{settings.REDIS_PREFIX}:budget:*"):
            shared.delete(name)


@pytest.fixture
def wired(settings: Settings) -> Iterator[WiredVenue]:
    with wired_venue() as made:
        made.venue.set_price("BTCUSDT", Decimal(100_000))
        settings.DRY_RUN, settings.PAPER_EXCHANGE_URL = True, made.url
        yield made
        session.close_all()


@pytest.fixture
def floor(request: pytest.FixtureRequest, db: None, wired: WiredVenue) -> Floor:
    """On Binance, where a story names no other venue."""
    made = Floor(wired, getattr(request, "param", "binance"))
    refresh_instruments()
    return made
