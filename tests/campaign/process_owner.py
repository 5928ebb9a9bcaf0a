"""Two people at the real pages while processes are killed: a form is sent, sent again, and both act at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from http.client import HTTPException
from random import Random
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from uuid import UUID

from positions.lifecycle import OrderPurpose, PositionStatus
from positions.models import Order, PersonAct, Position
from tests.integration.stack import Trader
from tests.integration.visitor import CSRF_TOKEN, Visitor
from trailing.models import TrailingStop

SHARES = ("25", "50", "75")


@dataclass
class Sent:
    """One form. `told` are the sentences that came back over HTTP."""

    path: str
    fields: dict[str, str]
    told: set[str] = field(default_factory=set)


class Owners:
    def __init__(self, trader: Trader, random: Random) -> None:
        self._trader, self._random = trader, random
        self._pages = [Visitor(trader.stack.port) for _ in range(2)]
        self.sent: dict[UUID, Sent] = {}
        self.counts: Counter[str] = Counter()

    def act(self) -> None:
        """Rather on what is open: one that is only being opened refuses most."""
        live = Position.objects.filter(account=self._trader.account, is_live=True).order_by("pk")
        opened = list(live.filter(status=PositionStatus.OPEN)) or list(live)
        for position in self._random.sample(opened, min(len(opened), 3)):
            self._act_on(position)

    def _act_on(self, position: Position) -> None:
        together = self._random.random() < 0.4
        people = self._pages if together else [self._random.choice(self._pages)]
        forms = [(self._form(*self._asked(position)), page) for page in people]
        times = 2 if self._random.random() < 0.4 else 1
        with ThreadPoolExecutor(4) as at_once:
            list(at_once.map(lambda form: self._send(*form), forms * times))

    def _form(self, path: str, fields: dict[str, str]) -> Sent:
        key = UUID(int=self._random.getrandbits(128), version=4)
        self.sent[key] = Sent(path, fields | {"key": str(key)})
        self.counts[f"form {path.strip('/').rpartition('/')[2]}"] += 1
        return self.sent[key]

    def _asked(self, position: Position) -> tuple[str, dict[str, str]]:
        base, word = f"/positions/{position.pk}/", position.instrument.symbol.split("/")[0]
        if position.handed_over_at is not None and self._random.random() < 0.6:
            return f"{base}take-back/", {"leave": "on"} if self._random.random() < 0.5 else {}
        wishes = {
            f"{base}part/": {"share": self._random.choice(SHARES)},
            f"{base}stop/": self._stop(position),
            f"{base}hand-over/": {"word_typed": word, "bare": "on"},
            f"{base}close/": {"symbol": word},
        }
        path = self._random.choices(list(wishes), (5, 5, 4, 2))[0]
        return path, wishes[path]

    def _stop(self, position: Position) -> dict[str, str]:
        level = TrailingStop.objects.filter(pk=position.pk).values_list("stop_price", flat=True).first()
        around = level or position.reference_price
        away = 1 + Decimal(str(round(self._random.uniform(-0.01, 0.01), 4)))
        step = position.instrument.price_increment
        loosen = {"loosen": "on", "seen": f"{around:f}"} if self._random.random() < 0.4 else {}
        return {"stop": f"{(around * away) // step * step:f}", **loosen}

    def _send(self, sent: Sent, page: Visitor) -> None:
        """Whoever is killed answers nothing."""
        body = urlencode(sent.fields | {"csrfmiddlewaretoken": CSRF_TOKEN}).encode()
        try:
            sent.told.add(json.loads(page.ask_as_json(sent.path, body))["sentence"])
            self.counts["form answered"] += 1
        except HTTPError as refusal:
            if refusal.code == 422:
                self.counts["form refused"] += 1
        except (URLError, HTTPException, OSError):
            self.counts["form without an answer"] += 1

    def give_back(self) -> None:
        for position in Position.objects.filter(account=self._trader.account, is_live=True):
            if position.handed_over_at is not None:
                self._send(
                    self._form(f"/positions/{position.pk}/take-back/", {"leave": "on"}), self._pages[0]
                )

    def contradictions(self) -> Iterator[str]:
        """What was done is one row for one form, and says what was told."""
        rows = {row.pk: row for row in PersonAct.objects.filter(position__account=self._trader.account)}
        yield from (f"act {key} belongs to no form" for key in rows.keys() - self.sent.keys())
        for key, sent in self.sent.items():
            if key not in rows and sent.path.endswith("/close/"):
                continue  # of one that is over nothing is done, and its end is told
            outcome = {rows[key].outcome} if key in rows else set()
            if not sent.told <= outcome:
                yield f"{sent.path} was told {sorted(sent.told)}, its row says {sorted(outcome)}"
        parts = Order.objects.filter(account=self._trader.account, purpose=OrderPurpose.REDUCE)
        asked = Counter(row.order_id for row in rows.values())
        for order in parts:
            if asked[order.pk] != 1:
                yield f"{order.client_order_id} is the part of {asked[order.pk]} forms"
        closed = [row for row in rows.values() if row.act == "close" and not row.is_refused]
        for row in closed:
            if row.position is not None and row.position.status != PositionStatus.CLOSED:
                yield f"{row.outcome!r}, and the position is {row.position.status}"
