from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django_celery_beat.models import PeriodicTask

from tests.emptying import empty_tables
from tests.integration.parts import Part
from tests.integration.stack import Stack, Trader
from tests.ops.waiting import until

# each group has a stack of its own: two of about equal length, beside what starts none
GROUPS = {
    "test_enhanced_sltp_flow": "protection",
    "test_full_trading_cycle": "protection",
    "test_lost_connections": "protection",
    "test_native_trailing": "protection",
    "test_opposite_signals": "protection",
    "test_reference_prices": "protection",
    "test_doors": "protection",
    "test_signal_server": "protection",
    "test_signal_stream": "stream",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A group is on one test worker: its processes are started once, and their queue is theirs alone meanwhile. Stories
    that start none of them are a group by file, and come first: the processes would take up what they leave."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            group = GROUPS.get(item.path.stem, "integration") if _needs_stack(item) else item.path.stem
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_needs_stack)


def _needs_stack(item: pytest.Item) -> bool:
    return "stack" in getattr(item, "fixturenames", ())


@pytest.fixture
def _django_db_helper(django_db_setup, django_db_blocker) -> Iterator[None]:
    """pytest-django's own, but the tables are emptied while real processes go on reading them."""
    with django_db_blocker.unblock():
        yield
        empty_tables()
        connection.close()


@pytest.fixture(scope="package")
def stack(django_db_setup, django_db_blocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started once; every test brings an account of its own."""
    folder: Path = tmp_path_factory.mktemp("stack")
    with django_db_blocker.unblock(), Stack(folder).running() as made:
        yield made


@pytest.fixture
def trader(request: pytest.FixtureRequest, transactional_db, stack: Stack) -> Iterator[Trader]:
    """On Binance, where a story names no other venue."""
    made = Trader(stack, venue=getattr(request, "param", "binance"))
    yield made
    made.lines.close()
    stack.paper.clear_faults()  # what nobody met is not the next story's


@pytest.fixture
def beat(trader: Trader) -> Iterator[None]:
    trader.stack.beat.start()
    try:
        until(PeriodicTask.objects.exists, "beat's table")
        yield
    finally:
        trader.stack.beat.stop()


@pytest.fixture
def complete(transactional_db, stack: Stack) -> Iterator[Stack]:
    """With beat, as in a real start."""
    stack.beat.start()
    try:
        yield stack
    finally:
        stack.beat.stop()


@pytest.fixture
def intake(trader: Trader, tmp_path: Path) -> Iterator[Part]:
    process = Part(
        tmp_path / "intake-log", "manage.py", "run_signals", PAPER_EXCHANGE_URL=trader.stack.paper.url
    )
    process.start()
    yield process
    process.stop()
