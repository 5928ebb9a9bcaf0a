"""Decides what each request of the bot meets, and lets others act while it is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from exchanges.errors import ExchangeError
from tests.campaign.answers import FAULTS, LASTING, TIMEOUT_SECONDS
from tests.campaign.clock import START
from tests.campaign.plan import FAULT_WEIGHT

if TYPE_CHECKING:
    from tests.campaign.world import World

KINDS = tuple(FAULTS)
# beside those that begin by chance: how often one of the kinds that last is drawn
LASTING_WEIGHT = 0.4


Work = Callable[[], Coroutine[Any, Any, Any]]


@dataclass(frozen=True, eq=False)
class Late:
    """A request whose caller has given up. `at` is when it reaches the exchange."""

    at: float
    name: str
    work: Work


class Trouble:
    """The fate of requests."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._weights = [LASTING_WEIGHT if kind in LASTING else 1.0 for kind in KINDS]
        self._lasting: tuple[str, float] | None = None
        self._late: list[Late] = []

    @property
    def is_lasting(self) -> bool:
        return self._lasting is not None and self._lasting[1] > self._world.clock.now

    def end(self) -> None:
        self._lasting = None

    def trouble(self, call: str) -> tuple[str | None, float]:
        kind = self._drawn(call)
        self._world.request(call, kind)
        until = self._lasting[1] if self._lasting else 0.0
        return kind, START.timestamp() + until

    def _drawn(self, call: str) -> str | None:
        if self._lasting is not None and self.is_lasting:
            return self._lasting[0]
        random = self._world.random
        if random.random() >= self._world.plan.fault * FAULT_WEIGHT.get(call, 0.4):
            return None
        kind = random.choices(KINDS, self._weights)[0]
        if kind in LASTING:
            self._lasting = kind, self._world.clock.now + random.uniform(2, 10)
        return kind

    def travels(self, kind: str | None = None) -> None:
        seconds = TIMEOUT_SECONDS if kind == "delay_after" else self._world.random.uniform(0.005, 0.08)
        self._world.clock.pass_by(seconds)

    def later(self, name: str, work: Work) -> None:
        """Within its receive window the request is still carried out; after it the exchange refuses it."""
        delay = self._world.random.uniform(0.1, settings.ORDER_RECEIVE_WINDOW.total_seconds() * 1.5)
        if delay < settings.ORDER_RECEIVE_WINDOW.total_seconds():
            late = Late(self._world.clock.now + delay, name, work)
            self._late.append(late)
            self._world.later(delay, "late request", lambda: self._carry_out(late))

    def carry_out_what_came(self) -> None:
        """Before anything else is answered: the world may be late with its agenda, an exchange has no agenda."""
        for late in [one for one in self._late if one.at <= self._world.clock.now]:
            self._carry_out(late)

    def _carry_out(self, late: Late) -> None:
        if late not in self._late:
            return
        self._late.remove(late)
        try:
            late.work().send(None)
        except StopIteration as done:
            self._world.say(f"the late {late.name} is carried out: {getattr(done.value, 'status', 'done')}")
        except ExchangeError as error:
            self._world.say(f"the late {late.name} is refused: {error}")
        self._world.streams.publish()

    async def meanwhile(self) -> None:
        work = self._world.somebody_else()
        if work is not None:
            await asyncio.get_running_loop().run_in_executor(self._world.helper(), work)
