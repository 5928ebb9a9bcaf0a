"""How much one account may ask of one path in a second, and one address of everything in five. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exchanges.paper.book import VenueRefusal
from exchanges.paper.rate_limits import RateLimits


@dataclass(frozen=True, slots=True)
class Spender:
    limits: RateLimits
    method: str
    path: str
    account: str
    address: str

    def spend(self, now_ms: int) -> None:
        """Raises when this is too much: the address is sent away as a whole, the account by its number."""
        window, limits = self.limits.five_seconds, self.limits.limits
        if window.used(self.address, now_ms) >= limits.requests_per_5s:
            raise VenueRefusal(10018, "Access too frequent. Please try again later.", 403)
        window.add(self.address, 1, now_ms)
        if self.account and self._left(now_ms) <= 0:
            raise VenueRefusal(10006, "Too many visits. Exceeded the API Rate Limit.")
        self.limits.second.add(self._name, 1, now_ms)

    def headers(self, now_ms: int) -> Mapping[str, str]:
        if not self.account:
            return {}
        ends = self.limits.second.ends_ms(now_ms)
        return {
            "X-Bapi-Limit": str(self._limit),
            "X-Bapi-Limit-Status": str(max(self._left(now_ms), 0)),
            "X-Bapi-Limit-Reset-Timestamp": str(ends),
        }

    @property
    def _limit(self) -> int:
        limits = self.limits.limits
        return limits.reads_per_second if self.method == "GET" else limits.changes_per_second

    @property
    def _name(self) -> str:
        return f"{self.account} {self.method} {self.path}"

    def _left(self, now_ms: int) -> int:
        return self._limit - self.limits.second.used(self._name, now_ms)
