"""What follows a signal when something breaks in the middle: all of it, or a verdict that says what is true."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from positions.models import Position
from signals_app.models import SignalLog, SignalLogEntry
from signals_app.registry import load
from signals_app.services.intake import receive_signal
from tests.builders import a_position, an_account
from tests.signals_app.test_intake import a_trader, arrival, frame, outcomes, receive


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def fail(when: str, sqlstate: str) -> None:
    run_sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{sqlstate}'; END $$;"
        f"CREATE TRIGGER fail BEFORE {when} EXECUTE FUNCTION fail()"
    )


def test_a_close_that_lost_a_deadlock_leaves_nothing_and_is_done_when_it_comes_again(account) -> None:
    strategy = a_trader(account)
    position = a_position(account=account, strategy=strategy)
    raw, tables = frame("EXIT"), load()
    fail("UPDATE ON positions FOR EACH ROW WHEN (NEW.status = 'closing')", "40P01")
    with pytest.raises(OperationalError):
        receive_signal(arrival(raw), tables)
    assert not SignalLog.objects.exists()
    run_sql("DROP FUNCTION fail CASCADE")
    assert outcomes(receive_signal(arrival(raw), tables)) == [("closed", "")]
    position.refresh_from_db()
    assert position.status == "closing"


def test_a_reversal_whose_opening_fails_says_that_the_close_stands(account) -> None:
    strategy = a_trader(account)
    position = a_position(account=account, strategy=strategy)
    fail("INSERT ON positions FOR EACH ROW", "P0001")
    (entry,) = receive(frame("DOWN")).entries
    position.refresh_from_db()
    assert (position.status, entry.status, entry.position_id) == ("closing", "closed", position.pk)
    assert entry.note == "the opposite position is being closed; nothing opened: ProgrammingError"
    kept = SignalLogEntry.objects.get()
    assert (kept.status, kept.reason_code, kept.position) == ("closed", "internal_error", position)


@pytest.mark.parametrize("message", ["EXIT", "DOWN"])
def test_a_strategy_that_was_moved_to_another_account_since_the_tables_were_read(account, message) -> None:
    strategy = a_trader(account)
    position = a_position(account=account, strategy=strategy)
    tables = load()
    strategy.accounts.update(account=an_account())
    (entry,) = receive(frame(message), tables).entries
    assert (entry.status, entry.reason_code) == ("skipped", "account_changed")
    position.refresh_from_db()
    assert (position.status, Position.objects.count()) == ("open", 1)


def test_one_close_that_fails_leaves_the_other_of_its_verdict(account) -> None:
    """A position that stands in elsewhere is closed by the same phrase."""
    strategy = a_trader(account)
    broken = a_position(account=account, strategy=strategy)
    elsewhere = a_position(account=an_account(), strategy=strategy, stands_in_for=account)
    fail(f"UPDATE ON positions FOR EACH ROW WHEN (NEW.id = {broken.pk})", "P0001")
    (entry,) = receive(frame("EXIT")).entries
    assert (entry.status, entry.position_id) == ("failed", broken.pk)
    assert entry.note == "1 of 2 could not be closed: ProgrammingError"
    assert dict(Position.objects.values_list("pk", "status")) == {broken.pk: "open", elsewhere.pk: "closing"}
