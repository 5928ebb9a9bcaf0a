"""A world from its first row to its verdict."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from random import Random

from positions.models import Fill, Order, Position
from tests.campaign.checks import check
from tests.campaign.ending import quiesce
from tests.campaign.market import Market
from tests.campaign.plan import Plan
from tests.campaign.senders import Senders
from tests.campaign.setting import an_engine, begin_sweeps, empty_redis, empty_the_database, set_up
from tests.campaign.world import World

TAIL = 30


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


def tell(seed: int, plan: Plan, *, whole: bool = False) -> Told:
    began = time.perf_counter()
    empty_the_database()
    empty_redis()
    with World(seed, an_engine(Random(f"engine of {seed}")), plan) as world:
        senders = Senders(world, set_up(world))
        begin_sweeps(world)
        Market(world).begin()
        senders.begin()
        world.begin()
        world.run_until(plan.seconds)
        quiesce(world)
        check(world)
        _count_rows(world)
        lines = world.lines if whole else world.lines[-TAIL:] if world.violations else []
        counts: dict[str, dict[str, int]] = {}
        for (group, name), number in world.counts.items():
            counts.setdefault(group, {})[name] = number
        return Told(seed, world.violations, counts, lines, world.digest(), time.perf_counter() - began)


def _count_rows(world: World) -> None:
    engine = world.engine
    world.counts["world", "positions"] = Position.objects.count()
    world.counts["world", "orders"] = Order.objects.count()
    world.counts["world", "fills"] = Fill.objects.count()
    world.counts["world", "orders at the exchange"] = sum(
        len(state.orders) + len(state.algos) for state in engine.accounts.values()
    )
    world.counts["world", "events"] = len(world.lines)
