"""The page of one position in a real browser."""

from __future__ import annotations

import pytest

from positions.lifecycle import OrderPurpose, OrderStatus
from tests.builders import a_fill, a_position, a_trailing_stop, an_order

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]


def a_whole_position():
    position = a_position()
    entry = an_order(position, status=OrderStatus.FILLED, average_price="97250.4")
    a_fill(entry)
    a_trailing_stop(position, activation_price="98709.2")
    for trigger, status in (("95305.4", OrderStatus.CANCELED), ("96305.4", OrderStatus.ACCEPTED)):
        an_order(position, purpose=OrderPurpose.PROTECT, trigger_price=trigger, status=status)
    return position


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_width_scrolls_sideways(page, server, width):
    position = a_whole_position()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server.origin}/positions/{position.pk}/")
    assert page.evaluate("document.documentElement.scrollWidth") == width
