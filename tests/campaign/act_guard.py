"""Looks at the rows after everything that was done: a level is loosened only where a person allowed just that."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from exchanges.types import PositionSide
from positions.models import Position

if TYPE_CHECKING:
    from tests.campaign.world import World


class Seen(NamedTuple):
    side: str
    quantity: Decimal
    plan: str
    handed_over_at: datetime | None
    stop: Decimal | None


COLUMNS = ("position_side", "quantity", "plan_id", "handed_over_at", "trailing_stop__stop_price")


class ActGuard:
    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[int, Seen] = {}

    def look(self) -> None:
        rows = Position.objects.filter(is_live=True).order_by("pk").values_list("pk", *COLUMNS)
        seen = {pk: Seen(*row) for pk, *row in rows}
        for pk, now in seen.items():
            if now.quantity < 0:
                self._world.violate(f"position {pk} holds {now.quantity}")
            if pk in self._known:
                self._compare(pk, self._known[pk], now)
        self._known = seen
        self._look_there()

    def _compare(self, pk: int, before: Seen, now: Seen) -> None:
        if now.plan != before.plan:
            self._world.violate(f"the plan of position {pk} was changed while it lives")
        if before.stop is None or now.stop == before.stop:
            return
        told = f"the level of position {pk} went from {before.stop} to {now.stop}"
        if now.handed_over_at is not None and now.handed_over_at == before.handed_over_at:
            self._world.violate(f"{told} while it is handed over")
        elif _is_looser(before, now) and now.stop not in self._world.forms.looser_stops(pk):
            self._world.violate(f"{told}, and nobody allowed it")

    def _look_there(self) -> None:
        for name in self._world.engine.accounts:
            for held in self._world.engine.positions(name):
                sign = {"LONG": 1, "SHORT": -1}.get(held.position_side, 0)
                if held.amount * sign < 0:
                    self._world.violate(
                        f"{held.symbol} {held.position_side} on {name} was reversed: {held.amount}"
                    )


def _is_looser(before: Seen, now: Seen) -> bool:
    if now.stop is None or before.stop is None:
        return before.stop is not None
    return (now.stop - before.stop) * PositionSide(now.side).sign < 0
