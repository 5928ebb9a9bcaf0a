"""Acts and keys of the live page in a real browser."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from exchanges.models import FlatRun
from positions import broadcast
from positions.lifecycle import OrderPurpose
from positions.models import Order, PersonAct, Position
from positions.services import halting
from tests.browser.conftest import signed_in
from tests.browser.test_live_in_browser import LIVE, STALE, a_full_desk, cell, open_page, row_of
from tests.builders import a_position, a_trailing_stop, an_account, an_instrument, an_order
from tests.people import a_person
from trailing.models import TrailingStop

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

PRICE = {"BTCUSDT": "97350.4", "1000PEPEUSDT": "0.0201347", "ETHUSDT": "3000"}
SERIOUS = ("serious", "critical")
dialog = "#act-dialog"


@pytest.fixture
def admin(trader):
    return a_person("admin", "root")


def two_positions():
    account = an_account(name="main")
    made = [a_position(base, account=account) for base in ("BTC", "ETH")]
    for position in made:
        a_trailing_stop(position, stop_price=D(96000))
        an_order(position, purpose=OrderPurpose.PROTECT, trigger_price=D(96000))
    return made


def selected(page):
    return page.locator("#positions tr[data-selected]").get_attribute("data-id")


def serious(page):
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS]


def test_keys_select_open_close_filter_and_explain_themselves(page, server):
    first, second = two_positions()
    open_page(page, server, STALE)
    assert selected(page) == str(first.pk)
    page.keyboard.press("j")
    assert selected(page) == str(second.pk)
    page.keyboard.press("k")
    page.keyboard.press("c")
    expect(page.locator("#typed")).to_be_focused()
    page.keyboard.type("jj?")
    page.keyboard.press("Escape")
    expect(page.locator(dialog)).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("eth")
    expect(row_of(page, first)).to_be_hidden()
    expect(page.locator("#hidden-rows")).to_have_text("1 hidden by the filter")
    page.locator("#filter").fill("")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page.locator('[data-timeframe="15m"]')).to_have_attribute("aria-pressed", "true")
    page.locator("#sort").select_option("symbol")
    page.locator("#positions a.whole").first.focus()
    page.keyboard.press("g")
    page.keyboard.press("k")
    page.wait_for_url("**/switch/")
    assert not Order.objects.exclude(purpose="protect").exists()


def test_a_double_click_on_a_part_makes_one_order_and_tells_its_end(page, server):
    position = a_position()
    open_page(page, server, STALE)
    row_of(page, position).get_by_text("Close…").click()
    page.get_by_role("link", name="Close a part of it…").click()
    page.get_by_label("50 %").check()
    page.get_by_role("button", name="Close this part").dblclick()
    expect(page.locator("#toasts")).to_contain_text("Order for 0.004 BTC long is on its way.")
    order = Order.objects.get(position=position, purpose="reduce")
    Order.objects.filter(pk=order.pk).update(
        status="filled", filled_quantity=order.quantity, average_price=D(97000)
    )
    broadcast.order_changed(order.pk)
    expect(page.locator("#toasts")).to_contain_text("0.004 at 97,000.0 is filled")
    assert PersonAct.objects.get().by == "ada"


def test_a_stop_is_loosened_only_with_its_tick(page, server):
    page.expected_complaints = ("Failed to load resource",)  # 422
    position, _ = two_positions()
    open_page(page, server, STALE)
    row_of(page, position).get_by_text("Stop…").click()
    page.get_by_label("New level").fill("95000")
    page.get_by_role("button", name="Show what it means").click()
    expect(page.locator(dialog)).to_contain_text("I know this raises the risk to \N{MINUS SIGN}18.00")
    page.get_by_role("button", name="Move the stop").click()
    expect(page.locator(f"{dialog} #refusal")).to_contain_text("Nothing was sent")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Move the stop").click()
    expect(page.locator("#toasts")).to_contain_text("The stop of BTC long goes to 95000.")
    assert TrailingStop.objects.get(pk=position.pk).stop_price == 95000


def test_an_error_of_the_server_is_not_told_as_nothing_sent(page, server):
    """A server that fails, or one on the way to it, may have failed after the deed: the same number asks again."""
    page.expected_complaints = ("Failed to load resource",)  # 502
    position, _ = two_positions()
    open_page(page, server, STALE)
    row_of(page, position).get_by_text("Close…").click()
    page.locator("#typed").fill("BTC")
    key = page.locator(f"{dialog} form[data-act] [name=key]").input_value()
    page.route("**/close/", lambda route: route.fulfill(status=502, body="bad gateway"))
    page.get_by_role("button", name="Close at market").click()
    expect(page.locator(f"{dialog} #refusal")).to_contain_text("it is not known whether the request arrived")
    assert page.locator(f"{dialog} form[data-act] [name=key]").input_value() == key


def test_close_all_needs_the_number_and_leads_to_its_report(browser, server, admin):
    two_positions()
    context = signed_in(browser, server, admin)
    page = context.new_page()
    open_page(page, server, STALE)
    page.get_by_role("link", name="Close all…").click()
    page.locator("#reason").fill("storm")
    send = page.get_by_role("button", name="Close everything at market")
    page.locator("#typed").fill("CLOSE 3")
    expect(send).to_be_disabled()
    page.locator("#typed").fill("close 2")
    send.dblclick()
    page.wait_for_url("**/flat/*/")
    run = FlatRun.objects.get()
    assert (run.by, Order.objects.filter(purpose="close").count()) == ("root", 2)
    context.close()


def test_on_old_figures_the_buttons_say_so(page, server):
    a_position()
    open_page(page, server, STALE)
    expect(page.locator("#act-age")).to_have_text("No prices yet: buttons act on figures that are old")
    broadcast.prices_changed(PRICE)
    page.wait_for_selector(LIVE)
    expect(page.locator("#act-age")).to_have_text("")


def test_one_key_pauses_and_what_stands_there_says_what_it_means(page, server):
    two_positions()
    open_page(page, server, STALE)
    expect(page.locator("#feed-notice")).to_contain_text("the stops on the exchange of BTC LONG, ETH LONG")
    page.keyboard.press("p")
    expect(page.locator("#notices")).to_contain_text("Every account is reducing: by hand")
    expect(page.locator("#notices")).to_contain_text("what is held keeps its stop and its plan")
    expect(page.locator("#toasts")).to_contain_text("Every account is now reducing.")
    expect(page.locator("#pause")).to_be_hidden()
    page.keyboard.press("p")
    expect(page.locator(dialog)).to_contain_text("Resume every account")
    page.locator(dialog).get_by_role("button", name="Resume").click()
    expect(page.locator("#pause")).to_be_visible()
    assert list(PersonAct.objects.order_by("at").values_list("act", flat=True)) == ["pause", "resume"]


def test_on_a_phone_the_chart_is_under_the_card_that_was_tapped(browser, server, trader):
    _, second = two_positions()
    context = signed_in(browser, server, trader, viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    open_page(page, server, STALE)
    cell(row_of(page, second), "size").tap()
    expect(row_of(page, second).locator("#picture")).to_be_visible()
    page.locator("#filter").fill("btc")
    expect(row_of(page, second)).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_for_people_who_see_or_hear_otherwise(browser, server, admin, scheme):
    a_full_desk()
    context = signed_in(browser, server, admin, color_scheme=scheme, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    open_page(page, server, STALE)
    broadcast.prices_changed(PRICE)
    page.wait_for_selector(LIVE)
    assert serious(page) == []
    page.keyboard.press("c")
    expect(page.locator("#typed")).to_be_focused()
    broadcast.prices_changed(PRICE)  # old figures are dimmed
    page.wait_for_selector(LIVE)
    assert serious(page) == []
    page.goto(f"{server.origin}/positions/{Position.objects.first().pk}/")
    assert serious(page) == []
    context.close()


@pytest.mark.soak
def test_a_phone_has_a_bottom_bar_and_targets_a_thumb_can_hit(browser, server, admin):
    a_full_desk()
    context = signed_in(browser, server, admin, viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    open_page(page, server, STALE)
    expect(page.locator(".bottom a")).to_have_text(["Live", "Signals", "Orders", "Health"])
    for target in page.locator(
        "#positions .act a, .bottom a, .head .tools > :is(button, a, input, select)"
    ).all():
        if box := target.bounding_box():
            assert box["height"] >= 40
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


@pytest.mark.soak
def test_a_kiosk_shows_and_does_nothing(page, server):
    position = a_position()
    page.goto(f"{server.origin}/?kiosk=1")
    expect(row_of(page, position)).to_be_visible()
    expect(row_of(page, position).locator(".close")).to_be_hidden()
    expect(page.get_by_role("link", name="Admin")).to_be_hidden()


@pytest.mark.soak
def test_one_toggle_changes_all_times_and_one_the_colours(browser, server, trader):
    position = a_position()
    an_order(position)
    context = signed_in(browser, server, trader, timezone_id="Asia/Tokyo")
    page = context.new_page()
    open_page(page, server, STALE)
    before = page.locator("#orders .time").inner_text()
    page.locator("#zone").click()
    expect(page.locator("#clock")).to_contain_text("Tokyo")
    expect(page.locator("#orders .time")).not_to_have_text(before)
    page.locator("#palette").click()
    expect(page.locator("html")).to_have_attribute("data-palette", "blue_orange")
    halting.halt(None, "storm", "ada")
    expect(page.locator("#notices time")).to_contain_text("Tokyo")
    page.goto(f"{server.origin}/positions/{position.pk}/")
    expect(page.locator("#overview-title time")).to_contain_text("Tokyo")
    context.close()


@pytest.mark.soak
def test_the_page_of_a_position_is_tabs_with_scripts_and_whole_without(browser, server, trader, page):
    instrument = an_instrument("BTC")
    position = a_position(instrument=instrument)
    page.goto(f"{server.origin}/positions/{position.pk}/")
    expect(page.locator("#overview")).to_be_visible()
    expect(page.locator("#timeline")).to_be_hidden()
    page.get_by_role("link", name="Timeline").click()
    expect(page.locator("#timeline")).to_be_visible()
    expect(page.locator("#overview")).to_be_hidden()
    context = signed_in(browser, server, trader, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"{server.origin}/positions/{position.pk}/")
    for part in ("#overview", "#timeline", "#orders", "#settings"):
        expect(plain.locator(part)).to_be_visible()
    context.close()


def test_a_row_is_sorted_by_what_is_chosen(page, server):
    first, second = two_positions()
    open_page(page, server, STALE)
    broadcast.prices_changed({"BTCUSDT": "97000", "ETHUSDT": "98000"})
    expect(cell(row_of(page, second), "pnl")).to_have_text("+6.00")
    page.locator("#sort").select_option("pnl")
    expect(page.locator("#positions tr").first).to_have_attribute("data-id", str(second.pk))
    assert first.pk < second.pk
