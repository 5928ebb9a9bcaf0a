from __future__ import annotations

from decimal import Decimal as D

from exchanges.types import Book, OrderReport, PositionReport, PositionSide, ReportStatus
from positions.comparison import (
    Absent,
    OrderLeftOver,
    OrderLost,
    OrderState,
    OrderUnasked,
    OurLeg,
    Present,
    QuantityDiffers,
    Unknown,
    compare,
    compare_orders,
)

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BTC = "BTC/USDT:USDT"
NOTHING: frozenset[tuple[str, PositionSide]] = frozenset()


def ours(side: PositionSide = LONG, quantity: str = "1", pk: int = 7) -> OurLeg:
    return OurLeg(pk, BTC, side, D(quantity))


def theirs(side: PositionSide = LONG, quantity: str = "1") -> PositionReport:
    return PositionReport(BTC, side, D(quantity), D(100))


def test_both_agree() -> None:
    assert compare([ours()], [theirs()], NOTHING) == [Present(7)]


def test_the_legs_of_one_symbol_are_compared_apart() -> None:
    assert compare([ours(LONG)], [theirs(SHORT)], NOTHING) == [Absent(7), Unknown(theirs(SHORT))]


def test_quantity_differs() -> None:
    assert compare([ours(quantity="1")], [theirs(quantity="0.4")], NOTHING) == [
        QuantityDiffers(7, D(1), theirs(quantity="0.4"))
    ]


def test_a_leg_with_orders_under_way_is_not_called_unknown() -> None:
    assert compare([], [theirs()], frozenset({(BTC, LONG)})) == []


def test_nothing_on_both_sides() -> None:
    assert compare([], [], NOTHING) == []


def listed(name: str) -> OrderReport:
    return OrderReport(BTC, name, "1", Book.ALGO, ReportStatus.OPEN)


def test_orders_that_should_and_should_not_be_listed() -> None:
    ours = {
        "tb-lost": OrderState.RESTING,
        "tb-stands": OrderState.RESTING,
        "tb-sent": OrderState.UNDERWAY,
        "tb-ended": OrderState.ENDED,
        "tb-over": OrderState.ENDED,
    }
    found = compare_orders(ours, map(listed, ("tb-stands", "tb-ended", "tb-ghost", "web_1")), "tb-")
    assert found == [
        OrderLost("tb-lost"),
        OrderUnasked(listed("tb-ghost")),
        OrderLeftOver(listed("tb-ended")),
    ]
