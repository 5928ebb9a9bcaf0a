from __future__ import annotations

from collections.abc import Iterator

import pytest

from exchanges.models import ExchangeAccount
from exchanges.paper.matching import Engine
from positions.services.instruments import refresh_instruments
from tests.browser.server import DoorsServer, WebServer
from tests.builders import a_ticker, an_account


@pytest.fixture(scope="package")
def one_web(django_db_setup, tmp_path_factory) -> Iterator[WebServer]:
    server = DoorsServer(str(tmp_path_factory.mktemp("signals") / "log"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def web(one_web: WebServer, transactional_db) -> WebServer:
    """The real doors, as a process of their own, on the rows of this test."""
    return one_web


@pytest.fixture
def account(db: None, engine: Engine) -> ExchangeAccount:
    """On the paper exchange, with BTCUSDT among its tickers."""
    made = an_account()
    refresh_instruments()
    a_ticker("BTCUSDT")
    return made
