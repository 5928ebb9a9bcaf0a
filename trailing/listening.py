"""The loop around one stream, and what is done with what a private stream tells."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

from exchanges.client import ExchangeStream
from exchanges.models import ExchangeAccount
from exchanges.registry import get_stream
from exchanges.types import PrivateEvent
from positions.services import watch
from positions.services.reconciliation import collect_funding_of, reconcile_account
from positions.services.reports import apply_fill, apply_report

logger = logging.getLogger(__name__)

MAX_BACKOFF_SECONDS = 10.0
# a private stream may have nothing to tell; a new socket and a look over REST cost little
SILENCE_SECONDS = 300.0
FRESHNESS_SECONDS = 1.0
Result = TypeVar("Result")
Listen = Callable[[ExchangeStream, Callable[[], None]], Awaitable[None]]
Broke = Callable[[int, str], Awaitable[object]]

_heard_at: dict[int, float] = {}


async def keep_listening(
    what: str, account: ExchangeAccount, listen: Listen, broke: Broke | None = None
) -> None:
    """Any exception counts; the second in a row asks for a new session; success resets the wait."""
    failures = 0

    def succeeded() -> None:
        nonlocal failures
        failures = 0

    stream: ExchangeStream | None = None
    try:
        while True:
            try:
                stream = stream or get_stream(account)
                await listen(stream, succeeded)
            except Exception as error:
                failures += 1
                text = f"{type(error).__name__}: {error}"
                logger.warning("%s broke (%s); attempt %s", what, text, failures)
                await _tell(broke, failures, text)
            if failures >= 2 and stream is not None:
                stream.forget_session()
            await asyncio.sleep(_backoff(failures))
    finally:
        if stream is not None:
            await stream.close()


async def _tell(broke: Broke | None, failures: int, text: str) -> None:
    """It writes to the database, which may be away for the same reason; the loop must outlive that."""
    if broke is None:
        return
    try:
        await broke(failures, text)
    except Exception as error:
        logger.warning("that a stream broke could not be noted (%s)", type(error).__name__)


def _backoff(failures: int) -> float:
    return min(0.25 * 2.0**failures, MAX_BACKOFF_SECONDS) * random.uniform(0.7, 1.0)  # noqa: S311


def fresh(work: Callable[..., Result]) -> Callable[..., Result]:
    """In a thread of ours no request ends, so nobody else drops a dead connection."""

    def run(*args: Any) -> Result:
        close_old_connections()
        return work(*args)

    return run


async def next_of(events: AsyncIterator[PrivateEvent]) -> PrivateEvent | None:
    """None at the end. Raises TimeoutError for silence that may be deafness."""
    try:
        return await asyncio.wait_for(anext(events), SILENCE_SECONDS)
    except StopAsyncIteration:
        return None


def take(account_id: int, event: PrivateEvent) -> None:
    """An empty event is the socket that has just opened: what happened before it was told to nobody."""
    if event.funding_was_paid:
        _apply(partial(collect_funding_of, account_id))
    elif event.orders or event.fills:
        _deliver(account_id, event)
    else:
        watch.connected(account_id)
        _apply(partial(reconcile_account, account_id))


def _deliver(account_id: int, event: PrivateEvent) -> None:
    """Executions first: a position that ends by them has its figures at once. One that cannot be applied must not
    take the next with it; reconciliation finds the rest."""
    for fill in event.fills:
        _apply(partial(apply_fill, account_id, fill))
    for report in event.orders:
        _apply(partial(apply_report, account_id, report))
    _note_freshness(account_id, event)


def _note_freshness(account_id: int, event: PrivateEvent) -> None:
    now = time.monotonic()
    if now - _heard_at.get(account_id, float("-inf")) >= FRESHNESS_SECONDS:
        _heard_at[account_id] = now
        _apply(partial(watch.heard, account_id, _told_at(event)))


def _told_at(event: PrivateEvent) -> datetime | None:
    times = [at for at in (*(o.at for o in event.orders), *(f.at for f in event.fills)) if at is not None]
    return max(times, default=None)


def _apply(act: Callable[[], object]) -> None:
    try:
        _again_if_cut_off(act)
    except Exception:
        logger.exception("a report could not be applied; reconciliation will find what it said")


def _again_if_cut_off(act: Callable[[], object]) -> None:
    """The database dropped us in the middle, or chose us to end a deadlock. A report may be applied twice."""
    try:
        act()
    except (OperationalError, InterfaceError) as error:
        logger.warning("applying a report was cut off (%s); once more", type(error).__name__)
        close_old_connections()
        act()
