from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.server import WebServer
from tests.exchanges.wired import WiredVenue, wired_venue
from tests.people import a_person

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000.0  # milliseconds; only a failure waits so long, and a busy machine draws slowly


def find_browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with the package: Playwright's event loop would be in the way of asynchronous tests after it."""
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def paper() -> Iterator[WiredVenue]:
    with wired_venue() as made:
        yield made


@pytest.fixture(scope="module")
def one_server(django_db_setup, tmp_path_factory, paper) -> Iterator[WebServer]:
    server = WebServer(str(tmp_path_factory.mktemp("web") / "log"), PAPER_EXCHANGE_URL=paper.url)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(one_server, transactional_db, monkeypatch) -> Iterator[WebServer]:
    """Up and answering, whatever the test before did to it."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps a loop in this thread
    one_server.revive()
    yield one_server
    one_server.revive()


@pytest.fixture
def trader(server) -> User:
    return a_person("trader", "ada")


@pytest.fixture(autouse=True)
def no_page_outlives_its_test(browser: Browser) -> Iterator[None]:
    """One that a failed test left would go on asking and drawing beside all that follow."""
    yield
    for context in browser.contexts:
        context.close()


def signed_in(browser: Browser, server: WebServer, user: User, **options) -> BrowserContext:
    """Without transitions: a colour on its way is none that anybody chose."""
    client = Client()
    client.force_login(user)
    context = browser.new_context(**{"reduced_motion": "reduce"} | options)
    context.set_default_timeout(PATIENCE)
    value = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": value, "url": server.origin}])
    return context


class Witness:
    """Notes what a page asks of the network and what it complains about."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note)

    def _note(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def strangers(self, server: WebServer) -> list[str]:
        ours = (f"{server.origin}/", f"ws://127.0.0.1:{server.port}/")
        return [url for url in self.requests if not url.startswith(ours)]


@pytest.fixture
def page(browser, server, trader) -> Iterator[Page]:
    """Signed in as a trader. At the end: no other origin was asked and the console stayed empty."""
    context = signed_in(browser, server, trader, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.witness = Witness(page)
    page.expected_complaints = ()
    yield page
    complaints = [c for c in page.witness.complaints if not c.startswith(tuple(page.expected_complaints))]
    context.close()
    assert page.witness.strangers(server) == []
    assert complaints == []
