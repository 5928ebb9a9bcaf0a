"""What a person sees, in a real browser, served by the real web process."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.conf import global_settings
from django.contrib.sessions.models import Session
from django.test import override_settings
from playwright.sync_api import expect

from positions import broadcast
from positions.lifecycle import OrderPurpose, PositionStatus
from positions.models import Order
from signals_app.models import SignalStatus
from tests.browser.conftest import Witness, signed_in
from tests.builders import (
    a_balance,
    a_log_entry,
    a_position,
    a_signal_log,
    a_strategy,
    a_trailing_stop,
    an_account,
    an_instrument,
    an_order,
)
from tests.people import a_person
from tests.sampling import sample

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
LIVE, STALE, DOWN, OUT = (f"body[data-link={name}]" for name in ("live", "stale", "down", "out"))
DROPPED = ("WebSocket connection to", "Failed to load resource")


def open_page(page, server, state=LIVE):
    page.goto(server.origin)
    page.wait_for_selector(state)


def row_of(page, position):
    return page.locator(f'#positions tr[data-id="{position.pk}"]')


def cell(row, name):
    return row.locator(f'[data-cell="{name}"]')


def a_full_desk():
    account = an_account(name="paper-main")
    a_balance(account, equity=D("9997.59"))
    strategy = a_strategy(account, name="breakout-with-quite-a-long-name")
    bases = [("BTC", "long", "0.1"), ("1000PEPE", "short", "0.0000001"), ("ETH", "long", "0.01")]
    for base, side, tick in bases:
        instrument = an_instrument(base, price_increment=D(tick))
        position = a_position(instrument=instrument, account=account, strategy=strategy, position_side=side)
        a_trailing_stop(position, activation_price=D("98709.1"))
        if base != "ETH":
            an_order(position, purpose=OrderPurpose.PROTECT, trigger_price=D("96377.5"))
    a_log_entry(a_signal_log(message="breakout long " * 12), strategy, note="max_open_positions is reached")
    a_signal_log(status=SignalStatus.IGNORED, message="x" * 300, reason="ticker is unknown")


def test_a_position_appears_by_itself_and_moves_with_its_price(page, server):
    open_page(page, server)
    expect(page.locator(".positions .empty")).to_be_visible()
    position = a_position()
    broadcast.position_changed(position.pk)
    row = row_of(page, position)
    expect(cell(row, "entry")).to_have_text("97,250.4")
    expect(cell(row, "mark")).to_have_text("—")
    expect(cell(row, "stop")).to_have_text("no stop")
    expect(page.locator(".positions .empty")).to_be_hidden()
    expect(row.get_by_role("link", name="BTC", exact=True)).to_have_attribute(
        "href", f"/positions/{position.pk}/"
    )
    broadcast.prices_changed({"BTCUSDT": "97350.4"})
    expect(cell(row, "pnl")).to_have_text("+0.80")
    expect(cell(row, "arrow")).to_have_text("▲")
    expect(page.locator('#figures [data-cell="open_pnl"]')).to_have_text("+0.80")
    broadcast.prices_changed({"BTCUSDT": "97150.4"})
    expect(cell(row, "pnl")).to_have_text("\N{MINUS SIGN}0.80")
    expect(row).to_have_attribute("data-tone", "down")
    assert page.title() == "(1) Control room"


@pytest.mark.soak
def test_an_ended_position_leaves_with_a_sentence(page, server):
    position = a_position()
    open_page(page, server, STALE)
    position.status, position.close_reason = PositionStatus.CLOSED, "trailing_stop"
    position.quantity, position.closed_at, position.realized_pnl = 0, position.created_at, D("12.4")
    position.save()
    broadcast.position_changed(position.pk)
    expect(page.locator("#toasts")).to_contain_text("BTC long closed: trailing stop, +12.40 USDT")
    expect(row_of(page, position)).to_have_count(0)
    page.wait_for_selector(LIVE)


@pytest.mark.soak
def test_orders_and_signals_arrive_on_top(page, server):
    position = a_position()
    an_order(position)
    open_page(page, server, STALE)
    order, log = an_order(position, purpose=OrderPurpose.CLOSE), a_signal_log()
    broadcast.order_changed(order.pk)
    broadcast.signals_logged([log.pk])
    expect(page.locator("#orders tr").first).to_have_attribute("data-id", str(order.pk))
    expect(page.locator("#signals tr").first).to_contain_text("received")
    expect(page.locator("#orders tr")).to_have_count(2)


@pytest.mark.soak
def test_a_server_that_says_nothing_makes_the_page_say_so(page, server):
    position = a_position()
    open_page(page, server, STALE)
    broadcast.prices_changed({"BTCUSDT": "97350.4"})
    page.wait_for_selector(LIVE)
    server.freeze()
    page.wait_for_selector(STALE)
    expect(page.locator("#link-text")).to_contain_text("No data for")
    expect(cell(row_of(page, position), "mark")).to_have_css("opacity", "0.45")
    server.thaw()
    broadcast.prices_changed({"BTCUSDT": "97360.4"})
    page.wait_for_selector(LIVE)
    expect(cell(row_of(page, position), "mark")).to_have_css("opacity", "1")


@pytest.mark.soak
def test_prices_that_stop_are_noticed_though_the_socket_lives(page, server):
    a_position()
    open_page(page, server, STALE)
    expect(page.locator("#link-text")).to_have_text("No prices yet")
    broadcast.prices_changed({"BTCUSDT": "97350.4"})
    page.wait_for_selector(LIVE)
    expect(page.locator("#link-text")).to_have_text("No data for 5 s")


def test_after_the_server_died_the_page_comes_back_with_what_it_missed(page, server):
    page.expected_complaints = DROPPED
    open_page(page, server)
    server.kill()
    page.wait_for_selector(DOWN)
    expect(page.locator("#link-text")).to_have_text("Reconnecting…")
    position = a_position()
    server.start()
    expect(row_of(page, position)).to_be_visible(timeout=15000)


@pytest.mark.soak
def test_an_ended_session_is_told_with_a_way_back(page, server):
    open_page(page, server)
    Session.objects.all().delete()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # asks for a picture
    page.wait_for_selector(OUT)
    link = page.locator("#link a")
    expect(link).to_have_text("Signed out: sign in")
    expect(link).to_have_attribute("href", "/accounts/login/?next=/")


def test_hostile_text_stays_text_when_pushed(page, server):
    open_page(page, server)
    log = a_signal_log(message=HOSTILE, source="<b>", status=SignalStatus.IGNORED, reason=HOSTILE)
    broadcast.signals_logged([log.pk])
    row = page.locator("#signals tr").first
    expect(cell(row, "message")).to_have_text(HOSTILE)
    expect(cell(row, "why")).to_have_text(HOSTILE)
    assert page.locator("#signals img, #signals script").count() == 0
    assert page.title() == "Control room"


def test_closing_asks_for_the_symbol_and_makes_one_order(page, server):
    position = a_position()
    open_page(page, server, STALE)
    row_of(page, position).get_by_text("Close…").click()
    expect(page.locator("#typed")).to_be_focused()
    send = page.get_by_role("button", name="Close at market")
    expect(send).to_be_disabled()
    page.keyboard.type("ETH")
    page.keyboard.press("Enter")
    expect(send).to_be_disabled()
    page.locator("#typed").fill("btc")
    send.dblclick()
    expect(page.locator("#toasts")).to_contain_text("Close order for BTC long is on its way.")
    expect(page.locator("#act-dialog")).to_be_hidden()
    expect(cell(row_of(page, position), "state")).to_have_text("CLOSING")
    expect(row_of(page, position).locator(".close")).to_be_hidden()
    order = Order.objects.get(position=position)
    assert (order.purpose, order.reduce_only) == (OrderPurpose.CLOSE, True)
    position.refresh_from_db()
    assert position.close_requested_by == "ada"


@pytest.mark.soak
def test_the_dialog_stays_live_and_escape_leaves_everything_as_it_was(page, server):
    position = a_position()
    open_page(page, server, STALE)
    row_of(page, position).get_by_text("Close…").click()
    expect(page.locator("#act-dialog [data-age]")).to_contain_text("these figures are old")
    broadcast.prices_changed({"BTCUSDT": "97350.4"})
    expect(page.locator('#act-dialog [data-cell="pnl"]')).to_have_text("+0.80")
    expect(page.locator("#act-dialog [data-age]")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#act-dialog")).to_be_hidden()
    assert not Order.objects.exists()


def test_without_scripts_the_page_shows_and_closes(browser, server, trader):
    position = a_position()
    context = signed_in(browser, server, trader, java_script_enabled=False)
    page = context.new_page()
    page.goto(server.origin)
    expect(cell(row_of(page, position), "entry")).to_have_text("97,250.4")
    row_of(page, position).get_by_text("Close…").click()
    expect(page.get_by_role("heading", name="Close BTC LONG at market")).to_be_visible()
    page.locator("#typed").fill("ETH")
    page.get_by_role("button", name="Close at market").click()
    expect(page.locator("#refusal")).to_have_text("Nothing was sent. Type BTC to confirm.")
    page.locator("#typed").fill("BTC")
    page.get_by_role("button", name="Close at market").click()
    expect(page.get_by_text("Close order for BTC long is on its way.")).to_be_visible()
    expect(cell(row_of(page, position), "state")).to_have_text("CLOSING")
    context.close()


@pytest.mark.parametrize("width", sample([360, 390, 768, 1024, 1440], 5))
def test_no_width_scrolls_sideways(page, server, width):
    a_full_desk()
    page.set_viewport_size({"width": width, "height": 844})
    open_page(page, server, STALE)
    broadcast.prices_changed({"BTCUSDT": "97350.4", "1000PEPEUSDT": "0.0201347", "ETHUSDT": "3000"})
    page.wait_for_selector(LIVE)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for button in page.locator("#positions .close").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@pytest.mark.soak
def test_the_admin_keeps_to_our_origin_too(page, server, trader):
    trader.is_superuser = True
    trader.save()
    position = a_position()
    for path in (
        "/admin/",
        f"/admin/positions/position/{position.pk}/change/",
        "/admin/exchanges/exchangeaccount/",
    ):
        page.goto(server.origin + path)
        expect(page.locator("#site-name")).to_contain_text("Control room")


@pytest.mark.soak
def test_the_login_page_leads_back_to_the_live_page(browser, server):

    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):  # as the web process has them
        a_person("viewer", "bo", password="a long password")
    page = browser.new_page()
    witness = Witness(page)
    page.goto(server.origin)
    page.locator("#id_login").fill("bo")
    page.locator("#id_password").fill("a long password")
    page.keyboard.press("Enter")
    page.get_by_text("Later").click()
    page.wait_for_selector(LIVE)
    assert witness.strangers(server) == []
    page.context.close()
