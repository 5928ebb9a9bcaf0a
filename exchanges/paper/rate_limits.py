"""How much one client may ask: weight per minute, orders per ten seconds and per minute, and the ban. Pure.

Windows begin with the whole minute and the whole ten seconds of the clock, as Binance's do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields

from exchanges.paper.book import VenueRefusal

SECOND_MS, FIVE_SECONDS_MS, TEN_SECONDS_MS, MINUTE_MS = 1000, 5000, 10_000, 60_000
LONGEST_BAN_SECONDS = 3 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Limits:
    """The client who goes on after `ban_after` refusals within a minute is banned, twice as long each time.
    Binance counts weight by address; by account lets many paper accounts share one machine."""

    weight_per_minute: int = 2400
    orders_per_10s: int = 300
    orders_per_minute: int = 1200
    ban_after: int = 10
    ban_seconds: int = 120
    weight_by_address: bool = False
    # Bybit's: of one account and one path, and of one address
    changes_per_second: int = 10
    reads_per_second: int = 50
    requests_per_5s: int = 600

    def __post_init__(self) -> None:
        numbers = [getattr(self, field.name) for field in fields(self) if field.name != "weight_by_address"]
        if any(type(number) is not int or number < 1 for number in numbers):
            raise ValueError("limits are whole numbers above zero")
        if type(self.weight_by_address) is not bool:
            raise ValueError("weight_by_address is true or false")


class MustWait(VenueRefusal):
    """Too much was asked: nothing was done."""

    def __init__(self, http_status: int, code: int, message: str, retry_after: int) -> None:
        super().__init__(code, message, http_status)
        self.retry_after = retry_after


class Window:
    def __init__(self, length_ms: int) -> None:
        self._length_ms = length_ms
        self._used: dict[str, tuple[int, int]] = {}

    def used(self, who: str, now_ms: int) -> int:
        number, used = self._used.get(who, (0, 0))
        return used if number == now_ms // self._length_ms else 0

    def add(self, who: str, amount: int, now_ms: int) -> int:
        used = self.used(who, now_ms) + amount
        self._used[who] = now_ms // self._length_ms, used
        return used

    def ends_ms(self, now_ms: int) -> int:
        return now_ms - now_ms % self._length_ms + self._length_ms

    def seconds_left(self, now_ms: int) -> int:
        return -(-(self._length_ms - now_ms % self._length_ms) // 1000)


class RateLimits:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._weight = Window(MINUTE_MS)
        self._refused = Window(MINUTE_MS)
        self._orders_10s, self._orders_1m = Window(TEN_SECONDS_MS), Window(MINUTE_MS)
        self._banned_until: dict[str, int] = {}
        self._bans: Counter[str] = Counter()
        self.second, self.five_seconds = Window(SECOND_MS), Window(FIVE_SECONDS_MS)

    def weigh(self, account: str, address: str, weight: int, now_ms: int) -> None:
        """Raises MustWait when this is too much, or when the client is banned."""
        who = self._who(account, address)
        self._check_ban(who, now_ms)
        if self._weight.used(who, now_ms) + weight > self.limits.weight_per_minute:
            limit = f"{self.limits.weight_per_minute} request weight per 1 MINUTE"
            self._refuse(who, -1003, f"Too many requests; current limit is {limit}.", self._weight, now_ms)
        self._weight.add(who, weight, now_ms)

    def count_order(self, account: str, address: str, now_ms: int) -> None:
        limited = (
            (self._orders_10s, self.limits.orders_per_10s, "10 SECOND"),
            (self._orders_1m, self.limits.orders_per_minute, "1 MINUTE"),
        )
        for window, limit, name in limited:
            if window.used(account, now_ms) >= limit:
                message = f"Too many new orders; current limit is {limit} orders per {name}."
                self._refuse(self._who(account, address), -1015, message, window, now_ms)
        for window, _, _ in limited:
            window.add(account, 1, now_ms)

    def headers(self, account: str, address: str, now_ms: int) -> Mapping[str, str]:
        return {"X-MBX-USED-WEIGHT-1M": str(self._weight.used(self._who(account, address), now_ms))}

    def order_headers(self, account: str, now_ms: int) -> Mapping[str, str]:
        return {
            "X-MBX-ORDER-COUNT-10S": str(self._orders_10s.used(account, now_ms)),
            "X-MBX-ORDER-COUNT-1M": str(self._orders_1m.used(account, now_ms)),
        }

    def _who(self, account: str, address: str) -> str:
        return address if self.limits.weight_by_address or not account else account

    def _refuse(self, who: str, code: int, message: str, window: Window, now_ms: int) -> None:
        if self._refused.add(who, 1, now_ms) > self.limits.ban_after:
            seconds = min(self.limits.ban_seconds * 2 ** min(self._bans[who], 30), LONGEST_BAN_SECONDS)
            self._bans[who] += 1
            self._banned_until[who] = now_ms + seconds * 1000
            self._check_ban(who, now_ms)
        raise MustWait(429, code, message, window.seconds_left(now_ms))

    def _check_ban(self, who: str, now_ms: int) -> None:
        until = self._banned_until.get(who, 0)
        if now_ms < until:
            message = f"Way too much request weight used; IP banned until {until}."
            raise MustWait(418, -1003, message, -(-(until - now_ms) // 1000))
