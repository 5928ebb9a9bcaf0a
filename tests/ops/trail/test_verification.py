"""verify_trail finds and names what somebody with all rights changed, and nothing else."""

from __future__ import annotations

import pytest
from django.core.management import CommandError
from django.db import connection

from exchanges.models import ExchangeAccount
from ops.models import TrailEntry, TrailSeal, UnsealedEntry
from ops.trail import services
from ops.trail.services import seal_waiting
from positions.models import RiskEvent
from tests.builders import a_fill, a_signal_log, a_trailing_stop, an_account, an_order

pytestmark = pytest.mark.django_db


def tamper(table: str, statement: str, *values: object) -> None:
    """As a person would who may do everything: the guards of this table off, the act, the guards on again."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, values or None)
        assert cursor.rowcount > 0, "the act must have changed something"
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def fill(db: None):
    """A traded order on the account "main", all of it sealed."""
    order = an_order(status="filled")
    ExchangeAccount.objects.filter(pk=order.account_id).update(name="main")
    a_trailing_stop(order.position)
    a_signal_log()
    made = a_fill(order)
    seal_waiting()
    return made


def sealed(table: str, change: str = "insert") -> tuple[TrailEntry, TrailSeal]:
    entry = TrailEntry.objects.filter(subject_table=table, change=change).latest("id")
    return entry, TrailSeal.objects.get(entry_id=entry.pk)


def test_a_clean_database_is_found_clean_and_tells_its_heads(fill, say) -> None:
    status, lines = say("verify_trail")
    heads = {seal.account_id: seal for seal in TrailSeal.objects.order_by("seq")}
    main, nobody = heads[fill.account_id], heads[0]
    assert (status, lines) == (
        0,
        [
            f"(no account): 1 sealed, head (no account):1:{nobody.hash}",
            f"main: {main.seq} sealed, head main:{main.seq}:{main.hash}",
            "nothing was changed",
        ],
    )
    assert main.seq == TrailEntry.objects.filter(account_id=fill.account_id).count()


def test_an_empty_database_is_clean(say) -> None:
    assert say("verify_trail") == (0, ["nothing was changed"])


def test_what_was_written_a_moment_ago_is_sealed_first(fill, say) -> None:
    an_order()
    assert UnsealedEntry.objects.exists()
    assert say("verify_trail")[0] == 0
    assert not UnsealedEntry.objects.exists()


def test_a_flipped_byte_in_an_entry_is_found_and_named(fill, say) -> None:
    entry, seal = sealed("trades")
    tamper(
        "trail", "UPDATE trail SET content = jsonb_set(content, '{price}', '97250.5') WHERE id = %s", entry.pk
    )
    status, lines = say("verify_trail")
    assert status == 1
    assert (
        lines[0] == f"main, seq {seal.seq}, entry {entry.pk}: insert trades {fill.pk}: is not what was sealed"
    )
    assert lines[1].startswith(f"main, seq {seal.seq}, entry {entry.pk}: trades {fill.pk}: price is 97250.4")
    assert lines[-1] == "2 faults"


@pytest.mark.parametrize("column", ["prev_hash", "hash"])
def test_a_flipped_byte_in_a_seal_is_found_and_named(fill, say, column: str) -> None:
    entry, seal = sealed("orders")
    flip = (
        f"UPDATE trail_seal SET {column} = translate(left({column}, 1), '0123456789abcdef', '123456789abcdef0') "  # noqa: S608
        f"|| substr({column}, 2) WHERE entry_id = %s"
    )
    tamper("trail_seal", flip, entry.pk)
    status, lines = say("verify_trail")
    assert status == 1
    assert lines[0] == (
        f"main, seq {seal.seq}, entry {entry.pk}: insert orders {fill.order_id}: {column} of its seal was changed"
    )


def test_a_deleted_entry_is_found_and_named(fill, say) -> None:
    entry, seal = sealed("exchanges_exchangeaccount", "update")
    tamper("trail", "DELETE FROM trail WHERE id = %s", entry.pk)
    status, lines = say("verify_trail")
    assert (status, lines[0]) == (1, f"main, seq {seal.seq}, entry {entry.pk}: is sealed and gone")
    assert "name is 'main', its entries say 'paper-" in lines[1]


def test_an_entry_deleted_with_its_seal_leaves_a_gap(fill, say) -> None:
    entry, seal = sealed("orders")
    tamper("trail", "DELETE FROM trail WHERE id = %s", entry.pk)
    tamper("trail_seal", "DELETE FROM trail_seal WHERE entry_id = %s", entry.pk)
    status, lines = say("verify_trail")
    assert status == 1
    assert lines[0] == f"main, seq {seal.seq}: no seal from here to {seal.seq}"
    assert f"orders {fill.order_id}: the row has no entry" in lines[1]


def test_the_last_seals_removed_leave_entries_without_one(fill, say) -> None:
    entry, _ = sealed("trades")
    tamper("trail_seal", "DELETE FROM trail_seal WHERE entry_id = %s", entry.pk)
    status, lines = say("verify_trail")
    assert (status, lines[0]) == (1, f"main, entry {entry.pk}: insert trades {fill.pk} has no seal")


def test_two_seals_that_change_places_are_found(fill, say) -> None:
    (first, one), (second, other) = sealed("orders"), sealed("trades")
    move = "UPDATE trail_seal SET seq = %s WHERE entry_id = %s"
    for seq, entry in ((-1, first), (one.seq, second), (other.seq, first)):
        tamper("trail_seal", move, seq, entry.pk)
    status, lines = say("verify_trail")
    assert status == 1
    named = "\n".join(lines)
    for seq, entry in ((one.seq, second), (other.seq, first)):
        assert f"main, seq {seq}, entry {entry.pk}: " in named


def test_a_row_changed_behind_the_triggers_is_found_with_its_column(fill, say) -> None:
    tamper("trades", "UPDATE trades SET price = 1, fee = 0 WHERE id = %s", fill.pk)
    entry, seal = sealed("trades")
    status, lines = say("verify_trail")
    assert (status, lines[0]) == (
        1,
        f"main, seq {seal.seq}, entry {entry.pk}: trades {fill.pk}: fee is 0.00000000, its entries say 0.30000000; "
        "price is 1.00000000, its entries say 97250.40000000",
    )


def test_a_row_made_or_removed_behind_the_triggers_is_found(fill, say) -> None:
    event = RiskEvent.objects.create(account=fill.account, event_type="x", risk_level="low")
    tamper("risk_events", "DELETE FROM risk_events WHERE id = %s", event.pk)
    tamper(
        "trades",
        'INSERT INTO trades SELECT (jsonb_populate_record(t, \'{"id": 900, "trade_id": "x"}\')).* FROM trades t',
    )
    tamper("trailing_stop_state", "DELETE FROM trailing_stop_state")
    lines = "\n".join(say("verify_trail")[1])
    assert "main: trades 900: the row has no entry" in lines
    assert f"risk_events {event.pk}: the row is gone and no entry says so" in lines
    assert f"trailing_stop_state {fill.position_id}: the row is gone and no entry says so" in lines


def test_a_row_that_came_back_after_its_deletion_is_found(fill, say) -> None:
    event = RiskEvent.objects.create(account=fill.account, event_type="x", risk_level="low")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM risk_events")
    event.delete()
    tamper("risk_events", "INSERT INTO risk_events SELECT * FROM kept")
    status, lines = say("verify_trail")
    assert (status, lines[0].split(": ")[-1]) == (1, "the row is there although its last entry says deleted")


def test_a_legitimate_change_is_no_fault(fill, say) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trades SET price = 1")
    assert say("verify_trail")[0] == 0


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        ("positions", "record_trail"),
        ("trailing_stop_state", "record_trail_of_moves"),
        ("signals_v2_log", "record_trail_of_many"),
        ("trail", "trail_stays"),
    ],
)
@pytest.mark.parametrize("act", ["ALTER TABLE {0} DISABLE TRIGGER {1}", "DROP TRIGGER {1} ON {0}"])
def test_a_guard_that_is_off_is_named(say, table: str, trigger: str, act: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(act.format(table, trigger))
    status, lines = say("verify_trail")
    assert (status, lines[0]) == (1, f"(no account): trigger {trigger} of {table} is switched off or gone")


def test_one_account_can_be_asked_for(fill, say) -> None:
    other = an_account(name="other")
    seal_waiting()
    tamper(
        "exchanges_exchangeaccount",
        "UPDATE exchanges_exchangeaccount SET max_exposure = 1 WHERE id = %s",
        other.pk,
    )
    assert say("verify_trail", account="main")[0] == 0
    status, lines = say("verify_trail", account="other")
    assert status == 1
    assert "max_exposure is 1.00, its entries say 30000" in lines[0]
    with pytest.raises(CommandError, match="no account nobody"):
        say("verify_trail", account="nobody")


def test_a_noted_head_is_held_by_the_chain_as_it_grows(fill, say) -> None:
    head = say("verify_trail", account="main")[1][0].split("head ")[1]
    an_order(fill.position, purpose="close")
    assert say("verify_trail", account="main", noted=[head])[0] == 0


def test_a_chain_rewritten_from_the_start_is_found_only_by_a_noted_head(fill, say) -> None:
    head = say("verify_trail", account="main")[1][0].split("head ")[1]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trades SET price = 1")
    price = "UPDATE trail SET content = jsonb_set(content, '{price}', '1') WHERE subject_table = 'trades'"
    tamper("trail", price)
    tamper("trail_seal", "DELETE FROM trail_seal")
    tamper("trail_unsealed", "INSERT INTO trail_unsealed SELECT id FROM trail ON CONFLICT DO NOTHING")
    assert say("verify_trail", account="main")[0] == 0
    status, lines = say("verify_trail", account="main", noted=[head])
    seq = head.split(":")[1]
    assert (status, lines[0]) == (1, f"main, seq {seq}: the chain does not hold the hash that was noted")


@pytest.mark.parametrize("noted", ["main", "main:x:y", "main:1:short"])
def test_a_noted_head_that_cannot_be_read_is_said(fill, say, noted: str) -> None:
    with pytest.raises(CommandError, match=f"{noted} is not NAME:SEQ:HASH"):
        say("verify_trail", noted=[noted])


def test_an_entry_that_vanished_before_its_seal_is_found_and_stops_nobody(fill, say) -> None:
    gone = TrailEntry.objects.get(subject_table="orders", subject_key=str(an_order().pk), change="insert")
    tamper("trail", "DELETE FROM trail WHERE id = %s", gone.pk)
    later = an_order()
    lines = say("verify_trail")[1]
    assert f"(no account), entry {gone.pk}: waited for its seal and is gone" in lines
    assert TrailSeal.objects.filter(entry_id=TrailEntry.objects.get(subject_key=str(later.pk)).pk).exists()


def test_batches_follow_each_other(say, monkeypatch) -> None:
    monkeypatch.setattr(services, "BATCH", 7)
    for _ in range(10):
        a_fill()
    seal_waiting()
    assert say("verify_trail")[0] == 0
    assert TrailSeal.objects.count() == TrailEntry.objects.count() > 30
