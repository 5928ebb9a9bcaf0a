"""The page of one position in a real browser, its candles from a real paper exchange."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from positions.lifecycle import OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position
from tests.browser.conftest import signed_in
from tests.builders import a_fill, a_position, a_trailing_stop, an_order
from tests.sampling import sample

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

D = Decimal
# how many pixels of the chart have the colour that the key says
PIXELS = """name => {
  const inks = name => getComputedStyle(document.querySelector(`.key [data-ink="${name}"]`)).color;
  const paint = (width, height, draw) => {
    const canvas = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    draw(canvas);
    return canvas.getImageData(0, 0, width, height).data;
  };
  const wanted = paint(1, 1, (canvas) => { canvas.fillStyle = inks(name); canvas.fillRect(0, 0, 1, 1); });
  let found = 0;
  for (const drawn of document.querySelectorAll("#chart canvas")) {
    const data = paint(drawn.width, drawn.height, (canvas) => canvas.drawImage(drawn, 0, 0));
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] === 255 && [0, 1, 2].every((part) => data[i + part] === wanted[part])) found += 1;
  }
  return found;
}"""


def a_whole_position(**values):
    """Opened half an hour ago a little below the price, its stop moved four times."""
    now = timezone.now()
    opened = now - timedelta(minutes=30)
    position = a_position(average_entry_price=D(97000), opened_at=opened, **values)
    entry = an_order(position, status=OrderStatus.FILLED, average_price=D(97000))
    a_fill(entry, price=D(97000), executed_at=opened)
    if position.is_live:
        a_trailing_stop(position, activation_price=D(98455))
    for number, trigger in enumerate((95060, 96400, 96800, 96950)):
        stop = an_order(position, purpose=OrderPurpose.PROTECT, trigger_price=D(trigger))
        ended = opened + timedelta(minutes=7 * (number + 1))
        values = {"answered_at": ended - timedelta(minutes=7)}
        if number < 3:
            values |= {"status": OrderStatus.CANCELED, "updated_at": ended}
        Order.objects.filter(pk=stop.pk).update(**values)
    Position.objects.filter(pk=position.pk).update(created_at=opened)
    return position


def open_page(page, server, position):
    page.goto(f"{server.origin}/positions/{position.pk}/#picture")
    page.wait_for_selector("#chart[data-candles]")


def test_the_chart_is_drawn_with_candles_stop_and_fills(page, server):
    open_page(page, server, a_whole_position())
    chart = page.locator("#chart")
    assert int(chart.get_attribute("data-candles")) >= 70
    expect(chart.locator("canvas").first).to_be_visible()
    expect(page.locator("#chart-sentence")).to_be_hidden()
    for name in ("up", "down", "stop", "entry"):
        assert page.evaluate(PIXELS, name) > 20, name
    logo = page.locator("#tv-attr-logo")
    expect(logo).to_be_visible()
    expect(logo).to_have_attribute("href", "https://www.tradingview.com/")


@pytest.mark.soak
def test_without_the_exchange_stops_and_fills_are_drawn_alone(page, server):
    open_page(page, server, a_whole_position(base="UNLISTED"))
    expect(page.locator("#chart-sentence")).to_contain_text("No candles:")
    assert page.evaluate(PIXELS, "stop") > 20


@pytest.mark.parametrize("width", sample([360, 768, 1440], 3))
def test_no_width_scrolls_sideways(page, server, width):
    position = a_whole_position(status=PositionStatus.CLOSED)
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, server, position)
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.soak
def test_without_scripts_everything_but_the_chart_is_there(browser, server, trader):
    position = a_whole_position()
    context = signed_in(browser, server, trader, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.origin}/")
    page.get_by_role("link", name="BTC", exact=True).click()
    expect(page.get_by_text("The chart needs JavaScript")).to_be_visible()
    expect(page.locator("#timeline")).to_contain_text(f"position {position.pk} is planned")
    expect(page.locator("#orders")).to_contain_text("96,950.0")
    context.close()
