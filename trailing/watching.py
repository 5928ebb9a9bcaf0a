"""What the market process knows and does at each price. Prices decide and write nothing here: a price that leaves a
position's band becomes a hint for a worker."""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from celery import current_app
from django.db import close_old_connections

from exchanges.marks import publish_prices
from exchanges.models import Instrument
from exchanges.types import PriceKind, PriceTick, Reference
from positions import broadcast
from positions.models import ArbitragePair, Position
from signals_app.models import Ticker
from trailing.bands import Contract, Line, Watched
from trailing.crossings import Crossings

logger = logging.getLogger(__name__)

HINT_AGAIN_SECONDS = 0.25
HINT_LIVES_SECONDS = 5  # a price of before is not worth acting on


class PriceDesk:
    """Latest prices, bands of open positions, and the hints they cause.

    A position that was hinted at rests: its band is put aside and set again after HINT_AGAIN_SECONDS, so that a price
    that stays outside is hinted at again and costs nothing meanwhile.
    """

    def __init__(self, send: Callable[[Sequence[int], PriceTick], None] | None = None) -> None:
        self._watched: Mapping[int, Watched] = {}
        self._crossings: defaultdict[Line, Crossings] = defaultdict(Crossings)
        self._at_rest: set[int] = set()
        self._wakes: deque[tuple[float, Sequence[int]]] = deque()
        self._fresh: dict[Line, PriceTick] = {}
        self._latest: dict[Line, PriceTick] = {}
        self._send = send or send_hints
        # .delay() blocks for up to a millisecond: not on the loop that reads prices
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="hints")

    def take(self, venue: str, ticks: Iterable[PriceTick]) -> None:
        if self._wakes:
            self._wake(time.monotonic())
        for tick in ticks:
            line = venue, tick.symbol, tick.kind
            self._fresh[line] = self._latest[line] = tick
            self._judge(line, tick)

    def _judge(self, line: Line, tick: PriceTick) -> None:
        crossings = self._crossings.get(line)
        if crossings is not None and (left := crossings.take_left(tick.price)):
            self._hint(left, tick)

    def _hint(self, position_ids: Sequence[int], tick: PriceTick) -> None:
        self._at_rest.update(position_ids)
        self._wakes.append((time.monotonic() + HINT_AGAIN_SECONDS, position_ids))
        self._sender.submit(self._send, position_ids, tick)

    def _wake(self, now: float) -> None:
        while self._wakes and self._wakes[0][0] <= now:
            _, position_ids = self._wakes.popleft()
            self._at_rest.difference_update(position_ids)
            for position_id in position_ids:
                if position_id in self._watched:
                    self._set(position_id, self._watched[position_id])

    def _set(self, position_id: int, watched: Watched) -> None:
        self._crossings[watched.line].set(position_id, watched.band)

    def watch(self, wanted: Mapping[int, Watched]) -> None:
        """All there is to watch from now on; only what differs from before is touched, and judged at once by the price
        of now: where a venue tells only what changes, no other may come."""
        before, self._watched = self._watched, wanted
        lines = set()
        for position_id, known in before.items():
            if not _are_equal(wanted.get(position_id), known):
                self._forget(position_id, known.line)
        for position_id, watched in wanted.items():
            if position_id not in self._at_rest and not _are_equal(before.get(position_id), watched):
                self._set(position_id, watched)
                lines.add(watched.line)
        for line in lines & self._latest.keys():
            self._judge(line, self._latest[line])

    def _forget(self, position_id: int, line: Line) -> None:
        crossings = self._crossings[line]
        crossings.remove(position_id)
        if not crossings:
            del self._crossings[line]

    def take_fresh(self) -> dict[Line, PriceTick]:
        fresh, self._fresh = self._fresh, {}
        return fresh

    def close(self) -> None:
        self._sender.shutdown(wait=False, cancel_futures=True)


def _are_equal(one: Watched | None, other: Watched) -> bool:
    """Most are the same object: bands that did not change are not made anew."""
    return one is other or one == other


def send_hints(position_ids: Sequence[int], tick: PriceTick) -> None:
    for position_id in position_ids:
        _send_hint(position_id, tick)


def _send_hint(position_id: int, tick: PriceTick) -> None:
    arguments = [position_id, str(tick.price), tick.at.isoformat()]
    try:
        current_app.send_task(
            "trailing.tasks.advance",
            args=arguments,
            queue="trailing",
            retry=False,
            ignore_result=True,
            expires=HINT_LIVES_SECONDS,
        )
    except Exception as error:
        logger.warning(
            "hint for position %s was lost (%s); the sweep will act", position_id, type(error).__name__
        )


def load_symbols(venue: str) -> dict[Reference, dict[str, str]]:
    """ccxt symbol -> exchange symbol of every contract whose price matters; marks of all, others where a plan asks."""
    close_old_connections()
    tickers = set(Ticker.objects.filter(enabled=True).values_list("symbol", flat=True))
    live = Position.objects.filter(is_live=True)
    held = set(live.values_list("instrument__exchange_symbol", flat=True))
    listed = Instrument.objects.filter(venue=venue, active=True)
    wanted = {Reference.MARK: listed.filter(exchange_symbol__in=tickers | held)}
    for reference in (Reference.LAST, Reference.BOOK):
        by_it = live.filter(plan__body__reference=reference)
        wanted[reference] = listed.filter(pk__in=by_it.values("instrument"))
    paired = ArbitragePair.objects.filter(enabled=True).values("symbol")
    wanted[Reference.BOOK] = wanted[Reference.BOOK] | listed.filter(symbol__in=paired)
    return {
        reference: dict(found.values_list("symbol", "exchange_symbol")) for reference, found in wanted.items()
    }


def publish(names: Mapping[Contract, str], fresh: Mapping[Line, PriceTick]) -> None:
    """To Redis, for whoever needs a price, and to the live page, which shows marks."""
    by_venue: dict[str, list[tuple[str, PriceTick]]] = defaultdict(list)
    for (venue, symbol, _), tick in fresh.items():
        if (venue, symbol) in names:
            by_venue[venue].append((names[venue, symbol], tick))
    for venue, pairs in by_venue.items():
        publish_prices(venue, pairs)
        marks = {symbol: str(tick.price) for symbol, tick in pairs if tick.kind is PriceKind.MARK}
        if marks:
            broadcast.prices_changed(marks, venue)
