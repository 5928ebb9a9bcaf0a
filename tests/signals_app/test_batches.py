"""Many messages in one commit: each is answered as if it had come alone, in its order."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from exchanges.paper.matching import Engine
from positions.models import Position
from positions.services.instruments import refresh_instruments
from signals_app.models import SignalAttempt, SignalLog, SignalLogEntry
from signals_app.registry import Registry, load
from signals_app.services.arrivals import Verdict
from signals_app.services.intake import receive_batch, receive_signal
from tests.builders import a_strategy, a_ticker, an_account
from tests.locks import waiting_for_a_lock
from tests.ops.waiting import until
from tests.signals_app.test_intake import a_trader, arrival, frame, outcomes


def take_in(raws: Sequence[str | bytes], registry: Registry | None = None) -> list[Verdict]:
    return receive_batch([arrival(raw) for raw in raws], registry or load())


def statuses(verdicts: Sequence[Verdict]) -> list[str]:
    return [verdict.status.value for verdict in verdicts]


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def refuse(condition: str) -> None:
    """The database itself fails on such rows."""
    run_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk on fire'; END $$;"
        f"CREATE TRIGGER refuse BEFORE INSERT ON signals_v2_log FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION refuse()"
    )


def test_a_batch_is_answered_in_order_with_the_row_of_each(account) -> None:
    a_trader(account)
    raws = [frame(), "{", frame("nobody knows it"), b"\xff", frame("EXIT")]
    verdicts = take_in(raws)
    assert statuses(verdicts) == ["new", "ignored", "ignored", "ignored", "new"]
    assert [verdict.reason_code for verdict in verdicts] == [
        None,
        "unreadable",
        "no_strategy",
        "unreadable",
        None,
    ]
    assert outcomes(verdicts[0]) == [("opened", "")]
    rows = SignalLog.objects.order_by("pk")
    assert [verdict.log_id for verdict in verdicts] == [row.pk for row in rows]
    assert [row.uid for row in rows] == [verdict.uid for verdict in verdicts]
    assert [row.raw_message for row in rows] == [raws[0], "{", raws[2], "\ufffd", raws[4]]


def test_an_empty_batch_is_nothing(db) -> None:
    assert take_in([]) == []


def test_repeats_inside_a_batch_and_of_what_is_there_are_attempts(account) -> None:
    a_trader(account)
    before, inside = frame("EXIT"), frame()
    (first,) = take_in([before])
    verdicts = take_in([inside, before, inside, json.dumps(json.loads(inside) | {"symbol": "btc/usdt"})])
    assert statuses(verdicts) == ["new", "duplicate", "duplicate", "duplicate"]
    assert [verdict.log_id for verdict in verdicts[1:]] == [first.log_id, *[verdicts[0].log_id] * 2]
    uids = list(SignalAttempt.objects.order_by("pk").values_list("uid", flat=True))
    assert uids == [first.uid, verdicts[0].uid, verdicts[0].uid]
    assert (SignalLog.objects.count(), Position.objects.count()) == (2, 1)


def test_signals_of_one_contract_are_followed_in_the_order_of_their_arrival(account) -> None:
    """Each finds what the one before it left."""
    a_trader(account)
    verdicts = take_in([frame("EXIT"), frame("UP"), frame("UP", bar_time=1772366400), frame("DOWN")])
    assert [outcomes(one)[0] for one in verdicts] == [
        ("skipped", "nothing to close"),
        ("opened", ""),
        ("skipped", "already open"),
        ("opened", ""),
    ]
    assert [one.log_id for one in SignalLogEntry.objects.order_by("pk")] == [one.log_id for one in verdicts]


def test_what_trades_nothing_costs_no_query_of_its_own(account, django_assert_max_num_queries) -> None:
    strategy = a_trader(account, enabled=False)
    strategy.phrases.create(phrase="OTHER", direction="long")
    tables = load()
    skipped = [frame(bar_time=1772366400 + number) for number in range(100)]
    ignored = [frame("nobody", bar_time=1772366400 + number) for number in range(100)]
    with django_assert_max_num_queries(9):
        verdicts = take_in([*skipped, *ignored, *skipped, "{", "{"], tables)
    assert statuses(verdicts) == ["new"] * 100 + ["ignored"] * 100 + ["duplicate"] * 100 + ["ignored"] * 2
    assert {entry.reason_code for one in verdicts for entry in one.entries} == {"strategy_off"}
    assert SignalLogEntry.objects.count() == SignalAttempt.objects.count() == 100


def test_the_price_of_a_contract_is_asked_for_once(account, marks, django_assert_max_num_queries) -> None:
    """Entries of one contract, most of them skipped: what they cost is their decision, not a question each."""
    a_trader(account)
    tables, before = load(), frame(bar_time=1772366400)
    take_in([before], tables)
    again = [before, *(frame(bar_time=1772366401 + number) for number in range(20))]
    with django_assert_max_num_queries(35):
        verdicts = take_in(again, tables)
    assert statuses(verdicts) == ["duplicate"] + ["new"] * 20
    assert {entry.reason_code for one in verdicts for entry in one.entries} == {"already_open"}


def test_where_one_fails_the_others_are_taken_alone(account, caplog) -> None:
    a_trader(account)
    refuse("NEW.message = 'DOWN'")
    verdicts = take_in([frame("EXIT"), frame("DOWN"), frame("nobody")])
    assert statuses(verdicts) == ["new", "ignored", "ignored"]
    assert [verdict.reason_code for verdict in verdicts] == [None, "internal_error", "no_strategy"]
    assert "each is tried alone" in caplog.text
    assert SignalLog.objects.filter(uid=None).get().reason == "internal error (ProgrammingError)"
    assert SignalLog.objects.count() == 3


def test_where_not_even_a_row_can_be_written_nothing_is_answered(db) -> None:
    """Whoever keeps the messages, keeps them."""
    refuse("true")
    with pytest.raises(Exception, match="disk on fire"):
        take_in(["{"])
    assert not SignalLog.objects.exists()


def test_a_database_that_went_away_is_no_reason_to_give_a_signal_up(transactional_db) -> None:
    a_ticker("BTCUSDT")
    tables, raw = load(), frame("nobody")
    run_sql(
        "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;"
        "CREATE TRIGGER leave BEFORE INSERT ON signals_v2_log FOR EACH ROW EXECUTE FUNCTION leave()"
    )
    with pytest.raises(OperationalError):
        take_in([raw], tables)
    connections.close_all()
    run_sql("DROP FUNCTION leave CASCADE")
    assert statuses(take_in([raw], tables)) == ["ignored"]


def test_a_strategy_that_was_deleted_since_the_tables_were_read(account) -> None:
    gone = a_trader(account, enabled=False)
    tables = load()
    gone.delete()
    (verdict,) = take_in([frame()], tables)
    assert (verdict.status, verdict.reason_code) == ("ignored", "no_strategy")
    assert SignalLog.objects.get().status == "ignored"


def test_batches_that_share_signals_trade_each_once(transactional_db, engine: Engine) -> None:
    account = an_account()
    refresh_instruments()
    a_ticker("BTCUSDT")
    strategy = a_strategy(account, notional=Decimal(1000))
    for phrase, direction in (("UP", "long"), ("EXIT", "close_long")):
        strategy.phrases.create(phrase=phrase, direction=direction)
    now = int(timezone.now().timestamp())
    raws = [frame("UP", bar_time=now), *(frame("EXIT", bar_time=now - number) for number in range(30))]
    tables, barrier = load(), threading.Barrier(4)

    def one(number: int) -> list[Verdict]:
        barrier.wait()
        try:
            return take_in(raws if number % 2 else raws[::-1], tables)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        verdicts = [verdict for batch in pool.map(one, range(4)) for verdict in batch]
    assert statuses(verdicts).count("new") == len(raws) == SignalLog.objects.count()
    assert statuses(verdicts).count("duplicate") == 3 * len(raws) == SignalAttempt.objects.count()
    assert Position.objects.count() == 1


def test_a_message_alone_is_a_batch_of_one(account) -> None:
    a_trader(account)
    one, again = receive_signal(arrival(frame()), load()), take_in([frame()])[0]
    assert (again.status, again.uid, again.log_id) == ("duplicate", one.uid, one.log_id)


@pytest.mark.django_db(transaction=True)
def test_two_batches_of_the_same_signals_never_wait_for_each_other_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both are held up at the one in the middle; each would then have what the other one wants."""
    first, middle, last = (frame(message=f"WORDS {number}") for number in range(3))
    tables = load()

    def receive(raws: Sequence[str]) -> int:
        verdicts = receive_batch([arrival(raw) for raw in raws], tables)
        connections.close_all()
        return sum(verdict.status != "duplicate" for verdict in verdicts)

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            receive_batch([arrival(middle)], tables)
            counts = [pool.submit(receive, raws) for raws in ((first, middle, last), (last, middle, first))]
            until(lambda: waiting_for_a_lock() == 2, "both to be held up")
            transaction.set_rollback(True)
        assert sum(count.result(20) for count in counts) == 3
    assert "failed as a whole" not in caplog.text
