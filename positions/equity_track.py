"""What trading did to an account's equity, whatever was deposited or withdrawn meanwhile. Pure.

The worth of one share of the account moves by what was earned alone: booked profit less fees plus funding, and the
change of what is not realised. A deposit buys shares, a withdrawal sells some; neither changes what one is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

ONE = Decimal(1)
HUNDRED = Decimal(100)
ZERO = Decimal(0)
# an execution is told seconds after the balance that knows it: two looks that agree are no closer
LOOKS_APART = timedelta(seconds=5)
# as the row keeps it
FINEST_SHARE, DEAREST_SHARE = Decimal(1).scaleb(-18), Decimal(1).scaleb(9)


@dataclass(frozen=True, slots=True)
class Look:
    """What the exchange said at this time, and what is booked since the track's `booked_from` until then."""

    at: datetime
    equity: Decimal
    unrealized: Decimal
    booked: Decimal


@dataclass(frozen=True, slots=True)
class EquityTrack:
    """earned: since the day's first look, in quote currency. share_before: at the look before the last one."""

    day: date
    looked_at: datetime
    equity: Decimal
    booked_from: datetime
    booked_at_start: Decimal
    unrealized_at_start: Decimal
    earned: Decimal = ZERO
    share: Decimal = ONE
    share_before: Decimal = ONE
    share_at_start: Decimal = ONE
    share_at_peak: Decimal = ONE

    @property
    def daily_loss(self) -> Decimal:
        return self._lost_since(self.share_at_start)

    @property
    def drawdown(self) -> Decimal:
        return self._lost_since(self.share_at_peak)

    def _lost_since(self, share: Decimal) -> Decimal:
        """Percent. An execution may be told seconds after the balance that knows it, so two looks have to agree."""
        if share <= 0:
            return ZERO
        return max(ZERO, (ONE - max(self.share, self.share_before) / share) * HUNDRED)


def begin(look: Look, booked_from: datetime) -> EquityTrack:
    return EquityTrack(look.at.date(), look.at, look.equity, booked_from, look.booked, look.unrealized)


def followed(track: EquityTrack, look: Look) -> EquityTrack:
    earned = look.booked - track.booked_at_start + look.unrealized - track.unrealized_at_start
    share = _moved(track, look, earned - track.earned)
    return replace(
        track,
        looked_at=look.at,
        equity=look.equity,
        earned=earned,
        share=share,
        share_before=track.share,
        share_at_peak=max(track.share_at_peak, min(share, track.share)),
    )


def _moved(track: EquityTrack, look: Look, earned: Decimal) -> Decimal:
    """What a deposit of this moment brought took part; what a withdrawal took had taken part."""
    base = max(track.equity, look.equity - earned)
    if base <= 0:
        return track.share
    return min(max(ZERO, track.share * (ONE + earned / base)), DEAREST_SHARE).quantize(FINEST_SHARE)


def day_began(track: EquityTrack, look: Look, booked_from: datetime) -> EquityTrack:
    """`look.booked` is counted from the new `booked_from`."""
    anew = begin(look, booked_from)
    return replace(
        anew,
        share=track.share,
        share_before=track.share,
        share_at_start=track.share,
        share_at_peak=track.share_at_peak,
    )
