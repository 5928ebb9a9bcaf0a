from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from pytest_django.fixtures import Settings

from exchanges import session
from positions.services.instruments import refresh_instruments
from tests.exchanges.floor import Floor
from tests.exchanges.wired import WiredVenue, wired_venue


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
