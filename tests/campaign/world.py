"""One simulated world: the product's code, PostgreSQL and the paper engine, one thing at a time, from one seed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from random import Random

from django.db import connections

from exchanges import session
from exchanges.paper.inprocess import ENGINES, FRONTS
from exchanges.paper.matching import Engine
from positions.services import preparing
from tests.campaign import randomness
from tests.campaign.act_guard import ActGuard
from tests.campaign.agenda import Agenda
from tests.campaign.broker import Broker, Hint
from tests.campaign.clock import Clock
from tests.campaign.crashes import KINDS, Act, Doom, Killed, points
from tests.campaign.forms import KIND as FORM
from tests.campaign.forms import Forms
from tests.campaign.plan import CALM, Plan
from tests.campaign.stream import KIND as MESSAGE
from tests.campaign.stream import PrivateStreams
from tests.campaign.trouble import Trouble
from tests.campaign.unreliable import UnreliableClient
from tradingbot.schedule import SCHEDULE
from trailing import rows

ADDRESS = "inprocess:campaign"
HINT = "hint"
DEEPEST = 2
COUNTDOWN = {
    "between statements": 30,
    "before commit": 3,
    "after commit": 3,
    "before request": 3,
    "after work": 3,
}


class World:
    def __init__(self, seed: int, engine: Engine, plan: Plan, venue: str, mode: str) -> None:
        self.seed, self.engine, self.plan, self.venue, self.mode = seed, engine, CALM, venue, mode
        self._plan_after_setup = plan
        self.random = Random(seed)
        self.clock = Clock()
        randomness.begin(seed)
        self.agenda, self.streams, self.trouble = Agenda(), PrivateStreams(self), Trouble(self)
        self.broker = Broker()
        self.forms, self.act_guard = Forms(self), ActGuard(self)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.lines: list[str] = []
        self.violations: list[str] = []
        self.accounts: dict[str, int] = {}
        self._helpers: list[ThreadPoolExecutor] = []
        self._log = _LogToWorld(self)

    # life

    def __enter__(self) -> World:
        ENGINES[ADDRESS] = self.engine
        FRONTS[ADDRESS] = lambda client: UnreliableClient(client, self.trouble)  # type: ignore[assignment,return-value]
        points.acts.clear()
        points.on_pass, points.on_death = self._pass, self._die
        logging.getLogger().addHandler(self._log)
        return self

    def begin(self) -> None:
        """From here on things go wrong."""
        self.plan = self._plan_after_setup

    def __exit__(self, *exc_info: object) -> None:
        logging.getLogger().removeHandler(self._log)
        points.on_pass, points.on_death = (lambda kind: None), (lambda kind, act: None)
        self._forget_memory()
        for helper in self._helpers:
            helper.submit(connections.close_all).result()
            helper.shutdown()
        self.broker.close()
        del ENGINES[ADDRESS], FRONTS[ADDRESS]
        self.clock.stop()

    # what everybody uses

    def symbol(self, exchange_symbol: str) -> str:
        rules = self.engine.rules[exchange_symbol]
        return f"{rules.base}/{rules.quote}:{rules.quote}"

    def account_id(self, name: str) -> int:
        return int(name.split("-")[1])

    def say(self, line: str) -> None:
        self.lines.append(f"{self.clock.now:9.3f} {'  ' * max(len(points.acts) - 1, 0)}{line}")

    def count(self, group: str, name: str) -> None:
        self.counts[group, name] += 1

    def violate(self, sentence: str) -> None:
        if sentence not in self.violations:
            self.say(f"VIOLATION: {sentence}")
            self.violations.append(sentence)

    def request(self, call: str, kind: str | None) -> None:
        self.count("call", call)
        self.say(f"  -> {call}" + (f" meets {kind}" if kind else ""))
        if kind is not None:
            self.count(f"fault {kind}", call)

    def digest(self) -> str:
        return sha256("\n".join(self.lines).encode()).hexdigest()[:16]

    # time

    def later(self, delay: float, kind: str, work: Callable[[], None]) -> None:
        self.agenda.add(self.clock.now + delay, kind, work)

    def run_until(self, end: float) -> None:
        while (entry := self.agenda.next()) is not None:
            if entry.at > end:
                self.agenda.add(entry.at, entry.kind, entry.work)
                break
            self.clock.reach(entry.at)
            entry.work()
        self.clock.reach(end)

    # acts

    def perform(self, name: str, work: Callable[[], object], hint: Hint | None = None) -> bool:
        """True when the process that did it was killed on the way."""
        act = Act(name, self._doom())
        points.acts.append(act)
        self.say(name)
        try:
            work()
        except Killed:
            pass
        except Exception as error:
            self.violate(f"{name} raised {type(error).__name__}: {error}")
        finally:
            points.acts.pop()
        if act.is_dead:
            self._bury(hint)
        self._follow_up()
        return act.is_dead

    def _doom(self) -> Doom | None:
        if self.random.random() >= self.plan.kill:
            return None
        kind = self.random.choice(KINDS)
        return Doom(kind, 1 + int(self.random.random() ** 2 * COUNTDOWN[kind]))

    def _pass(self, kind: str) -> None:
        self.clock.pass_by(0.0002)
        if kind == "after commit" and (work := self.somebody_else()) is not None:
            self.helper().submit(work).result()

    def _die(self, kind: str, act: Act) -> None:
        self.count("kill", kind)
        self.say(f"KILLED {kind}: {act.name}")

    def _bury(self, hint: Hint | None) -> None:
        """A new process starts with an empty memory; a hint nobody acknowledged is delivered again, or not."""
        connections["default"].close()
        if not points.acts:
            self._forget_memory()
        if hint is not None and self.random.random() < 0.7:
            self._plan_hint(hint, self.random.uniform(1, 60))

    def _forget_memory(self) -> None:
        session.close_all()
        preparing.forget()
        rows._read.clear()
        connections.close_all()

    def _follow_up(self) -> None:
        """What the act caused: hints in the queues, messages on the streams."""
        for hint in self.broker.take():
            self._send(hint)
        self.streams.publish()
        if not points.acts:
            self.act_guard.look()

    # hints

    def _send(self, hint: Hint) -> None:
        if self.random.random() < self.plan.hint_lost:
            self.count("hint", "lost")
            self.say(f"lost: {hint}")
            return
        is_late = self.random.random() < self.plan.hint_late
        self._plan_hint(hint, self.random.uniform(0.5, 15) if is_late else self.random.uniform(0.002, 0.05))
        if self.random.random() < self.plan.hint_twice:
            self.count("hint", "twice")
            self._plan_hint(hint, self.random.uniform(0.002, 20))

    def _plan_hint(self, hint: Hint, delay: float) -> None:
        self.later(delay, HINT, partial(self._run_hint, hint))

    def _run_hint(self, hint: Hint) -> None:
        self.perform(str(hint), hint.run, hint)

    def sweep(self, task: str) -> None:
        hint = Hint(task, ())
        self.perform(f"sweep: {hint}", hint.run)

    # interleaving

    def somebody_else(self) -> Callable[[], None] | None:
        """What another process does just now, or nobody: the world does one thing inside another, never two at once."""
        if not 0 < len(points.acts) <= DEEPEST or self.random.random() >= self.plan.interleave:
            return None
        entry = self.agenda.take_early((MESSAGE, HINT, FORM), self.random)
        if entry is None or self.random.random() < 0.3:
            task = self.random.choice(INTERLEAVED)
            if entry is not None:
                self.agenda.add(entry.at, entry.kind, entry.work)
            self.count("interleaved", "sweep")
            return partial(self.sweep, task)
        self.count("interleaved", entry.kind)
        return entry.work

    def helper(self) -> ThreadPoolExecutor:
        """One thread for each depth, with a database connection of its own."""
        depth = len(points.acts)
        while len(self._helpers) < depth:
            self._helpers.append(ThreadPoolExecutor(1, thread_name_prefix="other-process"))
        return self._helpers[depth - 1]


INTERLEAVED = [entry["task"] for entry in SCHEDULE.values() if entry["schedule"] <= 10]


# while things go wrong an alarm may be right; what it still says at the end is asked there
MONITOR = "positions.services.monitoring"


class _LogToWorld(logging.Handler):
    """What the product says becomes part of the story; an error it logs is a violation."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.WARNING)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1]:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        if record.levelno >= logging.ERROR and record.name != MONITOR:
            self._world.violate(f"logged as an error: {text}")
        elif not record.name.startswith("kombu"):
            self._world.say(f"  log {text}")
