"""How careful a strategy is, as one word. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class RiskProfile(StrEnum):
    NONE = "none"
    STANDARD = "standard"
    CONSERVATIVE = "conservative"
    VERY_CONSERVATIVE = "very_conservative"
    MEME_COINS = "meme_coins"


@dataclass(frozen=True, slots=True)
class Profile:
    """size: times the size wanted; min_confidence 0..100; max_margin: of one position, quote currency. 0: no limit."""

    size: Decimal = Decimal(1)
    min_confidence: Decimal = ZERO
    max_margin: Decimal = ZERO
    max_leverage: int = 0

    def leverage(self, wanted: int) -> int:
        return min(wanted, self.max_leverage) if self.max_leverage else wanted


PROFILES = {
    RiskProfile.NONE: Profile(),
    RiskProfile.STANDARD: Profile(Decimal("1.0"), Decimal(60), Decimal(50), 20),
    RiskProfile.CONSERVATIVE: Profile(Decimal("0.7"), Decimal(70), Decimal(35), 20),
    RiskProfile.VERY_CONSERVATIVE: Profile(Decimal("0.5"), Decimal(80), Decimal(25), 20),
    RiskProfile.MEME_COINS: Profile(size=Decimal("0.8"), max_leverage=10),
}
