"""What the reports sum up to is what the paper exchange's wallet changed by."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal as D

from django.conf import settings
from django.utils import timezone

from exchanges.paper.venue import now_ms
from exchanges.types import FundingReport, PositionSide
from positions.lifecycle import CloseReason
from positions.models import Fill, FundingPayment, Position
from positions.reports.cells import csv_of
from positions.reports.reading import closed_positions, trades_of
from positions.reports.tables import booked_table, trade_table, year_of
from positions.services.closing import request_close
from positions.services.funding import apply_funding
from positions.services.reducing import close_position_partial
from tests.positions.services.conftest import Desk

SYMBOLS = ("BTCUSDT", "ETHUSDT")


def moved(desk: Desk, symbol: str, percent: int) -> None:
    price = desk.engine.prices[symbol]
    desk.engine.set_price(symbol, price + price * percent / 100, now_ms())


def tell_all(desk: Desk) -> None:
    known = set(Fill.objects.values_list("trade_id", flat=True))
    for trade in list(desk.engine.account(desk.paper_name).trades):
        if str(trade.trade_id) not in known:
            desk.tell(trade)


def closed(desk: Desk, position: Position) -> None:
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="ada")
    desk.submit(position, "close")
    tell_all(desk)


def traded(desk: Desk) -> None:
    """A win, a loss, a part sold before, and one that is still open."""
    win = desk.filled("BTCUSDT", PositionSide.LONG)
    tell_all(desk)
    moved(desk, "BTCUSDT", 2)
    close_position_partial("BTCUSDT", 1, D("0.5"))
    desk.submit(win, "reduce")
    tell_all(desk)
    moved(desk, "BTCUSDT", 1)
    closed(desk, win)
    loss = desk.filled("ETHUSDT", PositionSide.SHORT)
    tell_all(desk)
    moved(desk, "ETHUSDT", 3)
    closed(desk, loss)


def read(head_and_rows) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_of(*head_and_rows), newline="")))


def wallet_change(desk: Desk) -> D:
    return desk.engine.account(desk.paper_name).wallet_balance - settings.PAPER_STARTING_BALANCE


def test_both_files_sum_up_to_the_change_of_the_wallet(desk: Desk) -> None:
    traded(desk)
    assert Position.objects.filter(status="closed").count() == 2
    fills = read(booked_table(Fill.objects.all(), FundingPayment.objects.all()))
    trades = read(trade_table(trades_of(closed_positions())))
    assert sum(D(row["wallet_change"]) for row in fills) == wallet_change(desk) != 0
    assert abs(sum(D(row["result"]) for row in trades) - wallet_change(desk)) < D("0.000001")
    assert {row["kind"] for row in fills} == {"fill"}
    assert sorted(D(row["result"]) > 0 for row in trades) == [False, True]
    year = year_of(timezone.now().year)
    assert year.moved == wallet_change(desk)
    assert abs(sum(one.figures.result for one in year.contracts) - year.moved) < D("0.000001")


def test_funding_is_in_both(desk: Desk) -> None:
    position = desk.filled()
    tell_all(desk)
    paid = FundingReport("BTC/USDT:USDT", "1", D("-0.12"), "USDT", timezone.now())
    assert apply_funding(desk.account.pk, paid)
    closed(desk, position)
    fills = read(booked_table(Fill.objects.all(), FundingPayment.objects.all()))
    (trade,) = read(trade_table(trades_of(closed_positions())))
    change = wallet_change(desk) + D("-0.12")
    assert sum(D(row["wallet_change"]) for row in fills) == change
    assert (D(trade["funding"]), D(trade["result"])) == (D("-0.12"), change)
    assert [row["kind"] for row in fills].count("funding") == 1


def test_a_fee_in_another_coin_is_told_and_in_no_sum(desk: Desk) -> None:
    position = desk.filled()
    tell_all(desk)
    closed(desk, position)
    entry = Fill.objects.earliest("executed_at")
    Fill.objects.filter(pk=entry.pk).update(fee=D("0.001"), fee_currency="BNB")
    rows = read(booked_table(Fill.objects.all(), FundingPayment.objects.all()))
    assert (rows[0]["fee"], rows[0]["fee_currency"], D(rows[0]["wallet_change"])) == (
        "0.00100000",
        "BNB",
        D(0),
    )
    (trade,) = trades_of(closed_positions())
    assert trade.fees_in_other_coins == "0.001 BNB"


def test_a_year_begins_and_ends_at_midnight_utc(desk: Desk) -> None:
    traded(desk)
    now = timezone.now()
    first = Position.objects.earliest("pk")
    end = now.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    Position.objects.filter(pk=first.pk).update(closed_at=end, opened_at=end - timedelta(hours=1))
    assert {one.position_id for one in year_of(now.year).trades} >= {first.pk}
    Position.objects.filter(pk=first.pk).update(closed_at=end - timedelta(microseconds=1))
    assert [one.position_id for one in year_of(now.year - 1).trades] == [first.pk]
