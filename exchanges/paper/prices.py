"""Where the paper exchange's prices come from: a seeded walk through changing regimes. Pure but for its own dice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random

from exchanges.paper.book import Rules
from exchanges.paper.candles import CANDLE_MS

# standard deviation of one minute's return, and the drift of one minute, as fractions
REGIMES = {"range": (0.0006, 0.0), "trend": (0.0008, 0.0005), "jump": (0.0012, 0.0)}
REGIME_SECONDS = (120, 900)
JUMP_CHANCE_PER_MINUTE = 0.05
JUMP_SIZE = 0.012
PULL_PER_MINUTE = 0.02
FINE_MINUTES, FINE_PARTS, COARSE_PARTS = 300, 4, 2  # prices a minute of the made past


@dataclass(slots=True)
class _Walk:
    price: float
    anchor: float
    increment: Decimal
    regime: str = "range"
    direction: int = 1
    seconds_left: float = 0.0


class PriceProcess:
    """Same seed, same steps, same prices. `regime` names one of REGIMES, or 'mixed' to wander between them."""

    def __init__(
        self, start: Mapping[str, Decimal], rules: Mapping[str, Rules], seed: int, regime: str = "mixed"
    ) -> None:
        self._random = Random(seed)
        self._fixed = None if regime == "mixed" else regime
        self._walks = {
            symbol: _Walk(float(price), float(price), rules[symbol].price_increment)
            for symbol, price in start.items()
        }

    def resume(self, prices: Mapping[str, Decimal]) -> None:
        """Go on from these prices, as after a restart."""
        for symbol, price in prices.items():
            if symbol in self._walks:
                self._walks[symbol].price = self._walks[symbol].anchor = float(price)

    def step(self, seconds: float) -> dict[str, Decimal]:
        """Let simulated seconds pass; the new prices, in whole increments."""
        for walk in self._walks.values():
            self._choose_regime(walk, seconds)
            walk.price = max(walk.price * math.exp(self._return(walk, seconds / 60)), float(walk.increment))
        return self.prices()

    def prices(self) -> dict[str, Decimal]:
        return {symbol: self._rounded(walk) for symbol, walk in self._walks.items()}

    def volume(self) -> Decimal:
        """What traded at one price."""
        return Decimal(self._random.randint(1, 500)) / 10

    def history(self, minutes: int, now_ms: int) -> Iterator[tuple[int, dict[str, Decimal]]]:
        """Prices of the past with their times, so that a fresh exchange has candles; the far past in fewer."""
        end = now_ms - now_ms % CANDLE_MS
        for ago in range(minutes, 0, -1):
            parts = FINE_PARTS if ago <= FINE_MINUTES else COARSE_PARTS
            for part in range(parts):
                yield end - ago * CANDLE_MS + part * CANDLE_MS // parts, self.step(60 / parts)

    def _choose_regime(self, walk: _Walk, seconds: float) -> None:
        walk.seconds_left -= seconds
        if walk.seconds_left > 0:
            return
        walk.seconds_left = self._random.uniform(*REGIME_SECONDS)
        walk.regime = self._fixed or self._random.choice(list(REGIMES))
        walk.direction = self._random.choice((-1, 1))

    def _return(self, walk: _Walk, minutes: float) -> float:
        """Diffusion and drift of the regime, and a weak pull home so that no price runs away for good."""
        deviation, drift = REGIMES[walk.regime]
        change = self._random.gauss(drift * walk.direction * minutes, deviation * math.sqrt(minutes))
        if walk.regime == "jump" and self._random.random() < JUMP_CHANCE_PER_MINUTE * minutes:
            change += self._random.choice((-1, 1)) * self._random.uniform(0.3, 1) * JUMP_SIZE
        return change - PULL_PER_MINUTE * minutes * math.log(walk.price / walk.anchor)

    def _rounded(self, walk: _Walk) -> Decimal:
        steps = (Decimal(repr(walk.price)) / walk.increment).to_integral_value(ROUND_HALF_EVEN)
        return max(steps, Decimal(1)) * walk.increment
