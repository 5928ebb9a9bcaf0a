"""The first minute of an owner in front of the control room, line by line: the demo as `manage.py up --demo` makes it,
told by the same hands beat by beat; the real processes trade, and a real browser looks on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Locator, Page, expect

from ops.first_minute import ACCEPTED, BTC_CLIMBS, ETH_FALLS, REFUSED, SOL_FALLS, SOL_RISES, Beat
from positions import formats
from positions.models import Order, Position
from tests.browser.conftest import Witness, signed_in
from tests.integration.demo import Demo, shown_demo
from tests.integration.stack import Stack
from tests.ops.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

LIVE, STALE = (f"body[data-link={name}]" for name in ("live", "stale"))
LONG = 90_000.0  # milliseconds, of a machine that is busy with other tests


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


@pytest.fixture
def site(stack: Stack, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps a loop in this thread
    return Site(stack.port)


@pytest.fixture
def demo(site: Site, stack: Stack, settings) -> Iterator[Demo]:
    settings.PAPER_EXCHANGE_URL = stack.paper.url
    with shown_demo(stack) as shown:
        yield shown


@pytest.fixture
def page(browser: Browser, site: Site, demo: Demo) -> Iterator[Page]:
    """At the end: no other origin was asked and the console stayed empty."""
    owner = User.objects.get(username=demo.owner)
    context = signed_in(browser, site, owner, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.witness = Witness(page)
    page.goto(site.origin)
    page.wait_for_selector(LIVE)
    yield page
    context.close()
    assert page.witness.strangers(site) == []
    assert page.witness.complaints == []


def row_of(page: Page, position: Position) -> Locator:
    return page.locator(f'#positions tr[data-id="{position.pk}"]')


def cell(row: Locator, name: str) -> Locator:
    return row.locator(f'[data-cell="{name}"]')


def chip_of(page: Page) -> Locator:
    return page.locator("#health li").filter(has=page.get_by_text("paper", exact=True))


def shown_price(position: Position, price: D | None) -> str:
    return formats.price(price, position.instrument.price_increment)


def standing_stop(position: Position) -> Order:
    return Order.objects.get(position=position, purpose="protect", status="accepted")


def stop_behind(demo: Demo, position: Position, beat: Beat, share: str) -> D:
    """The stop is there that belongs to the price of this beat: `share` of it, to the contract's step."""
    wanted, step = demo.hands.price_of(beat.act) * D(share), position.instrument.price_increment
    stops = Order.objects.filter(position=position, purpose="protect", status="accepted")
    near = stops.filter(trigger_price__gte=wanted - step, trigger_price__lte=wanted + step)
    until(near.exists, f"the stop of {position} near {wanted}")
    return near.get().trigger_price


@pytest.mark.soak
def test_paper_is_said_and_three_positions_have_their_entries_and_their_stops(page, demo):
    expect(page.locator(".badge")).to_have_text("PAPER")
    assert len(demo.held) == 3
    for position in demo.held:
        row = row_of(page, position)
        expect(cell(row, "entry")).to_have_text(shown_price(position, position.average_entry_price))
        expect(cell(row, "stop")).to_have_text(shown_price(position, standing_stop(position).trigger_price))
    page.wait_for_selector("#chart[data-candles]")
    expect(chip_of(page)).to_have_attribute("data-state", "ok")
    expect(chip_of(page)).to_contain_text("0 differences")
    expect(page).to_have_title("(3) Control room")


def test_prices_tick_a_stop_climbs_and_the_log_says_so(page, demo):
    position = demo.of("BTC")
    first = standing_stop(position)
    row = row_of(page, position)
    for beat in BTC_CLIMBS:
        demo.play(beat)
    expect(cell(row, "mark")).to_have_text(shown_price(position, demo.hands.price_of(BTC_CLIMBS[-1].act)))
    expect(cell(row, "pnl")).to_have_text(re.compile(r"^\+"))
    price = shown_price(position, stop_behind(demo, position, BTC_CLIMBS[-1], "0.998"))
    expect(cell(row, "stop")).to_have_text(price)
    expect(cell(row, "phase")).to_have_text("trailing")
    log = page.locator(f'#orders tr[data-id="{standing_stop(position).pk}"]')
    expect(cell(log, "what")).to_have_text("protect · sell stop market")
    expect(cell(log, "price")).to_have_text(price)
    expect(cell(log, "status")).to_have_text("accepted")
    old = page.locator(f'#orders tr[data-id="{first.pk}"]')
    expect(cell(old, "status")).to_have_text("canceled")
    expect(cell(old, "why")).to_have_text("replaced · trailing")


def test_a_signal_becomes_a_row_and_the_next_is_refused_with_its_reason(page, demo):
    position = demo.opened_by(demo.play(ACCEPTED))
    row = row_of(page, position)
    expect(row).to_be_visible()
    expect(cell(row, "state")).to_have_text("")  # open
    expect(cell(row, "stop")).to_have_text(re.compile(r"^\d"))
    expect(page).to_have_title("(4) Control room")
    newest = page.locator("#signals tr").first
    expect(cell(newest, "verdict")).to_have_text("opened")
    demo.play(REFUSED)
    expect(cell(newest, "symbol")).to_have_text("ADAUSDT")
    expect(cell(newest, "verdict")).to_have_text("skipped")
    expect(cell(newest, "why")).to_contain_text(re.compile(r"between entries: \d+ of 300 s are left"))
    assert page.title() == "(4) Control room"


@pytest.mark.soak
def test_a_stop_is_hit_the_row_goes_and_today_moves(page, demo):
    position = demo.of("SOL")
    row = row_of(page, position)
    expect(row).to_be_visible()
    today, equity = (page.locator(f'#figures b[data-cell="{name}"]') for name in ("today", "equity"))
    before, had = today.text_content(), equity.text_content()
    for beat in SOL_RISES:
        demo.play(beat)
    expect(cell(row, "phase")).to_have_text("trailing")
    stop_behind(demo, position, SOL_RISES[-1], "0.998")
    for beat in SOL_FALLS:
        demo.play(beat)
    expect(row).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text(
        re.compile(r"SOL long closed: trailing stop, \+\d+\.\d\d USDT")
    )
    expect(page).to_have_title("(2) Control room")
    expect(today).not_to_have_text(before)
    expect(equity).not_to_have_text(had)
    position.refresh_from_db()
    assert position.realized_pnl - position.fees > 10


@pytest.mark.soak
def test_the_feed_is_pulled_and_comes_back(page, demo):
    held = demo.of("BTC")
    mark = cell(row_of(page, held), "mark")
    expect(mark).to_have_css("opacity", "1")
    chip = chip_of(page)
    with demo.feed_lost():
        page.wait_for_selector(STALE)
        expect(page.locator("#link-text")).to_have_text(re.compile(r"No data for \d+ s"))
        expect(mark).to_have_css("opacity", "0.45")
        expect(chip).to_have_attribute("data-state", "bad", timeout=LONG)
        expect(chip).to_contain_text(
            "does not answer; stops on the exchange: BTC long, ETH short, SOL long", timeout=LONG
        )
        expect(page.locator("#notices")).to_contain_text("is unreachable")
    page.wait_for_selector(LIVE, timeout=LONG)
    expect(mark).to_have_css("opacity", "1")
    expect(chip).to_have_attribute("data-state", "ok", timeout=LONG)
    expect(chip).to_contain_text("0 differences", timeout=LONG)
    held.refresh_from_db()
    assert held.status == "open"


@pytest.mark.soak
def test_a_position_is_closed_by_keyboard_and_its_story_names_the_person(page, site, demo):
    position = demo.of("ETH")
    for beat in ETH_FALLS:
        demo.play(beat)
        stop_behind(demo, position, beat, "1.002")
    row = row_of(page, position)
    row.click()
    page.keyboard.press("c")
    expect(page.locator("#typed")).to_be_focused()
    page.keyboard.type("ETH")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Close order for ETH short is on its way.")
    expect(page.locator("#toasts")).to_contain_text("ETH short closed: ")
    expect(row).to_have_count(0)
    until(lambda: Position.objects.filter(pk=position.pk, status="closed").exists(), "the close")
    position.refresh_from_db()
    assert position.close_requested_by == demo.owner
    page.goto(f"{site.origin}/positions/{position.pk}/#timeline")
    story = page.locator("#timeline tbody").inner_text()
    assert "sent signal" in story
    assert '"SWING SHORT", which means short' in story
    assert len(re.findall(r"entry order \S+ is written", story)) == 1
    assert len(re.findall(r"protect order \S+ is written: stop market buy", story)) == 1 + len(ETH_FALLS)
    assert len(re.findall(r"the stop of position \d+ moves to .* \(trailing\)", story)) == len(ETH_FALLS) - 1
    assert "the price has come far enough" in story
    assert f"{demo.owner} asks to close position {position.pk} (manual) [by {demo.owner}]" in story
    page.goto(f"{site.origin}/admin/positions/position/{position.pk}/history/")
    act = page.locator("#history tbody tr").filter(has_text="status: open → closing")
    expect(act.locator("td").nth(1)).to_have_text(demo.owner)
