"""008 removes the trailing states of what is over, 009 ties each of the others to its position; and their ways back."""

from __future__ import annotations

import psycopg
import pytest

from ops.legacy import catalog
from ops.legacy.sql_files import STALE_STATES as STALE
from ops.legacy.sql_files import STATES_OF_POSITIONS, path_of
from tests.legacy.generations import LIVE_STATES, STALE_STATES, empty_generation, generation
from tests.legacy.pictures import asked, before_and_after, picture
from tests.legacy.running import run

CLEAN, CLEAN_BACK = path_of(STALE), path_of(STALE, back=True)
LINK, LINK_BACK = path_of(STATES_OF_POSITIONS), path_of(STATES_OF_POSITIONS, back=True)
STATES = "SELECT id, to_jsonb(s) FROM monitoring.trailing_stop_state s ORDER BY id"
LINKS = "SELECT id, position_id FROM monitoring.trailing_stop_state"
FOREIGN_KEYS = (
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE contype = 'f' AND conrelid = 'monitoring.trailing_stop_state'::regclass"
)
EVENTS = "SELECT details FROM monitoring.risk_events WHERE event_type LIKE 'database_migration%' ORDER BY id"


@pytest.mark.parametrize("number", [1, 2])
def test_29_stale_states_become_none_and_live_ones_stay(legacy: psycopg.Cursor, number: int) -> None:
    generation(number, legacy)
    states = dict(asked(legacy, STATES))
    assert set(states) == STALE_STATES | set(LIVE_STATES)
    assert len(STALE_STATES) == len(catalog.stale_states(legacy)) == 29
    run(legacy, CLEAN)
    assert catalog.stale_states(legacy) == []
    assert dict(asked(legacy, STATES)) == {number: states[number] for number in LIVE_STATES}
    ((details,),) = asked(legacy, EVENTS)
    assert (details["before"], details["stale"], details["after"]) == (38, 29, 9)
    once = picture(legacy)
    run(legacy, CLEAN)
    assert picture(legacy) == once


LIVE = ("active", "ACTIVE", "Open", "pending_entry", "ENTRY_PLACED", "pending_sl")
OVER = ("closed", "CANCELED", "failed", "rolled_back", "expired", "phantom", "LIQUIDATED")


def test_a_reopened_symbol_keeps_its_state(legacy: psycopg.Cursor) -> None:
    """However many of its positions are over, and whichever of them the state names."""
    empty_generation(1, legacy)
    for number, live in enumerate(LIVE):
        for place, status in enumerate((*OVER, live)):
            legacy.execute(
                "INSERT INTO monitoring.positions (id, symbol, exchange, side, quantity, entry_price, status) "
                "VALUES (%s, %s, 'binance', 'long', 1, 97000, %s)",
                [100 * number + place, f"S{number}USDT", status],
            )
        legacy.execute(
            "INSERT INTO monitoring.trailing_stop_state (symbol, exchange, side, entry_price, quantity, position_id) "
            "VALUES (%s, 'binance', 'long', 97000, 1, %s)",
            [f"S{number}USDT", 100 * number],
        )
    run(legacy, CLEAN)
    run(legacy, LINK)
    live_ones = [100 * number + len(OVER) for number in range(len(LIVE))]
    assert sorted(position for _, position in asked(legacy, LINKS)) == live_ones


OPENED_AGAIN = """
    INSERT INTO monitoring.positions (id, symbol, exchange, side, quantity, entry_price, status) VALUES
        (1, 'BTCUSDT', 'binance', 'long', 1, 50000, 'closed'), (2, 'BTCUSDT', 'binance', 'long', 1, %s, 'active');
    INSERT INTO monitoring.trailing_stop_state
        (symbol, exchange, side, entry_price, quantity, position_id, highest_price)
        VALUES ('BTCUSDT', 'binance', 'long', %s, 1, %s, 60000)
"""
KEPT_AWAY = "SELECT was -> 'highest_price' FROM monitoring.trailing_stop_state_stale_backup"


@pytest.mark.parametrize(
    ("opened_at", "state_of", "names", "belongs_to"),
    [
        (55000, 50000, 1, None),  # its peak and stop are those of the trade before
        (55000, 50000, "NULL", None),
        (50040, 50000, 1, 2),  # as close as the price that was asked for and the one that was got
        (55000, 50000, 2, 2),  # the old bot itself says whose it is
        (55000, 999999, "NULL", 2),
        (0, 50000, 1, 2),
    ],
)
def test_a_state_of_an_earlier_trade_is_not_given_to_the_next_one(
    legacy: psycopg.Cursor, opened_at: int, state_of: int, names: int | str, belongs_to: int | None
) -> None:
    empty_generation(1, legacy)
    legacy.execute(OPENED_AGAIN % (opened_at, state_of, names))
    assert len(catalog.stale_states(legacy)) == (belongs_to is None)
    run(legacy, CLEAN)
    run(legacy, LINK)
    if belongs_to:
        assert [position for _, position in asked(legacy, LINKS)] == [belongs_to]
    else:
        assert (asked(legacy, LINKS), asked(legacy, KEPT_AWAY)) == ([], [(60000,)])


def test_without_008_such_a_state_is_refused_and_not_linked(legacy: psycopg.Cursor) -> None:
    empty_generation(1, legacy)
    legacy.execute(OPENED_AGAIN % (55000, 50000, "NULL"))
    with pytest.raises(psycopg.errors.RaiseException, match="have no position; run 008"):
        run(legacy, LINK)


@pytest.mark.parametrize("number", [1, 2])
def test_each_state_leads_to_its_live_position(legacy: psycopg.Cursor, number: int) -> None:
    generation(number, legacy)
    run(legacy, CLEAN)
    states = dict(asked(legacy, STATES))
    run(legacy, LINK)
    assert dict(asked(legacy, LINKS)) == LIVE_STATES
    kept = {number: state | {"position_id": LIVE_STATES[number]} for number, state in states.items()}
    assert dict(asked(legacy, STATES)) == kept
    once = picture(legacy)
    run(legacy, LINK)
    assert picture(legacy) == once
    with pytest.raises(psycopg.errors.NotNullViolation):
        legacy.execute("UPDATE monitoring.trailing_stop_state SET position_id = NULL WHERE id = 101")
    legacy.execute("DELETE FROM monitoring.positions WHERE id = 301")
    assert 101 not in dict(asked(legacy, LINKS))


OLD_BOTS_WAY_OF_SAVING = """
    INSERT INTO monitoring.trailing_stop_state
        (symbol, exchange, side, entry_price, quantity, position_id, highest_price)
    VALUES ('BTCUSDT', 'binance', 'long', 97000, 1, 301, 98200)
    ON CONFLICT (symbol, exchange) DO UPDATE SET highest_price = EXCLUDED.highest_price
"""


def test_the_old_bot_can_save_its_states_as_before(legacy: psycopg.Cursor) -> None:
    """Where it is started again and no contract has two legs."""
    generation(1, legacy)
    legacy.execute("UPDATE monitoring.positions SET status = 'closed' WHERE id = 309")
    run(legacy, CLEAN)
    run(legacy, LINK)
    legacy.execute(OLD_BOTS_WAY_OF_SAVING)
    saved = asked(
        legacy, "SELECT position_id, highest_price FROM monitoring.trailing_stop_state WHERE id = 101"
    )
    assert saved == [(301, 98200)]


def test_both_legs_of_a_contract_may_have_a_state(legacy: psycopg.Cursor) -> None:
    generation(1, legacy)
    run(legacy, CLEAN)
    run(legacy, LINK)
    legacy.execute(
        "INSERT INTO monitoring.trailing_stop_state (symbol, exchange, side, entry_price, quantity, position_id) "
        "VALUES ('LINKUSDT', 'bybit', 'short', 18.6, 5, 309)"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        legacy.execute("UPDATE monitoring.trailing_stop_state SET position_id = 309 WHERE id = 108")


BEFORE_IT = {
    "no column": "ALTER TABLE {t} DROP COLUMN position_id",
    "no key": "ALTER TABLE {t} DROP CONSTRAINT {t_key}; UPDATE {t} SET position_id = 999999 WHERE id = 101",
    "a key that stops deletes": "ALTER TABLE {t} DROP CONSTRAINT {t_key}, "
    "ADD CONSTRAINT other FOREIGN KEY (position_id) REFERENCES monitoring.positions (id)",
    "text": "ALTER TABLE {t} DROP CONSTRAINT {t_key}, ALTER position_id TYPE varchar(100); "
    "UPDATE {t} SET position_id = 'pos_1' WHERE id = 101",
}


@pytest.mark.parametrize("before_it", BEFORE_IT)
def test_what_was_left_before_is_repaired_and_comes_back(legacy: psycopg.Cursor, before_it: str) -> None:
    generation(2, legacy)
    table = "monitoring.trailing_stop_state"
    legacy.execute(BEFORE_IT[before_it].format(t=table, t_key="trailing_stop_state_position_id_fkey"))
    assert set(catalog.stale_states(legacy)) == STALE_STATES
    as_made = picture(legacy)
    run(legacy, CLEAN)
    cleaned = picture(legacy)
    run(legacy, LINK)
    assert dict(asked(legacy, LINKS)) == LIVE_STATES
    assert catalog.columns_of(legacy, table)["position_id"].nullable is False
    keys = asked(legacy, FOREIGN_KEYS)
    assert keys == [("FOREIGN KEY (position_id) REFERENCES monitoring.positions(id) ON DELETE CASCADE",)]
    run(legacy, LINK_BACK)
    assert before_and_after(picture(legacy)) == before_and_after(cleaned)
    run(legacy, CLEAN_BACK)
    assert before_and_after(picture(legacy)) == before_and_after(as_made)
    back = picture(legacy)
    for path in (LINK_BACK, CLEAN_BACK):
        run(legacy, path)
    assert picture(legacy) == back


def test_states_without_a_position_are_not_tied_to_any(legacy: psycopg.Cursor) -> None:
    generation(1, legacy)
    before = picture(legacy)
    with pytest.raises(psycopg.errors.RaiseException, match="have no position; run 008"):
        run(legacy, LINK)
    assert picture(legacy) == before


def test_of_two_positions_of_a_leg_the_one_entered_at_the_states_price_has_it(legacy: psycopg.Cursor) -> None:
    generation(1, legacy)
    legacy.execute("DROP INDEX monitoring.idx_unique_active_position")
    legacy.execute(
        "INSERT INTO monitoring.positions (id, symbol, exchange, side, quantity, entry_price, status) "
        "VALUES (350, 'BTCUSDT', 'binance', 'BUY', 1, 96950, 'active')"
    )
    run(legacy, CLEAN)
    run(legacy, LINK)
    assert dict(asked(legacy, LINKS)) == LIVE_STATES


def test_of_two_states_of_one_position_the_later_one_is_kept(legacy: psycopg.Cursor) -> None:
    generation(1, legacy)
    legacy.execute(
        "INSERT INTO monitoring.trailing_stop_state (id, symbol, exchange, side, entry_price, quantity, created_at) "
        "VALUES (150, 'btc/usdt:usdt', 'binance', 'buy', 97000, 1, '2025-01-01')"
    )
    as_made = picture(legacy)
    run(legacy, CLEAN)
    run(legacy, LINK)
    assert dict(asked(legacy, LINKS)) == LIVE_STATES
    run(legacy, LINK_BACK)
    run(legacy, CLEAN_BACK)
    assert before_and_after(picture(legacy)) == before_and_after(as_made)


def test_removed_states_wait_for_the_other_way_back(legacy: psycopg.Cursor) -> None:
    generation(1, legacy)
    run(legacy, CLEAN)
    run(legacy, LINK)
    before = picture(legacy)
    with pytest.raises(
        psycopg.errors.RaiseException, match=r"run 009_add_ts_position_fk_rollback\.sql first"
    ):
        run(legacy, CLEAN_BACK)
    assert picture(legacy) == before


def test_a_state_that_was_replaced_since_stays_away_and_is_kept(legacy: psycopg.Cursor) -> None:
    generation(1, legacy)
    run(legacy, CLEAN)
    legacy.execute(
        "INSERT INTO monitoring.trailing_stop_state (id, symbol, exchange, side, entry_price, quantity) "
        "VALUES (500, 'STALE01USDT', 'binance', 'long', 3, 1)"
    )
    legacy.execute("DELETE FROM monitoring.positions WHERE id = 2")
    run(legacy, CLEAN_BACK)
    states = {number for number, _ in asked(legacy, STATES)}
    assert states == STALE_STATES - {1, 2} | set(LIVE_STATES) | {500}
    once = picture(legacy)
    kept = asked(legacy, "SELECT id FROM monitoring.trailing_stop_state_stale_backup ORDER BY id")
    assert kept == [(1,), (2,)]
    run(legacy, CLEAN_BACK)
    assert picture(legacy) == once
    legacy.execute("DELETE FROM monitoring.trailing_stop_state WHERE id = 500")
    run(legacy, CLEAN_BACK)
    assert 1 in dict(asked(legacy, STATES))


@pytest.mark.parametrize("number", [None, 0])
def test_nothing_happens_where_no_such_table_is(legacy: psycopg.Cursor, number: int | None) -> None:
    if number is not None:
        generation(number, legacy)
    before = picture(legacy)
    for path in (CLEAN, LINK, LINK_BACK, CLEAN_BACK):
        run(legacy, path)
    assert picture(legacy) == before
