"""The first minute of an owner in front of the control room, line by line: the real processes trade on the paper
exchange, whose prices and failures the story tells, and a real browser looks on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Locator, Page, expect

from positions import formats
from positions.models import Order, Position
from tests.browser.conftest import Witness, signed_in
from tests.integration.stack import Stack, Trader
from tests.ops.waiting import until
from tests.people import a_person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

LIVE, STALE = (f"body[data-link={name}]" for name in ("live", "stale"))
PATIENCE, LONG = 30_000.0, 90_000.0  # milliseconds, of a machine that is busy with other tests


@dataclass(frozen=True)
class Site:
    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def stack(django_db_setup, django_db_blocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("stack")
    with django_db_blocker.unblock(), Stack(folder).running() as made:
        yield made


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=None)


@pytest.fixture
def site(stack: Stack, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps a loop in this thread
    return Site(stack.port)


@pytest.fixture
def ada(site: Site) -> User:
    return a_person("admin", "ada")


@pytest.fixture
def trading(site: Site, stack: Stack) -> Iterator[Callable[..., Trader]]:
    """An account of its own for each story."""
    with ExitStack() as lines:

        def begin(**strategy: Any) -> Trader:
            made = Trader(stack, **strategy)
            lines.callback(made.lines.close)
            return made

        yield begin


@pytest.fixture
def beat(stack: Stack) -> Iterator[None]:
    stack.beat.start()
    yield
    stack.beat.stop()


@pytest.fixture
def page(browser: Browser, site: Site, ada: User) -> Iterator[Page]:
    """At the end: no other origin was asked and the console stayed empty."""
    context = signed_in(browser, site, ada, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.witness = Witness(page)
    yield page
    context.close()
    assert page.witness.strangers(site) == []
    assert page.witness.complaints == []


def look(page: Page, site: Site) -> None:
    page.goto(site.origin)
    page.wait_for_selector(LIVE)


def row_of(page: Page, position: Position) -> Locator:
    return page.locator(f'#positions tr[data-id="{position.pk}"]')


def cell(row: Locator, name: str) -> Locator:
    return row.locator(f'[data-cell="{name}"]')


def shown_price(position: Position, price: D | None) -> str:
    return formats.price(price, position.instrument.price_increment)


def standing_stop(position: Position) -> Order:
    return Order.objects.get(position=position, purpose="protect", status="accepted")


@pytest.mark.soak
def test_paper_is_said_and_every_position_has_its_entry_and_its_stop(page, site, trading):
    trader = trading()
    held = [trader.open(symbol=symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")]
    look(page, site)
    expect(page.locator(".badge")).to_have_text("PAPER")
    for position in held:
        row = row_of(page, position)
        expect(cell(row, "entry")).to_have_text(shown_price(position, position.average_entry_price))
        expect(cell(row, "stop")).to_have_text(shown_price(position, standing_stop(position).trigger_price))
    page.wait_for_selector("#chart[data-candles]")
    expect(page.locator("#health li")).to_have_attribute("data-state", "ok")
    expect(page.locator("#health li")).to_contain_text("0 differences")
    assert page.title() == "(3) Control room"


def test_prices_tick_a_stop_climbs_a_step_and_the_log_says_so(page, site, trading):
    trader = trading()
    position = trader.open()
    first = standing_stop(position)
    look(page, site)
    row = row_of(page, position)
    trader.set_price(98_000)
    expect(cell(row, "mark")).to_have_text("98,000.0")
    expect(cell(row, "pnl")).to_have_text(re.compile(r"^\+"))
    trader.set_price(100_000)
    expect(cell(row, "stop")).to_have_text("99,500.0")
    expect(cell(row, "phase")).to_have_text("trailing")
    second = standing_stop(position)
    log = page.locator(f'#orders tr[data-id="{second.pk}"]')
    expect(cell(log, "what")).to_have_text("protect · sell stop market")
    expect(cell(log, "price")).to_have_text("99,500.0")
    expect(cell(log, "status")).to_have_text("accepted")
    old = page.locator(f'#orders tr[data-id="{first.pk}"]')
    expect(cell(old, "status")).to_have_text("canceled")
    expect(cell(old, "why")).to_have_text("replaced · trailing")


def test_a_signal_becomes_a_row_and_the_next_is_refused_with_its_reason(page, site, trading):
    trader = trading(cooldown_between_entries=300)
    look(page, site)
    position = trader.position_of(trader.send(symbol="SOLUSDT"))
    row = row_of(page, position)
    expect(row).to_be_visible()
    expect(cell(row, "state")).to_have_text("")  # open
    expect(cell(row, "stop")).to_have_text(re.compile(r"^\d"))
    expect(page).to_have_title("(1) Control room")
    newest = page.locator("#signals tr").first
    expect(cell(newest, "verdict")).to_have_text("opened")
    trader.send(symbol="ETHUSDT")
    expect(cell(newest, "symbol")).to_have_text("ETHUSDT")
    expect(cell(newest, "verdict")).to_have_text("skipped")
    expect(cell(newest, "why")).to_contain_text(re.compile(r"between entries: \d+ of 300 s are left"))
    assert page.title() == "(1) Control room"


@pytest.mark.soak
def test_a_stop_is_hit_the_row_goes_and_today_moves(page, site, trading, beat):
    trader = trading()
    trader.set_price("188.5", "SOLUSDT")
    position = trader.open(symbol="SOLUSDT")
    look(page, site)
    today = page.locator('#figures [data-cell="today"]')
    before, equity = today.text_content(), page.locator('#figures [data-cell="equity"]').text_content()
    row = row_of(page, position)
    trader.set_price("195", "SOLUSDT")
    expect(cell(row, "phase")).to_have_text("trailing")
    until(lambda: standing_stop_at(position, D("194.02")), "the stop behind the new price")
    trader.set_price("193", "SOLUSDT")
    expect(row).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text(
        re.compile(r"SOL long closed: trailing stop, \+\d+\.\d\d USDT")
    )
    expect(page).to_have_title("Control room")
    expect(today).not_to_have_text(before)
    position.refresh_from_db()
    expect(today).to_have_text(formats.change(position.realized_pnl - position.fees))
    expect(page.locator('#figures [data-cell="equity"]')).not_to_have_text(equity)


def standing_stop_at(position: Position, price: D) -> bool:
    return Order.objects.filter(position=position, trigger_price=price, status="accepted").exists()


@pytest.mark.soak
def test_the_feed_is_pulled_and_comes_back(page, site, trading, stack, beat):
    trader = trading()
    position = trader.open()
    look(page, site)
    mark = cell(row_of(page, position), "mark")
    expect(mark).to_have_css("opacity", "1")
    chip = page.locator("#health li")
    with stack.paper.gone():
        page.wait_for_selector(STALE)
        expect(page.locator("#link-text")).to_have_text(re.compile(r"No data for \d+ s"))
        expect(mark).to_have_css("opacity", "0.45")
        expect(chip).to_have_attribute("data-state", "bad", timeout=LONG)
        expect(chip).to_contain_text("does not answer; stops on the exchange: BTC long", timeout=LONG)
        expect(page.locator("#notices")).to_contain_text("is unreachable")
    page.wait_for_selector(LIVE, timeout=LONG)
    expect(mark).to_have_css("opacity", "1")
    expect(chip).to_have_attribute("data-state", "ok", timeout=LONG)
    expect(chip).to_contain_text("0 differences", timeout=LONG)
    position.refresh_from_db()
    assert position.status == "open"


@pytest.mark.soak
def test_a_position_is_closed_by_keyboard_and_its_story_names_the_person(page, site, trading):
    trader = trading()
    position = trader.open(symbol="ETHUSDT")
    for price in range(3600, 4200, 100):
        trader.set_price(price, "ETHUSDT")
        until(
            lambda price=price: standing_stop_at(position, D(price) * D("0.995")), f"the stop behind {price}"
        )
    look(page, site)
    row = row_of(page, position)
    page.keyboard.press("c")
    expect(page.locator("#typed")).to_be_focused()
    page.keyboard.type("ETH")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Close order for ETH long is on its way.")
    expect(page.locator("#toasts")).to_contain_text("ETH long closed: ")
    expect(row).to_have_count(0)
    trader.wait_for(position, "closed")
    assert position.close_requested_by == "ada"
    page.goto(f"{site.origin}/positions/{position.pk}/#timeline")
    story = page.locator("#timeline tbody").inner_text()
    assert "sent signal" in story
    assert '"GO LONG", which means long' in story
    assert len(re.findall(r"entry order \S+ is written", story)) == 1
    assert len(re.findall(r"protect order \S+ is written: stop market sell", story)) == 7
    assert len(re.findall(r"the stop of position \d+ moves to .* \(trailing\)", story)) == 5
    assert "the price has come far enough" in story
    assert f"ada asks to close position {position.pk} (manual) [by ada]" in story
    page.goto(f"{site.origin}/admin/positions/position/{position.pk}/history/")
    act = page.locator("#history tbody tr").filter(has_text="status: open → closing")
    expect(act.locator("td").nth(1)).to_have_text("ada")
