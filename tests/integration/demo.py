"""The demo that `manage.py up --demo` shows, on the test's database: the same seeds, hands and beats, whose time comes
when a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

from django.utils import timezone

from exchanges import session
from exchanges.marks import latest_marks
from exchanges.paper.demo import DEMO_PRICES
from ops import demo, first_start
from ops.demo_hands import DemoHands
from ops.first_minute import OPENING, Beat
from positions.models import Order, Position
from signals_app.tokens import new_token
from tests.integration.stack import Stack
from tests.ops.waiting import until

OUTAGE_SECONDS = 600  # ended by the test that began it


class Demo:
    def __init__(self, stack: Stack) -> None:
        self.stack, token = stack, new_token()
        for symbol, price in DEMO_PRICES.items():
            stack.paper.set_price(symbol, price)
        first_start.seed_demo(token)
        administrator = first_start.ensure_administrator()
        assert administrator
        self.owner = administrator.name
        first_start.seed_limits()
        self.hands = DemoHands(stack.paper.url, f"ws://127.0.0.1:{stack.port}/ws/signals/", token)
        self.hands.take_the_market()

    def open(self) -> None:
        until(first_start.can_demo_trade, "the demo to be able to trade")
        until(self._forgot_old_prices, "prices that other stories left to be replaced")
        until(self.hands.are_known, "the demo's sender to be known")
        self.held = [self.opened_by(self.hands.do(signal)) for signal in OPENING]

    def _forgot_old_prices(self) -> bool:
        known = latest_marks(demo.ACCOUNTS[demo.ACCOUNT], DEMO_PRICES, timezone.now())
        return dict(known) == DEMO_PRICES

    def play(self, beat: Beat) -> dict[str, Any]:
        return self.hands.do(beat.act)

    def opened_by(self, verdict: dict[str, Any]) -> Position:
        """Open, and its stop is confirmed."""
        assert [entry["status"] for entry in verdict["entries"]] == ["opened"], verdict
        key = verdict["entries"][0]["position_id"]
        stops = Order.objects.filter(position=key, purpose="protect", status="accepted")
        until(stops.exists, "the stop to be confirmed")
        return Position.objects.get(pk=key)

    def of(self, base: str) -> Position:
        return next(one for one in self.held if one.instrument.symbol.startswith(f"{base}/"))

    @contextmanager
    def feed_lost(self) -> Iterator[None]:
        """The outage of the story, for as long as the test looks at it."""
        self.stack.paper.hook("outage", seconds=OUTAGE_SECONDS)
        try:
            yield
        finally:
            self._end_outage()

    def _end_outage(self) -> None:
        ending = Request(f"{self.stack.paper.url}/paper/outage", method="DELETE")  # noqa: S310
        urlopen(ending, timeout=5).close()  # noqa: S310


@contextmanager
def shown_demo(stack: Stack) -> Iterator[Demo]:
    """Beat runs as in the demo: what a busy machine holds up goes out with a sweep."""
    stack.beat.start()
    try:
        made = Demo(stack)
        made.open()
        yield made
    finally:
        stack.beat.stop()
        session.close_all()
