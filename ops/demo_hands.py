"""How the demo acts: prices and outages by the hooks of the paper exchange, signals through the door for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random
from typing import Any
from urllib.request import Request, urlopen

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from exchanges.paper.demo import DEMO_RULES
from ops.first_minute import FeedLost, Move, Signal

PATIENCE_SECONDS = 10.0
TREMBLE = 0.0001  # of a price, to either side
_INCREMENTS = {rules.symbol: rules.price_increment for rules in DEMO_RULES}


class DemoHands:
    def __init__(self, paper_url: str, signals_url: str, token: str) -> None:
        self._paper_url, self._signals_url, self._token = paper_url, signals_url, token
        self._stands: dict[str, Decimal] = {}
        self._found: dict[str, Decimal] = {}

    def are_known(self) -> bool:
        """The door lets them in."""
        try:
            with self._line() as line:
                return bool(_said(line)["type"] == "auth_success")
        except (OSError, WebSocketException):
            return False

    def take_the_market(self) -> None:
        """From here on prices move by this hand alone, from where they are."""
        self._hook("pause")
        with urlopen(f"{self._paper_url}/paper/state", timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            prices = json.load(answer)["prices"]
        self._found = {symbol: Decimal(price) for symbol, price in prices.items()}
        self._stands = dict(self._found)

    def give_the_market_back(self) -> None:
        self._hook("resume")

    def do(self, act: Signal | Move | FeedLost) -> dict[str, Any]:
        """The verdict, of a signal."""
        if isinstance(act, Signal):
            return self._send(act)
        if isinstance(act, Move):
            self._stands[act.symbol] = self.price_of(act)
            self._set_price(act.symbol, self._stands[act.symbol])
        else:
            self._hook("outage", seconds=act.seconds)
        return {}

    def price_of(self, move: Move) -> Decimal:
        return _rounded(move.symbol, self._found[move.symbol] * move.factor)

    def tremble(self, dice: Random) -> None:
        """Prices that stand still to the last digit look dead."""
        for symbol, price in self._stands.items():
            around = Decimal(1 + dice.uniform(-TREMBLE, TREMBLE))
            self._set_price(symbol, _rounded(symbol, price * around))

    def _set_price(self, symbol: str, price: Decimal) -> None:
        self._hook("price", symbol=symbol, price=str(price))

    def _hook(self, name: str, /, **words: Any) -> None:
        body = json.dumps(words).encode()
        request = Request(f"{self._paper_url}/paper/{name}", body, {"Content-Type": "application/json"})  # noqa: S310
        urlopen(request, timeout=PATIENCE_SECONDS).close()  # noqa: S310

    def _send(self, signal: Signal) -> dict[str, Any]:
        with self._line() as line:
            _said(line)  # the welcome
            line.send(json.dumps(_frame(signal)))
            return _said(line)

    def _line(self) -> ClientConnection:
        return connect(self._signals_url, additional_headers={"Authorization": f"Bearer {self._token}"})


def _said(line: ClientConnection) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(line.recv(timeout=PATIENCE_SECONDS))
    return answer


def _frame(signal: Signal) -> dict[str, str]:
    now = datetime.now(UTC).isoformat()
    return {"symbol": signal.symbol, "message": signal.message, "bar_time": now, "sent_at": now}


def _rounded(symbol: str, price: Decimal) -> Decimal:
    increment = _INCREMENTS[symbol]
    return (price / increment).to_integral_value(ROUND_HALF_EVEN) * increment
