"""An exchange that takes the question for a price and never answers: nothing opens, and nothing waits for long."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from exchanges import marks as prices
from exchanges import session
from exchanges.marks import Price
from exchanges.models import ExchangeAccount
from exchanges.types import PriceKind
from positions.models import Position
from signals_app.models import SignalLogEntry
from signals_app.outlook import Outlook
from signals_app.registry import load
from signals_app.sender_rules import SenderRule
from signals_app.services.dispatch import dispatch_accepted
from signals_app.services.intake import accept, receive_together
from tests.builders import a_position, a_ticker
from tests.signals_app.test_intake import a_trader, arrival, frame

NAMES = ("ETHUSDT", "SOLUSDT", "BNBUSDT")
PATIENCE = 2.0
ONE_AFTER_ANOTHER = PATIENCE * len(NAMES)


@pytest.fixture
def silent(account: ExchangeAccount, settings, monkeypatch) -> Iterator[ExchangeAccount]:
    """Connections are taken, and nothing is said."""
    monkeypatch.setattr(prices, "PATIENCE_SECONDS", PATIENCE)
    for name in NAMES:
        a_ticker(name)
    session.close_all()
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.PAPER_EXCHANGE_URL = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield account
        session.close_all()


def entries() -> list[tuple[str, str]]:
    return list(SignalLogEntry.objects.order_by("pk").values_list("log__symbol", "status"))


EXPECTED = [(name, "skipped") for name in NAMES] + [("BTCUSDT", "closed")]


def test_a_batch_has_one_patience_for_all_its_prices(silent) -> None:
    a_position(account=silent, strategy=a_trader(silent))
    tables, begun = load(), time.monotonic()
    receive_together([*(arrival(frame(symbol=name)) for name in NAMES), arrival(frame("EXIT"))], tables)
    assert time.monotonic() - begun < ONE_AFTER_ANOTHER
    assert entries() == EXPECTED


def test_accepted_signals_have_one_patience_and_a_close_behind_them_is_a_close(silent) -> None:
    a_position(account=silent, strategy=a_trader(silent))
    tables = load()
    rule = SenderRule("test", max_age=timedelta(minutes=5))
    for raw in [*(frame(symbol=name) for name in NAMES), frame("EXIT")]:
        accept(arrival(raw, rule=rule), tables)
    begun = time.monotonic()
    assert dispatch_accepted(10, tables) == 4
    assert time.monotonic() - begun < ONE_AFTER_ANOTHER
    assert entries() == EXPECTED


def test_what_became_too_old_while_it_waited_opens_nothing_and_closes(account) -> None:
    """Received in time; what it asked for took longer than its sender allows."""
    position = a_position(account=account, strategy=a_trader(account))
    rule = SenderRule("test", max_age=timedelta(seconds=10))
    long_ago = timezone.now() - timedelta(seconds=11)
    (verdict,) = receive_together([arrival(frame("DOWN"), rule=rule, received_at=long_ago)], load())
    position.refresh_from_db()
    assert position.status == "closing"
    assert "nothing opened: waited here until it was 11 s old" in verdict.entries[0].note
    assert Position.objects.count() == 1


def test_a_price_that_became_too_old_is_none(settings) -> None:
    settings.MAX_PRICE_AGE = timedelta(seconds=5)
    now = timezone.now()
    for age, expected in ((1, 100), (6, None)):
        price = Price(Decimal(100), now - timedelta(seconds=age))
        assert Outlook({(1, PriceKind.MARK): price}).price(1) == expected
