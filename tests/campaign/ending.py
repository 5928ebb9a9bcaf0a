"""The end of a world: nothing goes wrong any more, and the sweeps have to bring everything to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchanges.models import ExchangeAccount, GlobalState, TradingState
from positions.models import Fill, Order, Position
from tests.campaign.market import Market
from tests.campaign.plan import CALM
from tradingbot.schedule import SCHEDULE
from trailing.models import TrailingStop

if TYPE_CHECKING:
    from tests.campaign.world import World

ROUND_SECONDS = 3.0
CALM_ROUNDS = 6
LONGEST_SECONDS = 600.0
# what an open stream did not tell of a stranger is asked for once a minute
SHORTEST_SECONDS = 65.0
SWEEPS = [entry["task"] for entry in SCHEDULE.values() if entry["schedule"] <= 10]


def quiesce(world: World) -> None:
    world.say("from here on nothing goes wrong")
    world.plan = CALM
    world.trouble.end()
    for kind in ("signal", "price", "sweep", "person"):
        world.agenda.drop(kind)
    let_all_trade()
    world.streams.reconnect_all()
    world.sweep("positions.tasks.collect_funding")
    began, unchanged, before = world.clock.now, 0, None
    while unchanged < CALM_ROUNDS:
        if world.clock.now - began > LONGEST_SECONDS:
            world.violate(f"not at rest after {LONGEST_SECONDS:.0f} quiet seconds")
            return
        _round(world)
        now = _state()
        unchanged = unchanged + 1 if now == before and not _waiting() else 0
        before = now
        if unchanged == CALM_ROUNDS and world.clock.now - began < SHORTEST_SECONDS:
            world.run_until(began + SHORTEST_SECONDS)
            unchanged -= 2
    Market(world).tell_again()
    world.sweep("positions.tasks.check_invariants")


def let_all_trade() -> None:
    for switch in (ExchangeAccount, GlobalState):
        switch.objects.update(trading_state=TradingState.ACTIVE)


def _round(world: World) -> None:
    for task in SWEEPS:
        world.sweep(task)
        world.run_until(world.clock.now + ROUND_SECONDS / len(SWEEPS))


def _state() -> object:
    """All that trading can change; the times of looking at it left out."""
    return (
        list(Order.objects.order_by("pk").values_list("pk", "status", "filled_quantity")),
        list(Position.objects.order_by("pk").values_list("pk", "status", "quantity", "realized_pnl", "fees")),
        list(TrailingStop.objects.order_by("pk").values_list("pk", "state", "stop_price")),
        Fill.objects.count(),
    )


def _waiting() -> bool:
    return Order.objects.filter(status__in=("initialized", "submitted", "pending_cancel")).exists()
