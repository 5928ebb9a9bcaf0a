"""The one bridge from synchronous services to the asynchronous clients.

A process keeps one event loop in a daemon thread and one warm client per account on it. Calls of different
threads run side by side on that loop, so no read waits for a write.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError as CallDropped
from concurrent.futures import Future
from typing import Any, TypeVar

from exchanges.client import ExchangeClient
from exchanges.credentials import Credentials
from exchanges.errors import OutcomeUnknown
from exchanges.registry import Account, client_for, credentials_of

CALL_SECONDS = 20.0
CLOSE_SECONDS = 5.0
# an answer takes milliseconds; who lets several wait for so long does not answer
STALLED_SECONDS, STALLED_CALLS = 1.0, 2

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class _Session:
    """Lives in one process; a forked child makes its own."""

    def __init__(self) -> None:
        self._clients: dict[int, tuple[Credentials, ExchangeClient]] = {}
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(say_little)
        self._thread = threading.Thread(target=self._loop.run_forever, name="exchange-session", daemon=True)
        self._thread.start()

    def start(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, Result], timeout: float) -> Result:
        return answer_of(self.start(coroutine), timeout)

    async def perform(
        self, key: int, credentials: Credentials, action: Callable[[ExchangeClient], Awaitable[Result]]
    ) -> Result:
        return await action(await self._client(key, credentials))

    async def _client(self, key: int, credentials: Credentials) -> ExchangeClient:
        """Nothing is awaited between looking and keeping, so there is one client per account."""
        known = self._clients.get(key)
        if known is not None and known[0] == credentials:
            return known[1]
        client = client_for(credentials)
        self._clients[key] = (credentials, client)
        if known is not None:
            await known[1].close()
        return client

    def close(self) -> None:
        self.run(self._close_clients(), CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        self._loop.close()

    async def _close_clients(self) -> None:
        clients = [client for _, client in self._clients.values()]
        self._clients.clear()
        await asyncio.gather(*(client.close() for client in clients), return_exceptions=True)


def answer_of(asked: Future[Result], timeout: float) -> Result:
    """Raises the client's errors, and OutcomeUnknown when the answer did not come in time."""
    try:
        return asked.result(timeout)
    except (TimeoutError, CallDropped):
        asked.cancel()
    raise OutcomeUnknown(f"No answer within {timeout:g} seconds.")


_waiting: dict[object, tuple[int, float]] = {}  # each caller's account, and since when it waits
_lock = threading.Lock()
_session: _Session | None = None
_of_parents: list[_Session] = []


def call(
    account: Account,
    action: Callable[[ExchangeClient], Coroutine[Any, Any, Result]],
    *,
    timeout: float = CALL_SECONDS,
) -> Result:
    """Run one client call and wait for it: `call(account, lambda client: client.create_order(request))`.

    Raises the client's errors, and OutcomeUnknown when the answer did not come in time."""
    caller = object()
    _waiting[caller] = account.pk, time.monotonic()
    try:
        return answer_of(start(account, action), timeout)
    finally:
        del _waiting[caller]


def stalled_accounts() -> frozenset[int]:
    """Accounts for whose answers several callers of this process have waited for long."""
    since = time.monotonic() - STALLED_SECONDS
    counts = Counter(account_id for account_id, began in list(_waiting.values()) if began < since)
    return frozenset(account_id for account_id, count in counts.items() if count >= STALLED_CALLS)


def start(
    account: Account, action: Callable[[ExchangeClient], Coroutine[Any, Any, Result]]
) -> Future[Result]:
    """For questions side by side: `answer_of` waits for one of them, and takes it back where that is too long."""
    credentials = credentials_of(account)
    session = _current()
    return session.start(session.perform(account.pk, credentials, action))


def ask_once(
    credentials: Credentials, action: Callable[[ExchangeClient], Coroutine[Any, Any, Result]]
) -> Result:
    """For keys that are not an account's yet: the client is closed with its answer."""

    async def asked() -> Result:
        client = client_for(credentials)
        try:
            return await action(client)
        finally:
            await client.close()

    return _current().run(asked(), CALL_SECONDS)


def close_all() -> None:
    """Close every client of this process; the next call starts anew."""
    global _session
    with _lock:
        session, _session = _session, None
    if session is not None:
        session.close()


def _current() -> _Session:
    global _session
    with _lock:
        if _session is None:
            _session = _Session()
        return _session


def _forget_parent() -> None:
    """A forked child has no such thread and no trustworthy lock. It must keep the parent's session untouched:
    collecting its sockets would take them out of the epoll object that parent and child share."""
    global _session, _lock
    if _session is not None:
        _of_parents.append(_session)
    _session, _lock = None, threading.Lock()
    _waiting.clear()


def say_little(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """asyncio would print the exception, and ccxt's exceptions hold signed addresses."""
    kind = type(context.get("exception")).__name__
    logger.error("On an event loop: %s (%s)", context.get("message"), kind)


# ccxt complains about connections that nobody closed
atexit.register(close_all)
os.register_at_fork(after_in_child=_forget_parent)
