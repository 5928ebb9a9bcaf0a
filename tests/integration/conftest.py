from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.integration.stack import Stack, Trader, running_stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All on one test worker: the processes are started once, and their queue is theirs alone meanwhile."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("integration"))


@pytest.fixture(scope="package")
def stack(django_db_setup, django_db_blocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started once; every test brings an account of its own."""
    folder: Path = tmp_path_factory.mktemp("stack")
    with django_db_blocker.unblock(), running_stack(folder) as made:
        yield made


@pytest.fixture
def trader(transactional_db, stack: Stack) -> Iterator[Trader]:
    """The tables are emptied after each test while the processes go on reading. Where that meets a deadlock, the
    side that looks first is refused: it must be theirs, which log it and go on."""
    made = Trader(stack)
    yield made
    made.lines.close()
    with connection.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '30s'")
