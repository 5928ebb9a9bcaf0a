"""The old bots' databases that all other tests of moving in stand on are what their names say."""

from __future__ import annotations

import psycopg
import pytest

from ops.legacy.catalog import LIVE_STATUSES
from tests.legacy.generations import (
    LIVE_POSITIONS,
    LIVE_STATES,
    POSITIONS_WITH_SIGNAL_ID,
    STALE_STATES,
    TRADES_WITH_SIGNAL_ID,
    empty_generation,
    generation,
    many_trades,
    with_ids_as_text,
)


def asked(cursor: psycopg.Cursor, query: str) -> list[tuple[object, ...]]:
    return cursor.execute(query).fetchall()


@pytest.mark.parametrize("number", [1, 2])
def test_rows_of_the_later_bots(legacy: psycopg.Cursor, number: int) -> None:
    generation(number, legacy)
    live = f"SELECT id FROM monitoring.positions WHERE lower(status) IN {LIVE_STATUSES}"  # noqa: S608
    assert asked(legacy, "SELECT count(signal_id), count(*) FROM monitoring.positions") == [(286, 300)]
    assert asked(legacy, "SELECT count(signal_id) FROM monitoring.trades") == [
        (TRADES_WITH_SIGNAL_ID[number],)
    ]
    assert {row[0] for row in asked(legacy, live)} == LIVE_POSITIONS
    states = {row[0] for row in asked(legacy, "SELECT id FROM monitoring.trailing_stop_state")}
    assert states == STALE_STATES | set(LIVE_STATES)
    assert POSITIONS_WITH_SIGNAL_ID[number] == 286


def test_rows_of_the_first_bot(legacy: psycopg.Cursor) -> None:
    generation(0, legacy)
    statuses = asked(legacy, "SELECT status, count(*) FROM monitoring.positions GROUP BY 1 ORDER BY 1")
    assert statuses == [("active", 22), ("closed", 210)]
    filled = "SELECT count(*), min(signal_id), max(signal_id) FROM monitoring.trades WHERE status = 'FILLED'"
    assert asked(legacy, filled) == [(227, 12024414, 12147322)]
    assert asked(legacy, "SELECT count(DISTINCT signal_id) FROM monitoring.trades") == [
        (TRADES_WITH_SIGNAL_ID[0],)
    ]


def test_other_shapes_can_be_built(legacy: psycopg.Cursor) -> None:
    generation(1, legacy, fas=False, views=False)
    assert asked(legacy, "SELECT to_regnamespace('fas')") == [(None,)]
    with_ids_as_text(legacy)
    many_trades(20, legacy)
    assert asked(legacy, "SELECT count(*) FROM monitoring.trades") == [(32,)]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_bot_that_never_traded(legacy: psycopg.Cursor, number: int) -> None:
    empty_generation(number, legacy)
    assert asked(legacy, "SELECT count(*) FROM monitoring.positions") == [(0,)]
