"""A world from its first row to its verdict."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from random import Random

from exchanges.types import PositionMode
from positions.models import Fill, Order, Position
from tests.campaign.checks import FEWEST_ORDERS, check
from tests.campaign.ending import let_all_trade, quiesce
from tests.campaign.guard import Guard
from tests.campaign.market import SYMBOLS, Market
from tests.campaign.owners import Owners
from tests.campaign.people import People
from tests.campaign.plan import Plan
from tests.campaign.senders import Senders
from tests.campaign.setting import an_engine, begin_sweeps, empty_redis, empty_the_database, set_up
from tests.campaign.world import World

HEDGE = PositionMode.HEDGE.value


@dataclass(frozen=True, slots=True)
class Told:
    """What a seed has to say for itself."""

    seed: int
    violations: list[str]
    counts: dict[str, dict[str, int]]
    lines: list[str]
    digest: str
    seconds: float

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def tell(seed: int, plan: Plan, venue: str, mode: str = HEDGE, *, whole: bool = False) -> Told:
    began = time.perf_counter()
    empty_the_database()
    empty_redis()
    with World(seed, an_engine(Random(f"engine of {seed}")), plan, venue, mode) as world:
        senders = Senders(world, set_up(world))
        begin_sweeps(world)
        Market(world).begin()
        senders.begin()
        People(world).begin()
        owners = Owners(world)
        owners.begin()
        Guard(world).begin()
        world.begin()
        world.run_until(plan.seconds)
        _until_enough_happened(world, senders)
        owners.give_back_most()
        quiesce(world)
        check(world)
        _count_rows(world)
        lines = world.lines if whole or world.violations else []
        counts: dict[str, dict[str, int]] = {}
        for (group, name), number in world.counts.items():
            counts.setdefault(group, {})[name] = number
        return Told(seed, world.violations, counts, lines, world.digest(), time.perf_counter() - began)


def _until_enough_happened(world: World, senders: Senders) -> None:
    """A world that slept through its time gets signals in a calmer one."""
    for _ in range(10):
        if _arrived(world) >= FEWEST_ORDERS:
            return
        world.plan = replace(world.plan, fault=0.05, kill=0.02)
        let_all_trade()
        for symbol in SYMBOLS:
            senders.send(senders.new(symbol, world.random.choice(("go long", "go short"))))
        world.run_until(world.clock.now + 10)


def _arrived(world: World) -> int:
    return sum(len(state.orders) + len(state.algos) for state in world.engine.accounts.values())


def _count_rows(world: World) -> None:
    world.counts["world", "positions"] = Position.objects.count()
    world.counts["world", "orders"] = Order.objects.count()
    world.counts["world", "fills"] = Fill.objects.count()
    world.counts["world", "orders at the exchange"] = _arrived(world)
    world.counts["world", "events"] = len(world.lines)
