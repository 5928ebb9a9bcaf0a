"""How long to wait, and for which price, before the exchange is asked again for what it refused. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

# how the reason of an order begins whose price is too far from the market today
TOO_FAR = "too far from the market"
_LIMIT = re.compile(r"can't be (?:higher|lower) than (\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Pause:
    """After the first refusal in a row; twice as long after each that follows."""

    first: timedelta
    longest: timedelta

    def after(self, refusals: int) -> timedelta:
        return min(self.first * (1 << min(refusals - 1, 10)), self.longest)


# for what protects or closes, and for what may wait behind it
SOON = Pause(timedelta(seconds=1), timedelta(minutes=1))
LATER = Pause(timedelta(minutes=1), timedelta(hours=1))


def pause_after(refusals: int) -> timedelta:
    return SOON.after(refusals)


def near_from(price: Decimal, market: Decimal, refusal: str) -> Decimal:
    """The market's price from which on `price` may be near enough. An exchange that names its limit keeps it at a part
    of the market's price; of one that does not, half of the way is waited for."""
    found = _LIMIT.search(refusal)
    limit = Decimal(found[1]) if found else Decimal(0)
    is_between = min(market, price) < limit < max(market, price)
    return market * price / limit if is_between else (market + price) / 2
