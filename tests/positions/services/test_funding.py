"""Each payment is booked once, on the position that paid it when that can be known."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

from django.utils import timezone

from exchanges.paper.venue import now_ms
from exchanges.types import FundingReport, PositionSide
from positions.models import FundingPayment, Position
from positions.services.funding import apply_funding, collect
from tests.positions.services.conftest import Desk
from trailing.models import TrailingStop

BTC = "BTC/USDT:USDT"


def payment(number: str = "1", amount: str = "-0.12", minutes_ago: float = 0) -> FundingReport:
    return FundingReport(BTC, number, D(amount), "USDT", timezone.now() - timedelta(minutes=minutes_ago))


def test_a_payment_told_twice_counts_once(desk: Desk) -> None:
    position = desk.filled()
    told = payment()
    assert apply_funding(desk.account.pk, told)
    assert not apply_funding(desk.account.pk, told)
    assert apply_funding(desk.account.pk, payment("2", "0.02"))
    position.refresh_from_db()
    assert (position.funding, FundingPayment.objects.count()) == (D("-0.10"), 2)


def test_a_payment_from_before_the_position_stays_with_the_account(desk: Desk) -> None:
    position = desk.filled()
    apply_funding(desk.account.pk, payment(minutes_ago=10))
    position.refresh_from_db()
    assert (position.funding, FundingPayment.objects.get().position) == (D(0), None)


def test_with_both_legs_open_nobody_can_tell_which_one_paid(desk: Desk) -> None:
    desk.filled()
    desk.filled(side=PositionSide.SHORT)
    apply_funding(desk.account.pk, payment())
    assert FundingPayment.objects.get().position is None
    assert set(Position.objects.values_list("funding", flat=True)) == {D(0)}


def test_a_payment_listed_after_the_close_still_finds_its_position(desk: Desk) -> None:
    position = desk.filled()
    told = payment()
    TrailingStop.objects.all().delete()
    Position.objects.update(
        status="closed", quantity=0, closed_at=timezone.now() + timedelta(seconds=1), close_reason="manual"
    )
    apply_funding(desk.account.pk, told)
    position.refresh_from_db()
    assert position.funding == D("-0.12")


def test_what_a_stranger_paid_before_we_traded_is_collected_too(desk: Desk) -> None:
    """It moved the wallet we size our orders by."""
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    desk.engine.place(
        desk.paper_name, symbol="ETHUSDT", side="BUY", type="MARKET", quantity=D(1),
        position_side="LONG", client_order_id="web_1", now_ms=now_ms(),
    )  # fmt: skip
    assert collect(desk.account) == 0, "nobody knows of any trade"
    desk.tell(desk.engine.account(desk.paper_name).trades[-1])
    desk.engine.charge_funding("ETHUSDT", D("0.001"), now_ms())
    desk.filled()
    assert collect(desk.account) == 1
    payment = FundingPayment.objects.get()
    assert (payment.symbol, payment.position, payment.amount < 0) == ("ETHUSDT", None, True)


def test_what_was_paid_while_nobody_asked_for_longer_than_a_week_is_collected(desk: Desk) -> None:
    desk.filled()
    apply_funding(desk.account.pk, payment("old", minutes_ago=9 * 24 * 60))
    eight_days = 8 * 24 * 3600 * 1000
    desk.engine.charge_funding("BTCUSDT", D("0.001"), now_ms() - eight_days)
    assert collect(desk.account) == 1


def test_a_payment_just_before_we_heard_of_the_entry_is_the_positions(desk: Desk) -> None:
    position = desk.filled()
    apply_funding(desk.account.pk, payment(minutes_ago=1 / 3))
    position.refresh_from_db()
    assert position.funding == D("-0.12")
