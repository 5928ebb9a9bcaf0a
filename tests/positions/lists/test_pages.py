"""The list pages as such: who may see them, what they say when empty, and how much they ask."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import (
    a_log_entry,
    a_position,
    a_signal_log,
    a_strategy,
)
from tests.people import a_person
from tests.positions.lists.looking import a_trade, text_of

pytestmark = pytest.mark.django_db
PAGES = ("/signals/", "/orders/", "/trades/", "/strategies/", "/trades/2026/")


@pytest.mark.parametrize("path", [*PAGES, "/trades/trades.csv", "/trades/fills.csv", "/signals/newer.json"])
def test_strangers_go_to_the_login_and_customers_see_nothing(client: Client, path: str) -> None:
    assert client.get(path).status_code == 302
    client.force_login(a_person("", "eve", is_staff=False))
    assert client.get(path).status_code in (302, 403)


@pytest.mark.parametrize("path", PAGES)
def test_empty_pages_stand_and_tell_how_to_begin(viewer: Client, path: str) -> None:
    page = text_of(viewer, path)
    assert "PAPER" in page
    if path in ("/signals/", "/orders/", "/trades/"):
        assert "manage.py signal BTCUSDT long" in page


@pytest.mark.parametrize("path", ["/signals/", "/orders/", "/trades/", "/strategies/"])
def test_more_rows_are_no_more_questions(viewer: Client, path: str) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as questions:
            viewer.get(path)
        return len(questions)

    def more(count: int) -> None:
        for _ in range(count):
            one = a_strategy()
            a_trade(1, strategy=one)
            a_log_entry(a_signal_log(), one)

    more(1)
    asked()  # a session is new once
    before = asked()
    more(5)
    assert asked() == before


MANY = 5_000
FILL = {
    "signals_v2_log": """
        INSERT INTO signals_v2_log (uid, symbol, direction, source, message, raw_message, received_at, logged_at,
            status, reason, reason_code, dispatched_at)
        SELECT md5(n::text), 'S' || n %% 50, 'long', 'source-' || n %% 50, 'm', '{}',
            now() - n * interval '1 second', now(), 'new', '', '', now()
        FROM generate_series(1, %s) n""",
    "orders": """
        INSERT INTO orders (id, account_id, position_id, symbol, side, quantity, status, purpose, generation,
            order_type, client_order_id, book, exchange_order_id, child_order_id, filled_quantity, reason, attempts,
            reduce_only, created_at)
        SELECT gen_random_uuid(), account_id, id, 'BTCUSDT', 'buy', 1, 'filled', 'close', n, 'market', 'c' || n,
            'plain', 'e' || n, '', 1, '', 1, true, now() - n * interval '1 second'
        FROM generate_series(1, %s) n, (SELECT id, account_id FROM positions LIMIT 1) p""",
}  # fmt: skip


@pytest.mark.parametrize(
    ("table", "path", "index"),
    [
        ("signals_v2_log", "/signals/?", "signal_newest"),
        pytest.param(
            "signals_v2_log", "/signals/?source=source-3&", "signal_newest_of_source", marks=pytest.mark.soak
        ),
        ("signals_v2_log", "/signals/?symbol=S7&", "signal_newest_of_symbol"),
        ("orders", "/orders/?", "order_newest"),
        ("orders", "/orders/?id=e777&", "order_of_exchange_id"),
    ],
)
def test_a_page_deep_in_a_long_list_is_found_by_an_index(
    viewer: Client, table: str, path: str, index: str
) -> None:
    a_position()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(FILL[table], [MANY])
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute(f"ANALYZE {table}")
    middle = timezone.now() - timedelta(seconds=MANY // 2)
    place = f"after={int(middle.timestamp() * 1_000_000)}.{'7' * 8 if table != 'orders' else '0' * 32}"
    with CaptureQueriesContext(connection) as asked:
        answer = viewer.get(path + place)
    assert answer.context["rows"] or "id=" in path
    (question,) = [
        one["sql"] for one in asked if f'FROM "{table}"' in one["sql"] and "LIMIT 51" in one["sql"]
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {question}")
        plan = json.dumps(cursor.fetchone()[0])
    assert index in plan
    assert "COUNT(" not in question
    assert most_rows(json.loads(plan)[0]["Plan"]) < 1_000, plan


def most_rows(node: dict) -> int:
    """Read by any step."""
    looked = int(node["Actual Rows"]) + int(node.get("Rows Removed by Filter", 0))
    return max([looked, *(most_rows(one) for one in node.get("Plans", []))])


def test_closed_positions_are_read_by_an_index(viewer: Client) -> None:
    from positions.lists.filters import read
    from positions.lists.trade_list import filters, narrowed

    a_position()
    with connection.cursor() as cursor:
        for other_way in ("enable_seqscan", "enable_sort"):  # either is quicker for one row
            cursor.execute(f"SET LOCAL {other_way} = off")
        question = narrowed(read(filters(timezone.now()), {}))[:51]
        assert "position_newest_closed" in question.explain()
