"""The list pages in a real browser: light, dark and on a phone, with scripts and without."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from positions.lifecycle import OrderPurpose, OrderStatus
from signals_app.models import Strategy, StrategySignal
from tests.browser.conftest import signed_in
from tests.builders import (
    a_log_entry,
    a_position,
    a_signal_log,
    a_strategy,
    a_trailing_stop,
    account_of,
    an_order,
)
from tests.people import a_person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

RESULTS = (12, -4, 7, 31, -18, 5, 9, -2, 22, -11)
LONG_REASON = "the price moved +4.21 % in five minutes, the limit is 4: no long, so as not to run after it"

SMALL = """() => [...document.querySelectorAll(
    "#list :is(button, .button, summary), .filters :is(button, input, select)")]
  .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 43.5)
  .map(one => one.outerHTML.slice(0, 90))"""


def a_month() -> Strategy:
    """Ten trades of a strategy that holds one position now, and the signals and orders around them."""
    strategy, now = a_strategy(name="trend-following"), timezone.now()
    account = account_of(strategy)
    StrategySignal.objects.create(strategy=strategy, phrase="TREND UP", direction="long")
    for number, result in enumerate(RESULTS):
        closed = now - timedelta(days=2 * number, hours=3)
        position = a_position(
            ("BTC", "ETH", "1000PEPE")[number % 3], account=account, strategy=strategy, status="closed",
            closed_at=closed, opened_at=closed - timedelta(hours=5), realized_pnl=D(result), fees=D("0.62"),
            funding=D("-0.08"), average_exit_price=D("98104.2"),
            close_reason="trailing_stop" if result > 0 else "stop_loss",
            position_side="short" if number % 4 == 3 else "long",
        )  # fmt: skip
        sent = {"submitted_at": closed, "answered_at": closed + timedelta(milliseconds=84 + number)}
        an_order(position, status=OrderStatus.FILLED, exchange_order_id=f"83897659{number}", **sent)
        an_order(
            position,
            purpose=OrderPurpose.PROTECT,
            trigger_price=D("96150.4"),
            status=OrderStatus.CANCELED,
            **sent,
        )
        log = a_signal_log(
            message="TREND UP", source="websocket:a-chart-with-a-long-name", received_at=closed,
            dispatched_at=closed + timedelta(milliseconds=43), sent_at=closed - timedelta(milliseconds=120),
        )  # fmt: skip
        a_log_entry(log, strategy, position=position)
    held = a_position(account=account, strategy=strategy)
    a_trailing_stop(held)
    an_order(held, status=OrderStatus.REJECTED, reason="Margin is insufficient (-2019)")
    refused = a_signal_log(symbol="ETHUSDT", message="TREND UP", received_at=now)
    a_log_entry(refused, strategy, status="skipped", reason_code="cooldown", note=LONG_REASON)
    a_signal_log(
        status="ignored", reason="unknown ticker DOGEUSDT", reason_code="unknown_ticker", symbol="DOGEUSDT"
    )
    return strategy


def paths(strategy: Strategy) -> list[str]:
    year = timezone.now().year
    return [
        "/signals/",
        "/orders/",
        "/trades/",
        f"/trades/{year}/",
        "/strategies/",
        f"/strategies/{strategy.pk}/",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_in_light_and_dark(page, server, trader, scheme):
    page.emulate_media(color_scheme=scheme)
    for path in paths(a_month()):
        page.goto(server.origin + path)
        for opened in page.locator("details.split summary, tr:first-child .more summary").all():
            opened.click()
        found = Axe().run(page).response["violations"]
        assert [
            (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
        ] == []


@pytest.mark.parametrize(
    "width", [390, *(pytest.param(width, marks=pytest.mark.soak) for width in (900, 1440))]
)
def test_no_width_scrolls_sideways(page, server, width):
    page.set_viewport_size({"width": width, "height": 900})
    for path in paths(a_month()):
        page.goto(server.origin + path)
        for opened in page.locator("details.split summary, tr:first-child .more summary").all():
            opened.click()
        assert page.evaluate("document.documentElement.scrollWidth") == width, path


@pytest.mark.soak
def test_what_a_thumb_must_hit_is_large_enough(page, server):
    page.set_viewport_size({"width": 390, "height": 844})
    for path in paths(a_month()):
        page.goto(server.origin + path)
        assert page.evaluate(SMALL) == [], path


def test_filters_and_pages_are_swapped_and_kept_in_the_address(page, server):
    now = timezone.now()
    for number in range(120):
        a_signal_log(source="stream", message=f"n-{number}", received_at=now - timedelta(seconds=number))
    a_signal_log(source="other", message="the other one")
    page.goto(f"{server.origin}/signals/")
    page.evaluate("window.isTheSame = true")
    page.get_by_label("Source").fill("stream")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("the other one")).to_have_count(0)
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_text("n-50", exact=True)).to_be_visible()
    page.get_by_role("link", name="Older").click()
    expect(page.locator("#signals tbody tr")).to_have_count(20)
    assert "source=stream" in page.url
    assert "after=" in page.url
    assert page.evaluate("window.isTheSame")
    page.reload()
    expect(page.locator("#signals tbody tr")).to_have_count(20)
    page.get_by_role("link", name="Newest").click()
    expect(page.get_by_text("n-0", exact=True)).to_be_visible()


def test_what_comes_in_is_told_by_a_pill_while_the_list_is_read(page, server):
    for _ in range(60):
        a_signal_log(message="before", raw_message='{"symbol": "BTCUSDT"}')
    page.goto(f"{server.origin}/signals/")
    page.mouse.wheel(0, 800)
    page.wait_for_function("window.scrollY > 100")
    for number in range(12):
        a_signal_log(message=f"after-{number}")
    pill = page.locator(".pill")
    expect(pill).to_have_text("12 new")
    expect(pill).to_be_in_viewport()
    pill.click()
    expect(page.get_by_text("after-11", exact=True)).to_have_count(1)
    expect(pill).to_be_hidden()


@pytest.mark.soak
def test_at_the_top_new_ones_appear_by_themselves(page, server):
    a_signal_log(message="before")
    page.goto(f"{server.origin}/signals/")
    a_signal_log(message="the next one")
    expect(page.locator("#signals tbody tr").first).to_contain_text("the next one")


def test_ids_and_json_are_copied(page, server):
    order = an_order()
    a_signal_log(raw_message='{"symbol": "BTCUSDT"}')
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server.origin}/orders/")
    page.get_by_role("button", name=f"Copy {order.client_order_id}").click()
    assert page.evaluate("navigator.clipboard.readText()") == order.client_order_id
    page.goto(f"{server.origin}/signals/")
    page.locator("#signals summary").click()
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert '"symbol": "BTCUSDT"' in page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("Escape")
    expect(page.locator(".pop")).to_be_hidden()


@pytest.mark.soak
def test_without_scripts_all_of_it_works(browser, server, trader):
    strategy = a_month()
    for _ in range(60):
        a_signal_log(source="stream")
    context = signed_in(browser, server, a_person("admin", "bo"), java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.origin}/signals/")
    page.get_by_label("Source").fill("stream")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Older").click()
    expect(page.locator("#signals tbody tr")).to_have_count(10)
    page.goto(f"{server.origin}/strategies/{strategy.pk}/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("PAUSED", exact=True)).to_be_visible()
    page.get_by_role("button", name="Clone").click()
    expect(page.get_by_role("heading", name="trend-following-copy")).to_be_visible()
    context.close()
