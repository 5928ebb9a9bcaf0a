"""What the market process knows and does at each price. Prices decide and write nothing here: a price that leaves a
position's band becomes a hint for a worker."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from celery import current_app
from django.db import close_old_connections
from django.utils import timezone

from exchanges.marks import publish_marks
from exchanges.models import Instrument
from exchanges.types import PriceTick
from positions import broadcast
from positions.models import Position
from signals_app.models import Ticker
from trailing.rows import band_of, open_rows
from trailing.thresholds import Band

logger = logging.getLogger(__name__)

HINT_AGAIN_SECONDS = 0.25
HINT_LIVES_SECONDS = 5  # a price of before is not worth acting on


@dataclass(frozen=True, slots=True)
class Watched:
    position_id: int
    band: Band


Contract = tuple[str, str]  # venue, ccxt symbol


class PriceDesk:
    """Latest prices, bands of open positions, and the hints they cause."""

    def __init__(self) -> None:
        self._bands: Mapping[Contract, list[Watched]] = {}
        self._hinted_at: dict[int, float] = {}
        self._fresh: dict[Contract, PriceTick] = {}
        # .delay() blocks for up to a millisecond: not on the loop that reads prices
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="hints")

    def take(self, venue: str, ticks: Iterable[PriceTick]) -> None:
        for tick in ticks:
            contract = venue, tick.symbol
            self._fresh[contract] = tick
            for watched in self._bands.get(contract, ()):
                if watched.band.is_left_by(tick.mark_price):
                    self._hint(watched.position_id, tick)

    def _hint(self, position_id: int, tick: PriceTick) -> None:
        now = time.monotonic()
        if now - self._hinted_at.get(position_id, 0.0) >= HINT_AGAIN_SECONDS:
            self._hinted_at[position_id] = now
            self._sender.submit(_send_advance, position_id, tick)

    def watch(self, bands: Mapping[Contract, list[Watched]]) -> None:
        self._bands = bands
        live = {watched.position_id for group in bands.values() for watched in group}
        self._hinted_at = {key: at for key, at in self._hinted_at.items() if key in live}

    def take_fresh(self) -> dict[Contract, PriceTick]:
        fresh, self._fresh = self._fresh, {}
        return fresh

    def close(self) -> None:
        self._sender.shutdown(wait=False, cancel_futures=True)


def _send_advance(position_id: int, tick: PriceTick) -> None:
    arguments = [position_id, str(tick.mark_price), tick.at.isoformat()]
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


def load_bands() -> dict[Contract, list[Watched]]:
    """Bands of all open positions; a row that cannot be read does not blind us to the others."""
    close_old_connections()
    bands: dict[Contract, list[Watched]] = defaultdict(list)
    now = timezone.now()
    for row in open_rows().select_related("position__account", "position__instrument"):
        try:
            watched = Watched(row.pk, band_of(row, now))
        except ValueError:
            continue  # not armed yet
        bands[row.position.account.venue, row.position.instrument.symbol].append(watched)
    return bands


def load_symbols(venue: str) -> dict[str, str]:
    """ccxt symbol -> exchange symbol of every contract whose price matters."""
    close_old_connections()
    tickers = set(Ticker.objects.filter(enabled=True).values_list("symbol", flat=True))
    held = set(Position.objects.filter(is_live=True).values_list("instrument__exchange_symbol", flat=True))
    listed = Instrument.objects.filter(venue=venue, active=True, exchange_symbol__in=tickers | held)
    return dict(listed.values_list("symbol", "exchange_symbol"))


def publish(names: Mapping[Contract, str], fresh: Mapping[Contract, PriceTick]) -> None:
    """To Redis, for whoever needs a price, and to the live page."""
    by_venue: dict[str, list[tuple[str, PriceTick]]] = defaultdict(list)
    for contract, tick in fresh.items():
        if contract in names:
            by_venue[contract[0]].append((names[contract], tick))
    for venue, pairs in by_venue.items():
        publish_marks(venue, pairs)
        broadcast.prices_changed({symbol: str(tick.mark_price) for symbol, tick in pairs}, venue)
