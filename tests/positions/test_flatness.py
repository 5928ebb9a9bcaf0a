"""What a listing proves, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from exchanges.trading_state import FlatOutcome
from exchanges.types import Book, OrderReport, PositionReport, PositionSide, ReportStatus
from positions.flatness import FOREIGN_AFTER, Books, Finding, Listing, by_our_rows, find, still_takes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BTC, LONG = "BTC/USDT:USDT", PositionSide.LONG
NOTHING = Books({}, {}, ())


def held(symbol: str = BTC) -> PositionReport:
    return PositionReport(symbol, LONG, D("0.010"), D(90000))


def working(name: str) -> OrderReport:
    return OrderReport(BTC, name, "7", Book.PLAIN, ReportStatus.OPEN)


def listing(*, positions: list[PositionReport] = [], orders: list[OrderReport] = []) -> Listing:  # noqa: B006
    return Listing(NOW, positions, orders)


def outcome(finding: Finding, since: datetime | None = None, *, takes_foreign: bool = False) -> FlatOutcome:
    return finding.outcome(NOW, since, takes_foreign=takes_foreign)


def test_an_empty_listing_and_empty_books_are_flat() -> None:
    assert outcome(find(listing(), NOTHING)) is FlatOutcome.FLAT


@pytest.mark.parametrize(
    "books",
    [
        Books({(BTC, LONG): "its close order is submitted"}, {}, ()),
        Books({}, {"tb-1-e1": "was sent, and what became of it is not known yet"}, {"tb-1-e1"}),
    ],
)
def test_an_empty_listing_proves_nothing_while_something_of_ours_is_on_its_way(books: Books) -> None:
    found = find(listing(), books)
    assert [one.is_ours for one in found.left] == [True]
    assert outcome(found) is FlatOutcome.CLOSING
    assert by_our_rows(books) == found.left


def test_what_closed_a_moment_ago_is_not_taken_for_a_strangers() -> None:
    found = find(listing(positions=[held()]), Books({}, {}, (), {(BTC, LONG)}))
    assert (found.has_foreign, found.left[0].is_ours) == (False, True)
    assert "lags" in found.left[0].why


def test_an_order_of_ours_that_ended_and_still_works_is_ours() -> None:
    found = find(listing(orders=[working("tb-1-p1")]), Books({}, {}, {"tb-1-p1"}))
    assert (found.has_foreign, found.left[0].why) == (False, "it has ended by our rows; it is canceled")


def test_what_is_listed_and_pending_is_named_once() -> None:
    books = Books({(BTC, LONG): "its close is asked for"}, {"tb-1-p1": "the stop"}, {"tb-1-p1"})
    found = find(listing(positions=[held()], orders=[working("tb-1-p1")]), books)
    assert [(one.kind, one.what) for one in found.left] == [("position", f"{BTC} long"), ("order", "tb-1-p1")]


@pytest.mark.parametrize("found", [listing(positions=[held()]), listing(orders=[working("web_1")])])
@pytest.mark.parametrize(
    ("for_long", "takes_foreign", "expected"),
    [
        (timedelta(0), False, FlatOutcome.CLOSING),
        (FOREIGN_AFTER, False, FlatOutcome.FOREIGN_LEFT),
        (FOREIGN_AFTER, True, FlatOutcome.CLOSING),
    ],
)
def test_a_strangers_is_told_apart_after_a_second_answer(
    found: Listing, for_long: timedelta, takes_foreign: bool, expected: FlatOutcome
) -> None:
    finding = find(found, NOTHING)
    assert (finding.has_foreign, finding.left[0].is_ours) == (True, False)
    assert outcome(finding, NOW - for_long, takes_foreign=takes_foreign) is expected


@pytest.mark.parametrize(
    ("after_the_begin", "stays_for", "expected"),
    [
        (timedelta(minutes=1), None, True),
        (timedelta(minutes=3), timedelta(minutes=1), True),
        (timedelta(minutes=3), timedelta(minutes=2), False),
        (timedelta(days=2), None, False),
    ],
)
def test_what_is_not_ours_is_taken_for_a_while_only(
    after_the_begin: timedelta, stays_for: timedelta | None, expected: bool
) -> None:
    since = None if stays_for is None else NOW - stays_for
    assert still_takes(NOW, NOW - after_the_begin, since) is expected
