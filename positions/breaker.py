"""Whether an account can be reached: closed -> open -> recovering -> closed. Pure.

Nothing flaps: one lost answer opens nothing, one answer closes nothing, and one that is lost while it recovers opens
it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exchanges.types import BreakerState


@dataclass(frozen=True, slots=True)
class Patience:
    """Opens after `failures` in a row that last longer than a `blip`, or after two of them `silence` apart; closes
    after `comparisons` full ones in a row, asked for `apart` from each other."""

    failures: int = 5
    blip: timedelta = timedelta(seconds=3)
    silence: timedelta = timedelta(seconds=20)
    comparisons: int = 2
    apart: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` in a row, the first of them at `failing_since`; an open one keeps both until it is closed."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    failing_since: datetime | None = None
    error: str = ""
    recovering_since: datetime | None = None
    comparisons: int = 0
    compared_at: datetime | None = None


def failed(breaker: Breaker, at: datetime, error: str, patience: Patience) -> Breaker:
    since = breaker.failing_since or at
    more = replace(breaker, failures=breaker.failures + 1, failing_since=since, error=error)
    if breaker.state is BreakerState.CLOSED and not _is_down(more.failures, at - since, patience):
        return more
    return replace(more, state=BreakerState.OPEN, recovering_since=None, comparisons=0, compared_at=None)


def _is_down(failures: int, lasts: timedelta, patience: Patience) -> bool:
    is_long_row = failures >= patience.failures and lasts >= patience.blip
    return is_long_row or (failures > 1 and lasts >= patience.silence)


def answered(breaker: Breaker, at: datetime) -> Breaker:
    """A refusal is an answer too."""
    if breaker.state is BreakerState.CLOSED:
        return Breaker()
    if breaker.state is BreakerState.OPEN:
        return replace(breaker, state=BreakerState.RECOVERING, recovering_since=at)
    return breaker


def compared(breaker: Breaker, asked_at: datetime, patience: Patience) -> Breaker:
    """Positions, orders, balance and executions were all answered, and what differed was acted upon."""
    began, last = breaker.recovering_since, breaker.compared_at
    if breaker.state is not BreakerState.RECOVERING or began is None or asked_at < began:
        return breaker
    if last is not None and asked_at < last + patience.apart:
        return breaker
    if breaker.comparisons + 1 >= patience.comparisons:
        return Breaker()
    return replace(breaker, comparisons=breaker.comparisons + 1, compared_at=asked_at)


def sentence(breaker: Breaker, patience: Patience) -> str | None:
    """Why nothing may be opened there; None while it is closed."""
    if breaker.state is BreakerState.CLOSED or breaker.failing_since is None:
        return None
    since = f"{breaker.failing_since:%Y-%m-%d %H:%M:%S} UTC"
    if breaker.state is BreakerState.OPEN:
        return f"unreachable since {since}, {breaker.failures} failures: {breaker.error}"
    done = f"{breaker.comparisons} of {patience.comparisons} full comparisons agree"
    return f"recovering: was unreachable since {since}, {done}"
