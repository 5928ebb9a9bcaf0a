"""What happens to the processes and the exchange, drawn from a seed; every blow is counted."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from random import Random
from urllib.error import URLError
from urllib.request import Request, urlopen

from exchanges.paper.demo import DEMO_PRICES
from exchanges.paper.fault_kinds import EVENT_KINDS, REQUEST_KINDS, RequestKind
from ops.report.evidence import ORDER_PATHS
from tests.integration.stack import Stack, Trader
from tests.ops.waiting import until

PARTS = ("worker", "market", "web", "paper", "beat")
RATE = 0.3
EASED = 0.05  # an account that was too often not answered may be compared, and trades again
LONGEST_DELAY = 1.0
LONGEST_AWAY = 0.8
ROOTS = {"binance": "/fapi/", "bybit": "/v5/"}


def wait(seconds: float) -> None:
    """The pace of the story, not a wait for a fact."""
    threading.Event().wait(seconds)


class Trouble:
    def __init__(self, stack: Stack, trader: Trader, random: Random) -> None:
        self._stack, self._trader, self._random = stack, trader, random
        self.counts: Counter[str] = Counter()
        self._root = ROOTS[trader.account.venue]
        self._order_paths = [path for path in ORDER_PATHS if path.startswith(self._root)]

    def ease(self) -> None:
        self._end_storm()
        self.begin(EASED)

    def begin(self, rate: float = RATE) -> None:
        kinds = [kind for kind in (*map(str, REQUEST_KINDS), *map(str, EVENT_KINDS)) if self._may_come(kind)]
        words = {"seed": self._random.getrandbits(32), "rate": rate, "seconds": LONGEST_DELAY}
        self._stack.paper.hook("storm", kinds=kinds, paths=[f"{self._root}*"], **words)

    def _may_come(self, kind: str) -> bool:
        """Bybit's ban lasts ten minutes, and we keep to that: longer than any story here."""
        return not (kind == RequestKind.BANNED and self._trader.account.venue == "bybit")

    def end(self) -> None:
        """Everybody is up again and nothing goes wrong any more."""
        for name in PARTS:
            if not getattr(self._stack, name).is_running:
                getattr(self._stack, name).start()
        self._end_storm()
        self._stack.paper.clear_faults()
        self._delete("streams/faults")
        self._stack.paper.hook("streams/refuse", seconds=0)
        self._stack.paper.hook("limits")  # bans are lifted

    def _delete(self, path: str) -> bytes:
        request = Request(f"{self._stack.paper.url}/paper/{path}", method="DELETE")  # noqa: S310
        with urlopen(request, timeout=5) as answer:  # noqa: S310
            return bytes(answer.read())

    def _end_storm(self) -> None:
        for hits in json.loads(self._delete("storm")).values():
            for kind, times in hits.items():
                self.counts[f"fault {kind}"] += times

    # blows

    def strike(self) -> None:
        blows = {
            self._kill_some: 6, self._kill_all: 1, self._kill_at_an_order: 4, self._move_price: 12,
            self._break_stream: 3, self._trade_by_hand: 2, self._charge_funding: 1,
        }  # fmt: skip
        self._random.choices(list(blows), list(blows.values()))[0]()

    def _kill_some(self) -> None:
        self._kill(self._random.sample(PARTS, self._random.choice((1, 1, 1, 2, 3))))

    def _kill_all(self) -> None:
        self._kill(list(PARTS))

    def _kill(self, names: list[str]) -> None:
        if "paper" in names:
            self._end_storm()  # its counts would die with it
        for name in names:
            getattr(self._stack, name).kill()
            self.counts[f"SIGKILL {name}"] += 1
        wait(self._random.uniform(0, LONGEST_AWAY))
        for name in names:
            getattr(self._stack, name).start()
        if "paper" in names:
            self.begin()

    def _kill_at_an_order(self) -> None:
        """The exchange has carried the next order out, and its answer is still under way."""
        path, before = self._random.choice(self._order_paths), self._orders()
        self._stack.paper.hook("faults", method="POST", path=path, kind="delay_after", seconds=1, times=1)
        self.counts["fault delay_after"] += 1
        with suppress(AssertionError):  # nobody ordered meanwhile: then it is a kill like any other
            until(lambda: self._orders() > before, "an order", seconds=1)
            self.counts["killed at an order"] += 1
        self._kill(["worker"])

    def _orders(self) -> int:
        log = self._stack.paper.log
        return sum(log.read_text().count(f'"POST", "path": "{path}"') for path in self._order_paths)

    def _move_price(self) -> None:
        symbol, price = self._random.choice(list(DEMO_PRICES.items()))
        moved = price * (1 + Decimal(str(round(self._random.uniform(-0.04, 0.04), 4))))
        self._trader.set_price(moved.quantize(price), symbol)
        self.counts["price moved"] += 1

    def _break_stream(self) -> None:
        how = self._random.choice(("cut", "silence", "expire"))
        words = {"api_key": self._trader.key}
        self._stack.paper.hook("listen_key/expire" if how == "expire" else f"streams/{how}", **words)
        self.counts[f"stream {how}"] += 1

    def _trade_by_hand(self) -> None:
        """A person closes a leg; without one the exchange refuses, as it would a person."""
        words = {"symbol": self._random.choice(list(DEMO_PRICES)), "api_key": self._trader.key}
        with suppress(URLError):
            self._stack.paper.hook("manual", position_side=self._random.choice(("LONG", "SHORT")), **words)
            self.counts["closed by hand"] += 1

    def _charge_funding(self) -> None:
        rate = str(round(self._random.uniform(-0.001, 0.001), 6))
        self._stack.paper.hook("funding", symbol=self._random.choice(list(DEMO_PRICES)), rate=rate)
        self.counts["funding"] += 1
