"""Is an account flat, by the exchange's own listing? What is not gone is named, with whose it is and why. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from exchanges.trading_state import FlatOutcome
from exchanges.types import OrderReport, PositionReport, PositionSide

Leg = tuple[str, PositionSide]

# for so long a listing may still show what has just ended
LISTING_LAGS = timedelta(seconds=10)
# a stranger is one that stays in the listing
FOREIGN_AFTER = timedelta(seconds=5)
# what is still a stranger's then cannot be taken: its cancel is refused, or its contract is not known
TAKING_TAKES = timedelta(minutes=2)
# what a stranger opens later than this was not meant
TAKEN_UNTIL = timedelta(minutes=15)
NOBODYS = "nobody here opened it"


@dataclass(frozen=True, slots=True)
class Left:
    """Something that is still there. `kind`: position or order."""

    kind: str
    what: str
    why: str
    is_ours: bool = True

    @property
    def as_row(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Books:
    """What our rows say: the live legs and the pending orders with what keeps them, all orders of those names that have
    a row, and the legs that ended a moment ago."""

    legs: Mapping[Leg, str]
    orders: Mapping[str, str]
    known_orders: Collection[str]
    just_closed: Collection[Leg] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    asked_at: datetime
    positions: Sequence[PositionReport]
    orders: Sequence[OrderReport]


@dataclass(frozen=True, slots=True)
class Finding:
    left: tuple[Left, ...]
    foreign_positions: tuple[PositionReport, ...] = ()
    foreign_orders: tuple[OrderReport, ...] = ()

    @property
    def has_foreign(self) -> bool:
        return bool(self.foreign_positions or self.foreign_orders)

    def outcome(
        self, asked_at: datetime, foreign_since: datetime | None, *, takes_foreign: bool
    ) -> FlatOutcome:
        if not self.left:
            return FlatOutcome.FLAT
        if takes_foreign or any(one.is_ours for one in self.left) or not is_sure(asked_at, foreign_since):
            return FlatOutcome.CLOSING
        return FlatOutcome.FOREIGN_LEFT


def is_sure(asked_at: datetime, foreign_since: datetime | None) -> bool:
    return foreign_since is not None and asked_at - foreign_since >= FOREIGN_AFTER


def still_takes(asked_at: datetime, begun_at: datetime, foreign_since: datetime | None) -> bool:
    """Whether a FLAT that includes what is not ours takes it, or ends with it."""
    for_long = timedelta(0) if foreign_since is None else asked_at - foreign_since
    return asked_at - begun_at < TAKEN_UNTIL and for_long < TAKING_TAKES


def find(listing: Listing, books: Books) -> Finding:
    foreign_positions = tuple(
        one for one in listing.positions
        if _leg(one) not in books.legs and _leg(one) not in books.just_closed
    )  # fmt: skip
    foreign_orders = tuple(one for one in listing.orders if one.client_order_id not in books.known_orders)
    left = [*_positions(listing, books), *_orders(listing, books)]
    return Finding(tuple(left), foreign_positions, foreign_orders)


def by_our_rows(books: Books) -> tuple[Left, ...]:
    """What we believe while the exchange does not answer."""
    return (*_our_legs(books), *(Left("order", name, why) for name, why in books.orders.items()))


def _our_legs(books: Books) -> list[Left]:
    return [Left("position", f"{symbol} {side}", why) for (symbol, side), why in books.legs.items()]


def _positions(listing: Listing, books: Books) -> list[Left]:
    listed = [
        Left("position", _what(one), "closed a moment ago; the listing lags")
        if _leg(one) in books.just_closed
        else Left("position", _what(one), NOBODYS, is_ours=False)
        for one in listing.positions
        if _leg(one) not in books.legs
    ]
    return _our_legs(books) + listed


def _orders(listing: Listing, books: Books) -> list[Left]:
    pending = [Left("order", name, why) for name, why in books.orders.items()]
    return pending + [
        _listed_order(one, books) for one in listing.orders if one.client_order_id not in books.orders
    ]


def _listed_order(order: OrderReport, books: Books) -> Left:
    what = f"{order.symbol} {order.client_order_id or order.exchange_order_id}"
    if order.client_order_id in books.known_orders:
        return Left("order", what, "it has ended by our rows; it is canceled")
    return Left("order", what, "nobody here placed it", is_ours=False)


def _what(report: PositionReport) -> str:
    return f"{report.symbol} {report.position_side} {report.quantity.normalize():f}"


def _leg(report: PositionReport) -> Leg:
    return report.symbol, report.position_side
