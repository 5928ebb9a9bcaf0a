"""Tells the browsers what changed. The only group_send, and no reason for trading to stop or to wait.

A message names what changed; the feed of each web process (`live_feed.py`) reads the row itself, so the trading
side pays for nothing but a place in a queue. One thread sends, on one event loop, over one Redis
connection; it works from ordinary code and from inside a running loop alike. What cannot be sent is dropped:
a browser that misses something asks for a snapshot.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

GROUP = "live"
NEWEST_SIGNALS = 50
WAITING = 1000  # messages kept while Redis is slow; newer ones are dropped
SEND_TIMEOUT = 2.0
COMPLAIN_EVERY = 60.0


def position_changed(position_id: int) -> None:
    _after_commit({"type": "live.changed", "kind": "position", "ids": [position_id]})


def order_changed(order_id: object) -> None:
    _after_commit({"type": "live.changed", "kind": "order", "ids": [str(order_id)]})


def signals_logged(log_ids: Sequence[int]) -> None:
    """Of many at once a page shows the last ones only."""
    if log_ids:
        newest = sorted(log_ids)[-NEWEST_SIGNALS:]
        _after_commit({"type": "live.changed", "kind": "signal", "ids": newest})


def notices_changed() -> None:
    """Whether and why accounts open nothing."""
    _after_commit({"type": "live.changed", "kind": "notices", "ids": [0]})


def prices_changed(prices: Mapping[str, str], venue: str = "binance") -> None:
    """New mark prices by exchange symbol. Sent at once: prices belong to no transaction."""
    _sender.put({"type": "live.prices", "venue": str(venue), "prices": dict(prices)})


def drain(timeout: float = 1.0) -> bool:
    """Wait until everything handed over was sent or dropped; False when time ran out."""
    deadline = time.monotonic() + timeout
    while _sender.unsent and time.monotonic() < deadline:
        time.sleep(0.005)
    return not _sender.unsent


def _after_commit(message: dict[str, Any]) -> None:
    transaction.on_commit(lambda: _sender.put(message), robust=True)


class _Sender:
    def __init__(self) -> None:
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._complained_at = float("-inf")

    @property
    def unsent(self) -> int:
        return self._queue.unfinished_tasks

    def put(self, message: dict[str, Any]) -> None:
        try:
            self._ensure_running()
            self._queue.put_nowait(message)
        except (queue.Full, RuntimeError) as error:  # RuntimeError: the interpreter is ending
            self._complain(error)

    def _ensure_running(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="broadcast", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while True:
                message = self._queue.get()
                try:
                    runner.run(_send(message))
                except Exception as error:
                    self._complain(error)
                finally:
                    self._queue.task_done()

    def _complain(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = now
            logger.warning("Browsers are not told of changes: %s: %s", type(error).__name__, error)


async def _send(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        await asyncio.wait_for(layer.group_send(GROUP, message), SEND_TIMEOUT)


_sender = _Sender()


def _start_afresh() -> None:
    """Threads do not survive a fork, and their locks may be held for ever."""
    global _sender
    _sender = _Sender()


os.register_at_fork(after_in_child=_start_afresh)
atexit.register(drain)
