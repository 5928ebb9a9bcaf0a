"""Each payment is booked once, on the position that paid it when that can be known."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

from django.utils import timezone

from exchanges.types import FundingReport, PositionSide
from positions.models import FundingPayment, Position
from positions.services.funding import apply_funding
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
