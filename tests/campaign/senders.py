"""Who sends signals: sensible ones, repeats, and nonsense."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from signals_app import registry
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival
from signals_app.services.intake import receive_signal
from tests.campaign.market import SYMBOLS

if TYPE_CHECKING:
    from tests.campaign.world import World

NONSENSE = (
    "",
    "{",
    "[]",
    '{"symbol": 5}',
    '{"symbol": "BTCUSDT", "symbol": "ETHUSDT"}',
    "\x00",
    '{"bar_time": NaN}',
)


class Senders:
    def __init__(self, world: World, phrases: list[str]) -> None:
        self._world, self._phrases = world, phrases
        self._sent: list[str] = []

    def begin(self) -> None:
        self._world.later(0.2, "signal", self._send)

    def _send(self) -> None:
        self.send(self._raw())
        self._world.later(self._world.random.expovariate(1 / 3), "signal", self._send)

    def _raw(self) -> str:
        random = self._world.random
        if random.random() < 0.05:
            return random.choice(NONSENSE)
        if self._sent and random.random() < 0.1:
            return random.choice(self._sent)
        return self.new(random.choice(SYMBOLS), random.choice(self._phrases))

    def new(self, symbol: str, phrase: str) -> str:
        now = datetime.now(UTC)
        number = len(self._sent) + 1
        fields = {
            "symbol": symbol,
            "message": phrase,
            "bar_time": now.isoformat(),
            "id": f"s{self._world.seed}-{number}",
        }
        if self._world.random.random() < 0.1:
            del fields["id"]
        self._sent.append(json.dumps(fields))
        return self._sent[-1]

    def send(self, raw: str) -> None:
        self._world.count("world", "signals")
        receive = partial(self._receive, raw)
        if self._world.perform(f"signal {raw[:90]}", receive) and self._world.random.random() < 0.8:
            self._world.later(self._world.random.uniform(0.2, 5), "signal", lambda: self.send(raw))

    def _receive(self, raw: str) -> None:
        arrival = Arrival(raw, "campaign", datetime.now(UTC), SenderRule("campaign"))
        verdict = receive_signal(arrival, registry.load())
        told = ", ".join(
            f"{entry.status} {entry.position_id or ''} {entry.note}".strip() for entry in verdict.entries
        )
        self._world.say(f"  verdict {verdict.status} {verdict.reason}{told}")
