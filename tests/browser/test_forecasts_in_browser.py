"""The pages of forecasts in a real browser: light, dark and on a phone, with scripts and without."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from signals_app.forecast_models import Forecast
from tests.browser.conftest import signed_in
from tests.forecasts.seeded import a_day, a_feed, a_forecast, a_model, a_run
from tests.people import a_person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SMALL = """() => [...document.querySelectorAll(
    "#list :is(button, .button, summary), .filters :is(button, input, select)")]
  .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 43.5)
  .map(one => one.outerHTML.slice(0, 90))"""


def paths() -> list[str]:
    a_day(4)
    said = Forecast.objects.exclude(signal=None).get()
    return [
        "/forecasts/",
        f"/forecasts/contracts/{said.instrument_id}/",
        "/forecasts/how-good/",
        f"/forecasts/{said.pk}/",
        f"/forecasts/models/{a_model().pk}/",
        "/forecasts/models/",
    ]


def open_all(page) -> None:
    page.evaluate("document.querySelectorAll('#list details').forEach(one => { one.open = true })")


def serious(page, **options) -> list[tuple[str, str]]:
    found = Axe().run(page, options=options or None).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.soak)])  # every other page, or all
def test_nothing_serious_is_found_in_light_and_dark_and_no_phone_scrolls_sideways(page, server, step):
    for path in paths()[::step]:
        page.goto(server.origin + path)
        open_all(page)
        assert serious(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert serious(page, runOnly=["color-contrast"]) == [], path
        page.emulate_media(color_scheme="light")
        assert page.evaluate("document.documentElement.scrollWidth") == 1440, path
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
        assert page.evaluate(SMALL) == [], path
        page.set_viewport_size({"width": 1440, "height": 900})


def test_what_came_true_of_a_call_to_fall_is_no_loss_in_colour(page, server):
    said = a_forecast(a_run(a_feed().account), direction="short", outcomes={"15m": -0.01, "1h": 0.01})
    page.goto(f"{server.origin}/forecasts/{said.pk}/")
    colours = page.locator("#came .verdict .toned").evaluate_all(
        "all => all.map(one => getComputedStyle(one).color)"
    )
    right, wrong, open_one, _ = colours
    assert len({right, wrong, open_one}) == 3
    word = page.locator("#came .pnl .toned").first.evaluate("one => getComputedStyle(one).color")
    assert wrong == word  # both are down


@pytest.mark.soak
def test_without_scripts_all_of_it_works(browser, server):
    paths()
    context = signed_in(browser, server, a_person("admin", "bo"), java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.origin}/forecasts/")
    page.locator("#forecast-list").get_by_role("link", name="ETH").click()
    page.get_by_label("Direction").select_option("neutral")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#said tbody tr")).to_have_count(4)
    page.get_by_role("link", name="Models").click()
    page.locator("#models").get_by_role("link").first.click()
    page.get_by_role("link", name="Put in use…").click()
    page.get_by_role("button", name="Put in use").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was done. Type USE")
    context.close()
