"""The real parts on the test database: paper exchange, web, worker and market processes, and a sender outside."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

from celery import current_app
from django.conf import settings
from django.utils import timezone
from kombu import Connection
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from exchanges.client import ExchangeClient
from exchanges.credentials import Credentials
from exchanges.marks import latest_marks
from exchanges.models import AccountBalance, ExchangeAccount, Instrument
from exchanges.paper.demo import DEMO_PRICES
from exchanges.paper.signing import paper_secret
from exchanges.venue_clients import client_with
from ops.report.evidence import ORDER_PATHS
from positions.models import Order, Position
from signals_app.models import SignalSender, Strategy, StrategyAccount, StrategySignal, Ticker
from signals_app.tokens import new_token, token_hash
from tests.integration.parts import Paper, Part, answers
from tests.ops.waiting import until
from tests.ports import free_port
from tradingbot.redis_urls import broker_url

Result = TypeVar("Result")
SYMBOL = "BTCUSDT"
UNIFIED = "BTC/USDT:USDT"
START_SECONDS = 60.0  # of a process on a machine that is busy with other tests
PHRASES = {"GO LONG": "long", "GO SHORT": "short", "OUT LONG": "close_long", "OUT SHORT": "close_short"}
SWEEP_SECONDS = 3.0


class Stack:
    """What runs, and what of it a test may take away. Beat runs where a test starts it: most want no sweeps."""

    def __init__(self, folder: Path, redis_url: str = "") -> None:
        self.paper, self.port = Paper(folder), free_port()
        self._redis_url = redis_url or os.environ["REDIS_URL"]
        given = {"PAPER_EXCHANGE_URL": self.paper.url, "REDIS_URL": self._redis_url}
        given["MAX_PRICE_AGE_SECONDS"] = "20"  # on a machine that is busy with other tests prices come late
        web = ["-m", "uvicorn", "tradingbot.asgi:application", "--no-access-log", "--port", str(self.port)]
        self.web = Part(folder / "web-log", *web, **given)
        self.market = Part(folder / "market-log", "manage.py", "watch_market", **given)
        worker = [
            "-m",
            "celery",
            "-q",
            "-A",
            "tradingbot",
            "worker",
            "-Q",
            "orders,trailing,sweeps,reconcile,forecasts",
        ]
        options = ["-P", "threads", "-c", "8", "--without-gossip", "--without-mingle", "-l", "WARNING"]
        self.worker = Part(folder / "worker-log", *worker, *options, **given)
        self.beat = Part(folder / "beat-log", "-m", "celery", "-q", "-A", "tradingbot", "beat", **given)

    @contextmanager
    def running(self) -> Iterator[Stack]:
        with ExitStack() as stack:
            for part in (self.paper, self.market, self.worker, self.web):
                part.start()
                stack.callback(part.stop)
            until(lambda: answers(self.port), "the web process", START_SECONDS)
            yield self

    @contextmanager
    def ours_gone(self) -> Iterator[None]:
        """Killed: everything but the exchange, the database and Redis. Started again at the end, beat included."""
        parts = self.market, self.worker, self.beat, self.web
        for part in parts:
            part.kill()
        try:
            yield
        finally:
            for part in parts:
                part.start()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Meanwhile another stack may have the database to itself."""
        parts = self.market, self.worker, self.web
        for part in parts:
            part.stop()
        try:
            yield
        finally:
            for part in parts:
                part.start()
            until(lambda: answers(self.port), "the web process", START_SECONDS)

    def run(self, task: str, *arguments: Any, queue: str = "sweeps") -> None:
        address, options = broker_url(self._redis_url), settings.CELERY_BROKER_TRANSPORT_OPTIONS
        with Connection(address, transport_options=options) as broker:
            current_app.send_task(task, args=list(arguments), queue=queue, connection=broker)

    def active_tasks(self) -> dict[str, list[dict[str, Any]]]:
        """What each worker that answers is working on."""
        return current_app.control.inspect(timeout=2).active() or {}

    def requests(self) -> list[dict[str, Any]]:
        with urlopen(f"{self.paper.url}/paper/requests?since=0", timeout=60) as answer:  # noqa: S310
            return json.load(answer)["requests"]


class Trader:
    """One paper account with a strategy, an outside sender's socket, and questions to the exchange through ccxt."""

    def __init__(self, stack: Stack, suffix: str = "", venue: str = "binance", **strategy: Any) -> None:
        """Traders with one suffix follow the same phrases: a signal concerns them all."""
        self.stack, self.lines, self.suffix = stack, ExitStack(), suffix
        for symbol, price in DEMO_PRICES.items():
            stack.paper.set_price(symbol, price)
        self.account = ExchangeAccount.objects.create(
            name=f"it-{uuid.uuid4().hex[:8]}", venue=venue, max_open_positions=50, max_exposure=1_000_000
        )
        self.key = f"paper-{self.account.pk}-{self.account.name}"
        self.strategy = self._make_strategy(strategy)
        for symbol in DEMO_PRICES:
            Ticker.objects.get_or_create(symbol=symbol)
        self.token = new_token()
        SignalSender.objects.create(
            name=self.account.name, token_hash=token_hash(self.token), rate_per_minute=0
        )
        self.run("positions.tasks.refresh_instruments")
        listed = Instrument.objects.filter(venue=venue)
        until(lambda: listed.count() == len(DEMO_PRICES), "the contracts")
        self.start_balance = self.ask(lambda client: client.balance()).wallet_balance
        self.socket = self._connect()
        until(self._is_listened_to, "the private stream of the new account")
        until(self._forgot_old_prices, "prices that other stories left to be replaced")

    def _make_strategy(self, wanted: dict[str, Any]) -> Strategy:
        usual = {
            "notional": Decimal(1000), "leverage": 5, "max_open_positions": 50,
        }  # fmt: skip
        strategy = Strategy.objects.create(name=self.account.name, **usual | wanted)
        StrategyAccount.objects.create(strategy=strategy, account=self.account)
        for phrase, direction in PHRASES.items():
            StrategySignal.objects.create(strategy=strategy, phrase=phrase + self.suffix, direction=direction)
        return strategy

    def _connect(self) -> ClientConnection:
        made: list[ClientConnection] = []
        until(lambda: self._signed_in(made), "the sender to be known")
        return made[0]

    def connect_again(self) -> ClientConnection:
        return self._connect()

    def _signed_in(self, made: list[ClientConnection]) -> bool:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            address = f"ws://127.0.0.1:{self.stack.port}/ws/signals/"
            socket = self.lines.enter_context(connect(address, additional_headers=headers))
        except (OSError, WebSocketException):
            return False
        if json.loads(socket.recv(timeout=60))["type"] == "auth_success":
            made.append(socket)
            return True
        socket.close()
        return False

    def _is_listened_to(self) -> bool:
        """Its first reconciliation follows the opening of its private socket."""
        return AccountBalance.objects.filter(account=self.account).exists()

    def _forgot_old_prices(self) -> bool:
        """A size follows the price: one of a moment ago would open less, or more."""
        known = latest_marks(self.account.venue, DEMO_PRICES, timezone.now())
        return all(price == DEMO_PRICES[symbol] for symbol, price in known.items())

    def send(
        self, message: str = "GO LONG", socket: ClientConnection | None = None, **fields: Any
    ) -> dict[str, Any]:
        frame = {
            "symbol": SYMBOL,
            "message": message + self.suffix,
            "bar_time": datetime.now(UTC).isoformat(),
        } | fields
        return self.send_raw(json.dumps(frame), socket)

    def send_raw(self, frame: str, socket: ClientConnection | None = None) -> dict[str, Any]:
        line = socket or self.socket
        line.send(frame)
        return json.loads(line.recv(timeout=60))

    def position_of(self, verdict: dict[str, Any]) -> Position:
        assert verdict["entries"][0]["status"] == "opened", verdict
        return Position.objects.get(pk=verdict["entries"][0]["position_id"])

    def open(self, message: str = "GO LONG", **fields: Any) -> Position:
        """Open and protected: its stop is confirmed."""
        position = self.position_of(self.send(message, **fields))
        self._next_sweep = time.monotonic() + SWEEP_SECONDS
        until(lambda: self.stops(position, "accepted") or self._sweeps(), "the stop to be confirmed")
        position.refresh_from_db()
        return position

    def _sweeps(self) -> None:
        """What a busy machine held up for too long goes out with a sweep, and what got no answer in time is asked for;
        where beat does not run, by these."""
        if time.monotonic() > self._next_sweep:
            self.run("positions.tasks.submit_due")
            self.run("positions.tasks.resolve_unknown")
            self._next_sweep = time.monotonic() + SWEEP_SECONDS

    def stops(self, position: Position, *statuses: str) -> list[Order]:
        rows = Order.objects.filter(position=position, purpose="protect").order_by("generation")
        return list(rows.filter(status__in=statuses) if statuses else rows)

    def wait_for(self, position: Position, status: str) -> Position:
        until(
            lambda: Position.objects.filter(pk=position.pk, status=status).exists(),
            f"position to be {status}",
        )
        position.refresh_from_db()
        return position

    def set_price(self, price: object, symbol: str = SYMBOL) -> None:
        self.stack.paper.set_price(symbol, price)

    def run(self, task: str, *arguments: Any, queue: str = "sweeps") -> None:
        self.stack.run(task, *arguments, queue=queue)

    def ask(self, question: Callable[[ExchangeClient], Awaitable[Result]]) -> Result:
        """Through ccxt, as anybody with the account's key could."""

        async def conversation() -> Result:
            keys = self.key, paper_secret(self.key)
            client = client_with(Credentials(self.account.venue, *keys, self.stack.paper.url))
            try:
                return await question(client)
            finally:
                await client.close()

        with ThreadPoolExecutor(1) as aside:  # this thread may have a loop already: a browser's
            return aside.submit(asyncio.run, conversation()).result()

    def looked_up(self, order: Order) -> bool:
        return any(
            line["params"].get("origClientOrderId") == order.client_order_id and line["method"] == "GET"
            for line in self.stack.requests()
        )

    def was_hung_up_on(self) -> bool:
        """One of its order requests is over, and got no answer."""
        return any(
            line["api_key"] == self.key
            and (line["method"], line["status"]) == ("POST", None)
            and line["path"] in ORDER_PATHS
            for line in self.stack.requests()
        )

    def order_requests(self) -> list[dict[str, Any]]:
        """What the exchange's HTTP log holds of this account's accepted orders."""
        return [
            line
            for line in self.stack.requests()
            if line["api_key"] == self.key
            and (line["method"], line["status"]) == ("POST", 200)
            and "fault" not in line
            and line["path"] in ORDER_PATHS
        ]
