"""Looks at the exchange every second: how long does anything we hold stand there without a stop?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from positions.models import Position
from tests.campaign.legs import leg_of

if TYPE_CHECKING:
    from tests.campaign.world import World

EVERY_SECONDS = 1.0
# the bot gives up on stops after a while and closes at market; lost answers of that close take their time too
LONGEST_SECONDS = settings.UNPROTECTED_CLOSE_AFTER.total_seconds() + 60
Leg = tuple[str, str, str]


class Guard:
    def __init__(self, world: World) -> None:
        self._world = world
        self._bare: dict[Leg, float] = {}
        self._looked_at = world.clock.now

    def begin(self) -> None:
        self._world.later(EVERY_SECONDS, "guard", self._look)

    def _look(self) -> None:
        """Time in which the exchange answers nobody does not count."""
        passed = 0.0 if self._world.trouble.is_lasting else self._world.clock.now - self._looked_at
        self._looked_at = self._world.clock.now
        bare = self._bare_legs()
        self._bare = {leg: self._bare.get(leg, 0.0) + passed for leg in bare}
        for leg, seconds in self._bare.items():
            if seconds > LONGEST_SECONDS:
                self._world.violate(f"{' '.join(leg)} stood without a stop for {LONGEST_SECONDS:.0f} seconds")
        self.begin()

    def _bare_legs(self) -> list[Leg]:
        ours = self._ours()
        return [
            (name, held.symbol, held.position_side)
            for name in self._world.engine.accounts
            for held in self._world.engine.positions(name)
            if (self._world.account_id(name), held.symbol, leg_of(held)) in ours
            and not self._is_protected(name, held.symbol, held.position_side)
        ]

    def _ours(self) -> set[tuple[int, str, str]]:
        live = Position.objects.filter(is_live=True, handed_over_at=None)
        rows = live.values_list("account_id", "instrument__exchange_symbol", "position_side")
        return {(account, symbol, side.upper()) for account, symbol, side in rows}

    def _is_protected(self, name: str, symbol: str, position_side: str) -> bool:
        algos = self._world.engine.open_algos(name, symbol)
        return any(algo.type == "STOP_MARKET" and algo.position_side == position_side for algo in algos)
