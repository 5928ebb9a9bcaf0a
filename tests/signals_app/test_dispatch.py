"""Signals that were only accepted are decided later, once, and not when they waited too long."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from exchanges.models import ExchangeAccount
from positions.models import Position
from signals_app.models import SignalLog, SignalLogEntry, SignalSender
from signals_app.registry import load
from signals_app.services.arrivals import Verdict
from signals_app.services.dispatch import dispatch_accepted
from signals_app.services.intake import accept
from tests.builders import a_position, a_strategy, a_ticker, an_account
from tests.signals_app.test_intake import a_trader, arrival, frame
from tests.signals_app.test_shapes import WAVE


def take_in(raw: str, **values: object) -> Verdict:
    return accept(arrival(raw, **values), load())


def test_what_is_accepted_is_a_row_and_no_trade_until_it_is_dispatched(account: ExchangeAccount) -> None:
    a_trader(account)
    verdict = take_in(frame())
    log = SignalLog.objects.get()
    assert (verdict.status, verdict.log_id, log.status, log.dispatched_at) == ("new", log.pk, "new", None)
    assert not Position.objects.exists()
    assert dispatch_accepted(10, load()) == 1
    log.refresh_from_db()
    assert (log.direction, log.entries.get().status) == ("long", "opened")
    assert log.dispatched_at is not None
    assert dispatch_accepted(10, load()) == 0
    assert Position.objects.count() == 1


def test_a_repeat_and_what_concerns_nobody_have_nothing_to_dispatch(account: ExchangeAccount) -> None:
    a_trader(account)
    raw = frame()
    assert [take_in(raw).status for _ in range(2)] == ["new", "duplicate"]
    assert take_in(frame("nobody knows it")).reason_code == "no_strategy"
    assert take_in("{").reason_code == "unreadable"
    assert dispatch_accepted(10, load()) == 1


def test_a_signal_that_waited_too_long_is_not_traded(account: ExchangeAccount) -> None:
    a_trader(account)
    take_in(frame(), received_at=timezone.now() - timedelta(minutes=6))
    assert dispatch_accepted(10, load()) == 1
    entry = SignalLogEntry.objects.get()
    assert (entry.status, entry.reason_code) == ("skipped", "stale")
    assert "waited here until it was 36" in entry.note


def test_a_sender_that_was_switched_off_meanwhile_trades_nothing(account: ExchangeAccount) -> None:
    a_trader(account)
    take_in(frame(), source="webhook:charts")
    SignalSender.objects.create(name="charts", token_hash="0" * 64, enabled=False)
    assert dispatch_accepted(10, load()) == 1
    log = SignalLog.objects.get()
    assert (log.status, log.reason_code, log.reason) == (
        "ignored",
        "not_permitted",
        "sender charts is switched off",
    )
    assert not SignalLogEntry.objects.exists()


def test_what_was_said_beside_a_signal_is_not_lost_on_the_way(account: ExchangeAccount) -> None:
    """A record for another exchange opens nothing on this one."""
    strategy = a_trader(account)
    strategy.phrases.create(phrase="SELL", direction="short")
    now = timezone.now().isoformat()
    take_in(json.dumps(WAVE | {"pair_symbol": "BTCUSDT", "timestamp": now, "created_at": now}))
    assert SignalLog.objects.get().details["stop_loss_percent"] == "3.5"
    assert dispatch_accepted(10, load()) == 1
    entry = SignalLogEntry.objects.get()
    assert (entry.status, entry.reason_code) == ("skipped", "other_exchange")


def test_a_row_that_cannot_be_decided_keeps_no_other_waiting(account: ExchangeAccount, caplog) -> None:
    a_trader(account)
    broken = take_in(frame("EXIT"))
    take_in(frame())
    SignalLog.objects.filter(pk=broken.log_id).update(details={"score_week": "many"})
    assert dispatch_accepted(10, load()) == 2
    log = SignalLog.objects.get(pk=broken.log_id)
    assert (log.status, log.reason_code) == ("ignored", "internal_error")
    assert f"accepted signal {log.pk} could not be decided" in caplog.text
    assert SignalLogEntry.objects.get().status == "opened"


def test_they_are_decided_in_the_order_of_their_rows_and_no_more_than_asked_for(
    account: ExchangeAccount,
) -> None:
    a_trader(account)
    rows = [take_in(frame(message)).log_id for message in ("EXIT", "UP", "DOWN")]
    assert [dispatch_accepted(2, load()) for _ in range(3)] == [2, 1, 0]
    assert list(SignalLogEntry.objects.order_by("pk").values_list("log_id", flat=True)) == rows


def fail_where(condition: str) -> None:
    """As a lost deadlock does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '40P01'; END $$;"
            f"CREATE TRIGGER fail BEFORE UPDATE ON signals_v2_log FOR EACH ROW WHEN ({condition})"
            " EXECUTE FUNCTION fail()"
        )


def decided() -> list[str]:
    rows = SignalLog.objects.exclude(dispatched_at=None).order_by("dispatched_at")
    return [f"{log.symbol} {log.message}" for log in rows]


def test_a_row_that_the_database_never_takes_holds_up_its_own_symbol_alone(account: ExchangeAccount) -> None:
    a_trader(account)
    a_ticker("ETHUSDT")
    for message, symbol in (("UP", "BTCUSDT"), ("EXIT", "BTCUSDT"), ("EXIT", "ETHUSDT"), ("DOWN", "ETHUSDT")):
        take_in(frame(message, symbol=symbol))
    fail_where("NEW.message = 'UP' AND NEW.dispatched_at IS NOT NULL")
    assert [dispatch_accepted(1, load()) for _ in range(3)] == [1, 1, 0]
    assert decided() == ["ETHUSDT EXIT", "ETHUSDT DOWN"]
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION fail CASCADE")
    assert dispatch_accepted(10, load()) == 2
    assert decided()[2:] == ["BTCUSDT UP", "BTCUSDT EXIT"]


def test_a_sender_that_was_deleted_meanwhile_speaks_to_nobody(account: ExchangeAccount) -> None:
    a_trader(account)
    sender = SignalSender.objects.create(name="charts", token_hash="1" * 64)
    sender.strategies.add(a_strategy(an_account(), name="other"))
    take_in(frame(), source="webhook:charts", rule=load().rule_of("charts"))
    sender.delete()
    assert dispatch_accepted(10, load()) == 1
    log = SignalLog.objects.get()
    assert (log.status, log.reason_code) == ("ignored", "not_permitted")
    assert log.reason == "sender charts is not known any more"
    assert not Position.objects.exists()


@pytest.mark.parametrize("message", ["EXIT", "DOWN"])
def test_what_waited_too_long_still_closes_and_opens_nothing(account: ExchangeAccount, message) -> None:
    strategy = a_trader(account)
    position = a_position(account=account, strategy=strategy)
    take_in(frame(message), received_at=timezone.now() - timedelta(minutes=6))
    assert dispatch_accepted(10, load()) == 1
    position.refresh_from_db()
    assert (position.status, SignalLogEntry.objects.get().status) == ("closing", "closed")
    assert Position.objects.count() == 1
