"""003: signal ids become text, with every id as it was; and the way back."""

from __future__ import annotations

from itertools import product

import psycopg
import pytest

from ops.legacy import catalog
from ops.legacy.sql_files import SIGNAL_IDS, path_of
from tests.legacy.generations import POSITIONS_WITH_SIGNAL_ID, empty_generation, generation
from tests.legacy.pictures import asked, before_and_after, picture
from tests.legacy.running import run

FORWARD, BACK = path_of(SIGNAL_IDS), path_of(SIGNAL_IDS, back=True)
IDS = "SELECT id, signal_id::text FROM monitoring.{} ORDER BY id"
TEXT = ("character varying(100)", True, None)


def signal_id(cursor: psycopg.Cursor, table: str) -> tuple[object, ...]:
    column = catalog.columns_of(cursor, f"monitoring.{table}")["signal_id"]
    return column.type, column.nullable, column.default


def notes(cursor: psycopg.Cursor, event: str) -> list[tuple[object, ...]]:
    query = "SELECT risk_level, details FROM monitoring.risk_events WHERE event_type = %s"
    return cursor.execute(query, [event]).fetchall()


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("surroundings", ["all", "nothing"])
def test_all_286_ids_are_the_same_text(legacy: psycopg.Cursor, number: int, surroundings: str) -> None:
    there = surroundings == "all"
    generation(number, legacy, fas=there, foreign_key=there, views=there)
    positions, trades = (asked(legacy, IDS.format(table)) for table in ("positions", "trades"))
    run(legacy, FORWARD)
    assert asked(legacy, IDS.format("positions")) == positions
    assert asked(legacy, IDS.format("trades")) == trades
    assert sum(value is not None for _, value in positions) == POSITIONS_WITH_SIGNAL_ID[number] == 286
    for table in ("positions", "trades"):
        assert signal_id(legacy, table) == TEXT
        assert "points to no table" in catalog.columns_of(legacy, f"monitoring.{table}")["signal_id"].comment
    assert asked(legacy, IDS.format("positions_signal_id_backup")) == positions
    assert asked(legacy, IDS.format("trades_signal_id_backup")) == trades
    assert catalog.foreign_keys_into(legacy, "fas") == []
    ((level, details),) = notes(legacy, "database_migration")
    assert (level, details["migration"]) == ("info", "003_cleanup_fas_signals")
    assert details["counts"]["positions"] == {"rows": 300, "with_signal_id": 286, "distinct_ids": 285}
    assert ("Legacy" in (catalog.comment_on(legacy, catalog.SCORING_HISTORY) or "")) == there


def test_the_first_bots_286_ids_and_their_positions(legacy: psycopg.Cursor) -> None:
    """Its positions had no such column: they get the id of their trade, where there is no doubt which one that is."""
    generation(0, legacy)
    trades = asked(legacy, IDS.format("trades"))
    touched = asked(legacy, "SELECT id, updated_at FROM monitoring.positions ORDER BY id")
    run(legacy, FORWARD)
    assert asked(legacy, IDS.format("trades")) == trades
    assert len({value for _, value in trades}) == 286
    assert signal_id(legacy, "positions") == signal_id(legacy, "trades") == TEXT
    positions = dict(asked(legacy, IDS.format("positions")))
    assert positions[1] == "12024414"
    assert [number for number, value in positions.items() if value is None] == [226, 227, *range(228, 233)]
    assert asked(legacy, "SELECT id, updated_at FROM monitoring.positions ORDER BY id") == touched
    assert len(notes(legacy, "database_migration")) == 1


def test_a_position_that_names_its_trade_has_its_signal(legacy: psycopg.Cursor) -> None:
    generation(0, legacy)
    legacy.execute("UPDATE monitoring.positions SET trade_id = 286 WHERE id = 232")
    run(legacy, FORWARD)
    assert dict(asked(legacy, IDS.format("positions")))[232] == "12200286"


def test_views_answer_as_before(legacy: psycopg.Cursor) -> None:
    generation(0, legacy)
    legacy.execute("CREATE ROLE reader_of_views")
    legacy.execute("GRANT SELECT ON monitoring.v_current_positions TO reader_of_views WITH GRANT OPTION")
    legacy.execute(
        "CREATE MATERIALIZED VIEW monitoring.v_kept AS SELECT signal_id, id FROM monitoring.v_current_positions; "
        "CREATE UNIQUE INDEX ON monitoring.v_kept (id)"
    )
    views = ("v_recent_signals", "v_traded_signals", "v_current_positions", "v_kept", "v_daily_pnl")
    before, as_made = {view: answers(legacy, view) for view in views}, picture(legacy)
    try:
        run(legacy, FORWARD)
        assert {view: answers(legacy, view) for view in views} == before
        now = picture(legacy)["views"]
        assert [(row[0], *row[2:]) for row in now] == [(row[0], *row[2:]) for row in as_made["views"]]
        run(legacy, BACK)
        assert before_and_after(picture(legacy)) == before_and_after(as_made)
    finally:
        legacy.execute("DROP OWNED BY reader_of_views; DROP ROLE reader_of_views")


def answers(cursor: psycopg.Cursor, view: str) -> list[tuple[object, ...]]:
    return asked(cursor, f"SELECT v::text FROM monitoring.{view} v ORDER BY 1")  # noqa: S608


def test_a_view_that_reckons_with_ids_stops_it(legacy: psycopg.Cursor) -> None:
    generation(1, legacy)
    legacy.execute("CREATE VIEW monitoring.v_next AS SELECT signal_id + 1 AS next FROM monitoring.positions")
    before = picture(legacy)
    with pytest.raises(
        psycopg.errors.RaiseException, match=r"the view monitoring\.v_next uses signal ids as numbers"
    ):
        run(legacy, FORWARD)
    assert picture(legacy) == before


def test_what_stands_in_the_way_of_text_goes(legacy: psycopg.Cursor) -> None:
    generation(1, legacy, fas=False, views=False)
    legacy.execute("ALTER TABLE monitoring.positions ALTER signal_id SET DEFAULT 7")
    legacy.execute("UPDATE monitoring.trades SET signal_id = 5 WHERE signal_id IS NULL")
    legacy.execute("ALTER TABLE monitoring.trades ALTER signal_id SET NOT NULL, ALTER signal_id TYPE bigint")
    before = picture(legacy)
    run(legacy, FORWARD)
    assert signal_id(legacy, "positions") == signal_id(legacy, "trades") == TEXT
    run(legacy, BACK)
    assert before_and_after(picture(legacy)) == before_and_after(before)


def test_too_long_an_id_is_refused_and_never_cut(legacy: psycopg.Cursor) -> None:
    generation(1, legacy, foreign_key=False, views=False)
    legacy.execute("ALTER TABLE monitoring.trades ALTER signal_id TYPE text")
    legacy.execute("UPDATE monitoring.trades SET signal_id = repeat('x', 101) WHERE id = 1")
    before = picture(legacy)
    with pytest.raises(psycopg.errors.StringDataRightTruncation):
        run(legacy, FORWARD)
    assert picture(legacy) == before


@pytest.mark.parametrize("number", [0, 1, 2])
def test_there_and_back_each_twice(legacy: psycopg.Cursor, number: int) -> None:
    generation(number, legacy)
    as_made = picture(legacy)
    run(legacy, FORWARD)
    there = picture(legacy)
    run(legacy, FORWARD)
    assert picture(legacy) == there
    run(legacy, BACK)
    back = picture(legacy)
    assert before_and_after(back) == before_and_after(as_made)
    assert [level for level, _ in notes(legacy, "database_migration_rollback")] == ["critical"]
    run(legacy, BACK)
    assert picture(legacy) == back


def test_there_and_back_and_there_again_keeps_both_backups(legacy: psycopg.Cursor) -> None:
    generation(1, legacy)
    run(legacy, FORWARD)
    run(legacy, BACK)
    legacy.execute("UPDATE monitoring.positions SET signal_id = 1000002 WHERE id = 1")
    run(legacy, FORWARD)
    assert dict(asked(legacy, IDS.format("positions_signal_id_backup")))[1] == "1000002"
    kept = [table for table in catalog.backup_tables(legacy) if "positions_signal_id_backup_" in table]
    assert len(kept) == 1
    assert asked(legacy, f"SELECT signal_id FROM {kept[0]} WHERE id = 1") == [(1000001,)]  # noqa: S608


NO_INTEGERS = ("wave_123", "2147483648", "007", "1.5", "99999999999999999999", "")


@pytest.mark.parametrize(("number", "values"), [(0, ["wave_123"]), (1, NO_INTEGERS), (2, ["wave_123"])])
def test_an_id_that_is_no_such_number_stops_the_way_back(
    legacy: psycopg.Cursor, number: int, values: list[str]
) -> None:
    generation(number, legacy)
    run(legacy, FORWARD)
    for table, value in product(("positions", "trades"), values):
        where = f"UPDATE monitoring.{table} SET signal_id = %s WHERE id = 5"  # noqa: S608
        legacy.execute(where, [value])
        before = picture(legacy)
        refusal = rf"Nothing was changed: monitoring\.{table} holds 1 signal id"
        with pytest.raises(psycopg.errors.RaiseException, match=refusal):
            run(legacy, BACK)
        assert picture(legacy) == before
        legacy.execute(where, [dict(asked(legacy, IDS.format(f"{table}_signal_id_backup")))[5]])
    run(legacy, BACK)


def test_the_largest_numbers_find_their_way_back(legacy: psycopg.Cursor) -> None:
    generation(0, legacy, foreign_key=False, views=False)
    run(legacy, FORWARD)
    legacy.execute("UPDATE monitoring.trades SET signal_id = '9223372036854775807' WHERE id = 5")
    run(legacy, BACK)
    assert asked(legacy, "SELECT signal_id FROM monitoring.trades WHERE id = 5") == [(9223372036854775807,)]


def test_what_the_data_no_longer_allow_is_told_and_left(legacy: psycopg.Cursor) -> None:
    generation(0, legacy)
    run(legacy, FORWARD)
    legacy.execute("UPDATE monitoring.trades SET signal_id = NULL WHERE id = 1; DROP SCHEMA fas CASCADE")
    run(legacy, BACK)
    assert signal_id(legacy, "trades") == ("bigint", True, None)
    ((_, details),) = notes(legacy, "database_migration_rollback")
    left = " ".join(details["not_restored"])
    assert "SET NOT NULL" in left
    assert "trades_signal_id_fkey" in left
    assert "v_recent_signals" in left
    assert "v_traded_signals" in left
    assert asked(legacy, "SELECT count(*) FROM monitoring.v_current_positions") == [(0,)]


def test_nothing_happens_where_no_old_bot_was(legacy: psycopg.Cursor) -> None:
    for path in (FORWARD, BACK):
        run(legacy, path)
    assert asked(legacy, "SELECT 1 FROM pg_namespace WHERE nspname = 'monitoring'") == []
    legacy.execute("CREATE SCHEMA monitoring")
    for path in (FORWARD, BACK):
        run(legacy, path)
    assert picture(legacy) == {one: [] for one in ("columns", "keys", "indexes", "views", "triggers")}


def test_a_bot_that_never_traded(legacy: psycopg.Cursor) -> None:
    empty_generation(0, legacy)
    run(legacy, FORWARD)
    assert signal_id(legacy, "positions") == signal_id(legacy, "trades") == TEXT
