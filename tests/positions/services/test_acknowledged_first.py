"""A venue that acknowledges an order before it matches it, and whose stop fires under its own number."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.errors import OutcomeUnknown
from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from exchanges.types import Book, OrderReport, PositionSide, ReportStatus
from positions.lifecycle import CloseReason
from positions.models import Fill, FillCursor, Order, Position, RiskEvent
from positions.services import gap_filling, lookups, reports
from positions.services.closing import request_close
from positions.services.instruments import refresh_instruments
from positions.services.reconciliation import get_health_status
from tests.builders import a_strategy, an_account
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from tests.positions.services.test_reconciliation import reconcile

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BOTH = pytest.mark.parametrize("side", [LONG, SHORT])


@pytest.fixture
def desk(db: None, engine: Engine) -> Desk:
    made = Desk(engine, a_strategy(an_account(venue="bybit"), notional=D(1000)))
    refresh_instruments()
    return made


def acknowledged(desk: Desk, side: PositionSide = LONG) -> Position:
    position = desk.open(side=side)
    assert desk.submit(position, "entry").status == "accepted"
    return position


def two_seconds_later() -> None:
    Order.objects.update(updated_at=timezone.now() - timedelta(seconds=3))
    lookups.resolve_unknown(timezone.now())


def held(desk: Desk, side: PositionSide = LONG) -> Position:
    position = acknowledged(desk, side)
    two_seconds_later()
    position.refresh_from_db()
    return position


def stop_row(desk: Desk, position: Position) -> OrderReport:
    symbol, name = position.instrument.symbol, desk.order(position, "protect").client_order_id
    return session.call(desk.account, lambda client: client.find_order(symbol, name, Book.ALGO))


@BOTH
def test_what_became_of_an_entry_is_asked_for_when_no_stream_tells_it(desk: Desk, side: PositionSide) -> None:
    position = acknowledged(desk, side)
    assert (Position.objects.get().status, desk.held()) == ("opening", D("0.010"))
    two_seconds_later()
    position.refresh_from_db()
    assert (position.status, position.quantity, desk.order(position, "entry").status) == (
        "open",
        D("0.01"),
        "filled",
    )


def test_a_comparison_before_that_finds_no_difference(desk: Desk) -> None:
    """Not even where no listing answers."""
    acknowledged(desk)
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="fills")
    reconcile(desk)
    health = get_health_status()["accounts"][desk.account.name]
    assert health["differences_open"] == 0
    assert Order.objects.get().status == "accepted", "it was not taken for lost"
    assert not RiskEvent.objects.exists()


@BOTH
@pytest.mark.parametrize("told", ["asked for", "by the stream"])
def test_a_stop_fires_under_its_own_number(desk: Desk, side: PositionSide, told: str) -> None:
    position = held(desk, side)
    stop = desk.stop(position)
    assert (stop.status, stop.book, stop.child_order_id) == ("accepted", "algo", "")
    fall = stop.trigger_price - side.sign * 10
    desk.engine.set_price("BTCUSDT", fall, now_ms())
    if told == "asked for":
        lookups.resolve(stop.pk)
    else:
        symbol = position.instrument.symbol
        plain = session.call(desk.account, lambda c: c.find_order(symbol, stop.client_order_id, Book.PLAIN))
        for report in (stop_row(desk, position), plain):
            reports.apply_report(desk.account.pk, report)
    stop.refresh_from_db()
    position.refresh_from_db()
    assert (stop.status, stop.child_order_id) == ("filled", stop.exchange_order_id)
    assert (position.status, position.close_reason) == ("closed", "stop_loss")


def test_its_execution_may_be_told_first(desk: Desk) -> None:
    position = held(desk)
    stop = desk.stop(position)
    desk.engine.set_price("BTCUSDT", stop.trigger_price - 10, now_ms())
    [fill] = fills_since(desk, stop.created_at)
    assert reports.apply_fill(desk.account.pk, fill)
    reports.apply_report(desk.account.pk, stop_row(desk, position))
    stop.refresh_from_db()
    position.refresh_from_db()
    assert (stop.status, position.status) == ("filled", "closed")
    assert Fill.objects.get(order=stop).exchange_order_id == stop.exchange_order_id


def fills_since(desk: Desk, since: datetime) -> list:
    return list(session.call(desk.account, lambda client: client.fills("BTC/USDT:USDT", since)))


def test_a_close_is_acknowledged_and_then_found_done(desk: Desk) -> None:
    position = held(desk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    assert desk.submit(position, "close").status == "accepted"
    two_seconds_later()
    position.refresh_from_db()
    assert (position.status, position.close_reason, desk.held()) == ("closed", "manual", D(0))


def test_a_stop_that_had_fired_is_not_called_back(desk: Desk) -> None:
    position = held(desk)
    stop = desk.stop(position)
    desk.engine.set_price("BTCUSDT", stop.trigger_price - 10, now_ms())
    Order.objects.filter(pk=stop.pk).update(status="pending_cancel")
    lookups.cancel(stop.pk)
    stop.refresh_from_db()
    position.refresh_from_db()
    assert (stop.status, position.close_reason) == ("filled", "stop_loss")


def test_a_stop_that_is_called_back_ends_by_the_answer(desk: Desk) -> None:
    position = held(desk)
    stop = desk.stop(position)
    Order.objects.filter(pk=stop.pk).update(status="pending_cancel")
    lookups.cancel(stop.pk)
    stop.refresh_from_db()
    assert stop.status == "canceled"
    assert stop_row(desk, position).status is ReportStatus.CANCELED


@pytest.mark.parametrize(("name", "reason"), [("adl_autoclose", "adl"), ("autoclose-1", "liquidation")])
def test_what_the_exchange_closes_itself_has_no_name_and_its_reason_is_kept(
    desk: Desk, name: str, reason: str
) -> None:
    position = held(desk)
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="SELL", type="MARKET", quantity=D("0.010"), position_side="LONG",
        client_order_id=name, now_ms=now_ms(),
    )  # fmt: skip
    desk.engine.match_acknowledged(now_ms())
    FillCursor.objects.all().delete()
    gap_filling.read_all(desk.account)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", reason)
    assert Fill.objects.get(forced=reason).client_order_id == ""


def test_the_listing_begins_at_the_last_execution_that_was_read(desk: Desk) -> None:
    held(desk)
    for trade in desk.engine.account(desk.paper_name).trades:
        trade.time_ms -= 60_000
    gap_filling.read_all(desk.account)
    read = Fill.objects.get()
    assert FillCursor.objects.get().trade_id == read.trade_id
    starts = starts_asked_for(desk)
    FillCursor.objects.update(read_at=timezone.now() - timedelta(hours=1))
    gap_filling.read_all(desk.account)
    assert starts == [(read.executed_at, read.trade_id)]


def starts_asked_for(desk: Desk) -> list[tuple[datetime, str]]:
    client, asked = Trouble(desk).client(), []
    honest = client.fills

    async def noted(symbol: str, since: datetime, *, after: str = "") -> object:
        asked.append((since, after))
        return await honest(symbol, since, after=after)

    client.fills = noted
    return asked
