"""Fixtures of all tests. The exchange of service tests is the product's own engine in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
import redis
from django.conf import settings
from django.test import TransactionTestCase

from exchanges import session
from exchanges.ccxt_of_our_venues import ccxt
from exchanges.marks import _key
from exchanges.paper.demo import DEMO_PRICES, DEMO_RULES
from exchanges.paper.inprocess import ENGINES
from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from exchanges.types import PriceKind
from ops.system_log import writer
from signals_app.services.counting import end_counting
from tests.emptying import empty_tables
from tests.exchanges.past import remember_pasts
from tests.template_database import use_template

ADDRESS, BYBIT_ADDRESS = "inprocess:tests", "inprocess:bybit"

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a good one takes its time

# a test is one transaction, however long a busy machine takes for it
settings.DATABASES["default"]["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=0"

# fixtures that start processes: whoever uses one of them is on one test worker, where they are started once
SHARED = {"browser": "browser", "one_web": "doors"}

TransactionTestCase._fixture_teardown = lambda case: empty_tables()

ccxt.async_support.Exchange.timeout_on_exit = (
    0  # a quarter of a second for TLS, which no server of tests speaks
)
remember_pasts()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in SHARED.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(SHARED[fixture]))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, django_db_blocker) -> None:
    with django_db_blocker.unblock():
        use_template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup) -> Iterator[None]:
    """Threads that write by themselves let go of the database before it goes."""
    yield
    writer.end()
    end_counting()


@pytest.fixture
def marks() -> Iterator[redis.Redis]:
    """The Redis of this test run, without prices of other tests."""
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        _forget(client)
        yield client
        _forget(client)


def _forget(client: redis.Redis) -> None:
    for kind in PriceKind:
        for key in client.scan_iter(_key("*", kind)):
            client.delete(key)


@pytest.fixture
def engine(settings, marks: redis.Redis) -> Iterator[Engine]:
    """The paper exchange's engine behind every account of this test; prices move only by set_price."""
    settings.PAPER_EXCHANGE_URL = ADDRESS
    with _running_at(ADDRESS) as made:
        yield made


@pytest.fixture
def bybit_engine(settings, engine: Engine) -> Iterator[Engine]:
    """A paper exchange of its own for accounts at Bybit: its prices, orders and failures are not those of `engine`."""
    settings.PAPER_EXCHANGE_URLS = {"bybit": BYBIT_ADDRESS}
    with _running_at(BYBIT_ADDRESS) as made:
        yield made


@contextmanager
def _running_at(address: str) -> Iterator[Engine]:
    made = ENGINES[address] = Engine(DEMO_RULES)
    for symbol, price in DEMO_PRICES.items():
        made.set_price(symbol, Decimal(price), now_ms())
    try:
        yield made
    finally:
        session.close_all()
        del ENGINES[address]
