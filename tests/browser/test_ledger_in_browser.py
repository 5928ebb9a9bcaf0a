"""The ledger of signals in a real browser: found from the live page, filtered by a form, red where it is broken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from signals_app.sender_models import SignalArrivals
from signals_app.services.counting import hour_of
from tests.browser.conftest import signed_in
from tests.builders import a_log_entry, a_signal_log
from tests.sampling import sample

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

SOURCE = "webhook:a-chart-with-a-rather-long-name"


def a_day():
    """Of the whole day, so that an hour that begins meanwhile changes nothing."""
    now = timezone.now()
    for source in (SOURCE, "stream"):
        a_log_entry(a_signal_log(source=source, received_at=now))
        a_log_entry(a_signal_log(source=source, received_at=now), status="skipped", reason_code="cooldown")
        a_signal_log(source=source, received_at=now, status="ignored", reason_code="stale")
    SignalArrivals.objects.create(source="stream", hour=hour_of(now), process="one", count=5)


def red_of(page, row):
    return row.locator("td").first.evaluate("cell => getComputedStyle(cell).backgroundColor")


def test_it_is_found_from_the_live_page_and_filtered_by_its_form(page, server):
    a_day()
    page.goto(f"{server.origin}/")
    page.get_by_role("link", name="Signals", exact=True).click()
    page.get_by_role("link", name="Ledger of the day").click()
    expect(page.locator("#verdict")).to_contain_text("The ledger closes in every line.")
    for source in (SOURCE, "stream"):
        expect(page.locator("#lines tbody tr", has_text=source)).to_have_count(1)
    expect(page.locator("#lines tbody")).to_contain_text("2 arrived and left no row")
    page.get_by_label("Source").select_option("stream")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#lines tbody tr")).to_have_count(1)
    assert "source=stream" in page.url


def test_a_line_that_does_not_close_is_red_and_says_so(page, server):
    a_day()
    a_signal_log(source="stream", received_at=timezone.now())
    page.goto(f"{server.origin}/signals/ledger/")
    expect(page.locator("#verdict")).to_contain_text("does NOT close: 1 of 2 lines")
    broken = page.locator("#lines tbody tr", has_text="does not close: nothing became of 1")
    expect(broken).to_have_count(1)
    whole = page.locator("#lines tbody tr", has_text=SOURCE)
    assert red_of(page, broken) != red_of(page, whole)


@pytest.mark.soak
def test_a_reason_leads_to_its_signals(page, server):
    a_day()
    page.goto(f"{server.origin}/signals/ledger/")
    page.get_by_role("link", name="cooldown").click()
    expect(page.locator("#signals tbody tr")).to_have_count(2)
    assert "reason=cooldown" in page.url


@pytest.mark.soak
def test_a_day_before_is_empty_and_leads_back(page, server):
    a_day()
    page.goto(f"{server.origin}/signals/ledger/")
    page.get_by_role("link", name="Day before").click()
    yesterday = (timezone.now() - timedelta(days=1)).date()
    expect(page.get_by_label("Day", exact=True)).to_have_value(str(yesterday))
    expect(page.locator("#verdict")).to_contain_text("Nothing came in on this day.")
    page.get_by_role("link", name="Day after").click()
    expect(page.locator("#lines tbody tr")).to_have_count(2)


@pytest.mark.parametrize("width", sample([360, 768, 1440], 3))
def test_no_width_scrolls_sideways(page, server, width):
    a_day()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server.origin}/signals/ledger/")
    page.wait_for_selector("#lines tbody tr")
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.soak
def test_without_scripts_all_of_it_works(browser, server, trader):
    a_day()
    context = signed_in(browser, server, trader, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.origin}/signals/ledger/")
    page.get_by_label("Source").select_option("stream")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#lines tbody tr")).to_have_count(1)
    context.close()
