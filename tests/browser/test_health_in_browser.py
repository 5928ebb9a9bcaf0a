"""The health page in a real browser: it follows by itself, says what is old, and can be read by everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from exchanges.models import AccountWatch
from ops.models import SystemLog
from positions.models import InvariantCheck
from tests.browser.conftest import signed_in
from tests.builders import a_position, an_account
from tradingbot import pulse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]


def a_troubled_desk():
    """Something in every section, well and not well."""
    now = timezone.now()
    for name in ("main", "an-account-with-a-rather-long-name"):
        account = an_account(name=name)
        AccountWatch.objects.create(
            account=account,
            reconciled_at=now,
            stream_connected_at=now - timedelta(hours=3),
            stream_last_event_at=now - timedelta(seconds=7),
            event_delay_ms=31,
            clock_offset_ms=-14,
            positions_live=1,
            positions_proven_protected=1,
        )
        a_position(account=account, status="open", quantity=1)
    InvariantCheck.objects.create(name="sum of fills equals position", is_true=True, checked_at=now)
    InvariantCheck.objects.create(
        name="every open position has a stop on the exchange",
        is_true=False,
        checked_at=now,
        broken_since=now,
        findings=["position 7 has no stop for all it holds"],
    )
    for at in range(7):
        message = f"order tb-{at} was refused: margin is insufficient for 0.0{at} BTC at 63,1{at}0"
        SystemLog.objects.create(
            level="ERROR", module="positions.services.orders", message=message, created_at=now
        )
    for name in ("beat", "market", "notify"):
        pulse.tell(name)


def test_it_is_found_from_the_live_page_and_follows(page, server):
    a_troubled_desk()
    page.goto(f"{server.origin}/")
    page.get_by_role("link", name="Health").click()
    expect(page.locator("#errors tbody tr")).to_have_count(1)
    expect(page.locator("#errors .count")).to_contain_text("7")
    SystemLog.objects.create(level="ERROR", module="x", message="something new", created_at=timezone.now())
    expect(page.locator("#errors tbody tr")).to_have_count(2)
    expect(page.locator("#protects")).to_contain_text("2 of 2 positions had a stop for all they hold")


@pytest.mark.soak
def test_a_web_process_that_hangs_makes_it_old(page, server):
    a_troubled_desk()
    page.goto(f"{server.origin}/health/")
    server.freeze()
    expect(page.locator("#asked")).to_contain_text("what is below is old")
    server.thaw()
    expect(page.locator("#asked")).to_contain_text("Asked at")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it_on_a_phone_too(browser, server, trader, scheme):
    a_troubled_desk()
    context = signed_in(
        browser, server, trader, color_scheme=scheme, viewport={"width": 390, "height": 844}, bypass_csp=True
    )
    page = context.new_page()
    page.goto(f"{server.origin}/health/")
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


@pytest.mark.soak
def test_without_scripts_it_is_there(browser, server, trader):
    a_troubled_desk()
    context = signed_in(browser, server, trader, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.origin}/health/")
    expect(page.locator("#protects")).to_contain_text("2 of 2 positions")
    context.close()
