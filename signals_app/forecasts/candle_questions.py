"""Candles are asked for side by side, a few at a time; whoever asks writes each answer before the next questions."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice

from exchanges import session
from exchanges.errors import ExchangeError, Refused
from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import Candle, Timeframe
from signals_app.forecasts.spans import Page

logger = logging.getLogger(__name__)

AT_ONCE = 8
PATIENCE_SECONDS = 10.0


def answers(
    account: ExchangeAccount, timeframe: Timeframe, pages: Mapping[Instrument, Page]
) -> Iterator[tuple[Instrument, Sequence[Candle]]]:
    """A contract without an answer is told of and left out. An exchange that answers nothing is asked no more: its
    error is raised."""
    left = iter(pages.items())
    while some := dict(islice(left, AT_ONCE)):
        yield from _side_by_side(account, timeframe, some)


def _side_by_side(
    account: ExchangeAccount, timeframe: Timeframe, pages: Mapping[Instrument, Page]
) -> Iterator[tuple[Instrument, Sequence[Candle]]]:
    asked = {one: _asked(account, one, timeframe, page) for one, page in pages.items()}
    until = time.monotonic() + PATIENCE_SECONDS
    failures: list[ExchangeError] = []
    for instrument, question in asked.items():
        try:
            yield instrument, session.answer_of(question, max(0.0, until - time.monotonic()))
        except ExchangeError as error:
            logger.warning("no candles of %s from %s: %s", instrument.symbol, account.name, error.sentence)
            failures.append(error)
    if len(failures) == len(pages) and not all(isinstance(one, Refused) for one in failures):
        raise failures[-1]


def _asked(
    account: ExchangeAccount, instrument: Instrument, timeframe: Timeframe, page: Page
) -> Future[Sequence[Candle]]:
    words = instrument.symbol, timeframe, page.since, page.count
    return session.start(account, lambda client: client.candles(*words))
