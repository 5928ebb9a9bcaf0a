"""One replay, the same told by the naive reading of the documentation, and the same again with restarts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice

from exchanges.types import InstrumentSpec, PositionSide
from tests.trailing.brute_force import Story, Terms, retell
from trailing.plan import ProtectionPlan
from trailing.protection import Seen
from trailing.replay import Outcome, Position, replay


@dataclass(frozen=True)
class Case:
    """`prices` can be walked through more than once."""

    plan: ProtectionPlan
    side: PositionSide
    entry_price: Decimal
    instrument: InstrumentSpec
    quantity: Decimal
    leverage: int
    atr: Decimal | None
    prices: Iterable[Seen]

    def replayed(self, prices: Iterable[Seen] | None = None, resume: Position | None = None) -> Outcome:
        return replay(
            self.plan,
            self.side,
            self.entry_price,
            self.instrument,
            self.prices if prices is None else prices,
            quantity=self.quantity,
            leverage=self.leverage,
            atr=self.atr,
            resume=resume,
        )

    def restarted(self, every: int) -> Outcome:
        """As if the process were killed and started again after every so many prices."""
        whole, prices = self.replayed([]), iter(self.prices)
        while not whole.position.is_over and (some := list(islice(prices, every))):
            part = self.replayed(some, resume=whole.position)
            whole.position, whole.exit = part.position, part.exit
            whole.moves += part.moves
            whole.levels += part.levels
        return whole

    def retold(self) -> Story:
        spec = self.instrument
        terms = Terms(
            self.plan.as_json(),
            self.side is PositionSide.LONG,
            self.entry_price,
            spec.price_increment,
            self.quantity,
            spec.size_increment,
            spec.min_quantity,
            spec.min_notional,
            self.leverage,
            self.atr,
        )
        return retell(terms, ((seen.price, seen.age_hours, seen.atr) for seen in self.prices))


def told(outcome: Outcome) -> Story:
    left = outcome.exit
    return Story(
        [(move.index, Fraction(move.stop_price), str(move.reason)) for move in outcome.moves],
        [
            (taken.index, taken.level, Fraction(taken.price), Fraction(taken.quantity))
            for taken in outcome.levels
        ],
        left and (left.index, Fraction(left.price), str(left.reason)),
    )
