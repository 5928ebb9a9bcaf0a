"""Brings the candles of every feed in a thread of its own: an exchange that does not answer holds up its own candles
alone, and no price waits for any of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from django.db import connection
from django.utils import timezone

from exchanges.types import Timeframe
from ops.safe_loop import run_safe_loop
from signals_app.forecast_models import ForecastFeed
from signals_app.forecasts.services.candles import back_fill, refresh_candles, remove_old_candles
from signals_app.forecasts.spans import next_look

# a page of older candles each: a twentieth of what Binance allows
STEP_SECONDS = 2.5
CLEARED_EVERY = timedelta(hours=1)
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 5.0, 60.0
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class CandleWatch:
    """Those who bring the candles of each enabled feed."""

    def __init__(self) -> None:
        self._bringers: dict[int, Bringer] = {}

    def look(self) -> None:
        """Begins with feeds that are new or enabled again; one that is neither ends by itself."""
        for feed_id, account in ForecastFeed.objects.filter(enabled=True).values_list("pk", "account__name"):
            known = self._bringers.get(feed_id)
            if known is None or not known.thread.is_alive():
                self._bringers[feed_id] = bringer = Bringer(feed_id, f"candles of {account}")
                bringer.thread.start()

    def close(self) -> None:
        """Waits for nobody: what was not written yet is asked for again at the next start."""
        for bringer in self._bringers.values():
            bringer.stop.set()


class Bringer:
    def __init__(self, feed_id: int, name: str) -> None:
        self._feed_id, self._name = feed_id, name
        self._look_at = self._clear_at = LONG_AGO
        self.stop = Event()
        self.thread = Thread(target=self._go_on, name=name, daemon=True)

    def _go_on(self) -> None:
        try:
            delays = {"first_delay": FIRST_DELAY_SECONDS, "longest_delay": LONGEST_DELAY_SECONDS}
            run_safe_loop(self._name, self._step, stop=self.stop, **delays)
        finally:
            connection.close()

    def _step(self) -> None:
        feed = ForecastFeed.objects.select_related("account").filter(pk=self._feed_id, enabled=True).first()
        if feed is None:
            self.stop.set()
        else:
            is_more = self.bring(feed, timezone.now())
            rest = max(0.0, (self._look_at - timezone.now()).total_seconds())
            self.stop.wait(min(STEP_SECONDS, rest) if is_more else rest)

    def bring(self, feed: ForecastFeed, now: datetime) -> bool:
        """What is due, then a page of older candles, also where the newest could not be had. Returns whether it was
        not the last page."""
        try:
            self._bring_newest(feed, now)
        finally:
            is_more = back_fill(feed, now)
        if now >= self._clear_at:
            remove_old_candles(feed, now)
            self._clear_at = now + CLEARED_EVERY
        return is_more

    def _bring_newest(self, feed: ForecastFeed, now: datetime) -> None:
        if now >= self._look_at:
            lacking = refresh_candles(feed, now)
            self._look_at = next_look(Timeframe(feed.timeframe), lacking, now)
