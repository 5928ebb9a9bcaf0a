"""The admin, the settings and the steps of setting up in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from signals_app.models import Strategy
from tests.browser.conftest import Witness, signed_in
from tests.builders import a_balance, a_position, a_strategy, a_ticker, an_account, an_instrument
from trailing.plan import read_plan

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def owner(trader):
    trader.is_superuser = True
    trader.save()
    return trader


@pytest.fixture
def look(browser, server, owner):
    """Pages of the owner, closed at the end: no other origin was asked, the console stayed empty."""
    opened = []

    def opening(**options) -> Page:
        context = signed_in(browser, server, owner, **({"viewport": DESK} | options))
        page = context.new_page()
        page.witness = Witness(page)
        opened.append((context, page))
        return page

    yield opening
    for context, page in opened:
        context.close()
        assert page.witness.strangers(server) == []
        assert page.witness.complaints == []


def a_setup():
    account = an_account(name="paper")
    a_balance(account)
    an_instrument("BTC")
    an_instrument("ETH")
    strategy = a_strategy(account, name="breakout", protection=read_plan({
        "take_profits": {"levels": [{"at": {"type": "percent", "percent": 1}, "close_ratio": "0.5"}]}
    }).as_json())  # fmt: skip
    strategy.phrases.create(phrase="BREAKOUT UP", direction="long")
    a_ticker("BTCUSDT")
    a_ticker("ETHUSDT")
    a_position("BTC", account=account, strategy=strategy)
    return strategy


def serious(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def pages_of(strategy) -> dict[str, str]:
    account = strategy.accounts.get().account_id
    base = f"/admin/signals_app/strategy/{strategy.pk}"
    ticker = strategy.tickers.model.objects.get(symbol="BTCUSDT").pk
    return {
        "index": "/admin/",
        "strategies": "/admin/signals_app/strategy/",
        "strategy": f"{base}/change/",
        "preview": f"{base}/preview/?account={account}&ticker={ticker}&side=long",
        "history": f"{base}/history/",
        "tickers": "/admin/signals_app/ticker/",
        "import": "/admin/signals_app/ticker/import/",
        "account": f"/admin/exchanges/exchangeaccount/{account}/change/",
        "connection": f"/admin/exchanges/exchangeaccount/{account}/connection/",
        "positions": "/admin/positions/position/",
        "schedules": "/admin/django_celery_beat/periodictask/",
        "settings": "/settings/",
        "setup": "/setup/",
    }


def test_a_strategy_is_written_in_fields_of_which_only_those_show_that_count(look, server):
    strategy = a_setup()
    page = look()
    page.goto(f"{server.origin}/admin/signals_app/strategy/{strategy.pk}/change/")
    expect(page.locator("#id_stop_percent")).to_be_visible()
    expect(page.locator("#id_stop_distance")).to_be_hidden()
    expect(page.locator("#id_protection")).to_be_hidden()
    page.select_option("#id_stop_type", "distance")
    expect(page.locator("#id_stop_percent")).to_be_hidden()
    expect(page.locator("#id_stop_distance")).to_be_visible()
    page.select_option("#id_stop_type", "percent")
    page.fill("#id_stop_percent", "200")
    expect(page.locator("#id_level3_type")).to_be_hidden()
    page.select_option("#id_level2_type", "percent")
    expect(page.locator("#id_level3_type")).to_be_visible()
    page.fill("#id_level2_value", "2")
    page.fill("#id_level2_close_ratio", "0.25")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".field-stop_percent .errorlist, .fieldBox .errorlist").first).to_contain_text(
        "less than 100"
    )
    page.fill("#id_stop_percent", "3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_contain_text("changed successfully")
    plan = read_plan(Strategy.objects.get().protection)
    assert (plan.stop_loss.percent, len(plan.take_profits.levels)) == (3, 2)


def test_nothing_set_up_leads_to_the_steps_and_never_again(look, server):
    page = look()
    page.goto(f"{server.origin}/")
    expect(page).to_have_url(f"{server.origin}/setup/")
    expect(page.locator(".ticks [data-done=false]")).to_have_count(5)
    page.get_by_role("link", name="Add an account").click()
    expect(page).to_have_url(f"{server.origin}/admin/exchanges/exchangeaccount/add/")
    an_account(name="paper")
    page.goto(f"{server.origin}/")
    expect(page).to_have_url(f"{server.origin}/")


def test_chosen_colours_and_zone_are_on_every_page(look, server):
    page = look(java_script_enabled=False)
    a_setup()
    page.goto(f"{server.origin}/settings/")
    page.get_by_label("dark", exact=True).check()
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("#notices")).to_contain_text("Kept.")
    for url in ("/settings/", "/admin/", "/"):
        page.goto(f"{server.origin}{url}")
        assert page.locator("html").evaluate("html => getComputedStyle(html).colorScheme") == "dark", url
    page.goto(f"{server.origin}/admin/")
    expect(page.locator(".zone")).to_have_text("Asia/Tokyo")


@pytest.mark.soak
def test_no_serious_fault_of_access_on_any_page(look, server):
    strategy = a_setup()
    page, faults = look(bypass_csp=True), {}  # axe writes styles of its own
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name, url in pages_of(strategy).items():
            page.goto(f"{server.origin}{url}")
            faults |= {f"{name} {scheme} {one}": 1 for one in serious(page)}
    assert "\n".join(faults) == ""


@pytest.mark.soak
def test_a_phone_scrolls_no_page_sideways(look, server):
    strategy = a_setup()
    page = look(viewport=PHONE)
    wide = {}
    for name, url in pages_of(strategy).items():
        page.goto(f"{server.origin}{url}")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            wide[name] = width
    assert wide == {}
