from __future__ import annotations

from collections.abc import Iterator

import pytest

from exchanges.paper.inprocess import FRONTS
from exchanges.paper.matching import Engine
from positions.services.instruments import refresh_instruments
from signals_app.forecast_models import ForecastFeed
from signals_app.forecasts.services import sending
from tests.builders import a_ticker, an_account
from tests.conftest import ADDRESS
from tests.forecasts.candle_venue import Past


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sources that were counted. The counter itself writes from a thread of its own, into other tests' databases."""
    found: list[str] = []
    monkeypatch.setattr(sending, "count_arrival", lambda source, _: found.append(source))
    return found


@pytest.fixture
def past(engine: Engine) -> Iterator[Past]:
    """What the exchange tells of candles."""
    made = Past()
    FRONTS[ADDRESS] = made.front
    yield made
    del FRONTS[ADDRESS]


@pytest.fixture
def feed(db: None, past: Past, request: pytest.FixtureRequest) -> ForecastFeed:
    """Of BTCUSDT and ETHUSDT, for five days."""
    account = an_account(venue=getattr(request, "param", "binance"))
    refresh_instruments()
    a_ticker("BTCUSDT")
    a_ticker("ETHUSDT")
    return ForecastFeed.objects.create(account=account, days_kept=5)
