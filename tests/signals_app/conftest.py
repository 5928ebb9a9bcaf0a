from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.server import WebServer


@pytest.fixture(scope="package")
def one_web(django_db_setup, tmp_path_factory) -> Iterator[WebServer]:
    server = WebServer(str(tmp_path_factory.mktemp("signals") / "log"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def web(one_web: WebServer, transactional_db) -> WebServer:
    """The real web process on the rows of this test."""
    return one_web
