"""One account that does not answer takes nobody else's turn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.errors import AccountUnusable
from exchanges.models import ExchangeAccount, Instrument
from positions.models import Order
from positions.services import lookups, sweeping
from positions.services.instruments import refresh_instruments
from tests.builders import a_position, an_account, an_order
from tests.positions.services.conftest import Desk


def test_the_orders_of_an_account_that_does_not_answer_push_out_no_others(
    db, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that failed leaves the row as it is: the same rows would come first for ever."""
    asked: list[UUID] = []
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    monkeypatch.setattr(lookups, "resolve", asked.append)
    silent, other = an_account(), an_account()
    held = [a_position(base, account=silent) for base in ("BTC", "ETH", "SOL")]
    oldest, *_ = [an_order(position, status="submitted") for position in held]
    one = an_order(a_position("BTC", account=other), status="submitted")
    a_while_ago = timezone.now() - timedelta(minutes=1)
    Order.objects.filter(pk=one.pk).update(updated_at=a_while_ago + timedelta(seconds=10))
    Order.objects.exclude(pk=one.pk).update(updated_at=a_while_ago)
    Order.objects.filter(pk=oldest.pk).update(updated_at=a_while_ago - timedelta(seconds=1))
    assert lookups.resolve_unknown(timezone.now()) == 2
    assert asked == [oldest.pk, one.pk]


def test_contracts_are_asked_of_the_next_account_when_one_cannot_be_used(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    an_account()
    call, unusable = session.call, ExchangeAccount.objects.order_by("pk")[0]

    def refused_for_the_first(account: ExchangeAccount, *arguments: Any) -> Any:
        if account.pk == unusable.pk:
            raise AccountUnusable("the key is gone")
        return call(account, *arguments)

    monkeypatch.setattr(session, "call", refused_for_the_first)
    assert refresh_instruments() == Instrument.objects.filter(venue="binance").count() > 0
    assert f"by {unusable.name}: the key is gone" in caplog.text
