"""The test run itself stands on real servers."""

from __future__ import annotations

import os

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_our_tables_live_in_our_own_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'django_migrations'"
        )
        assert cursor.fetchall() == [(settings.DB_SCHEMA,)]


def test_redis_answers_in_a_database_of_this_worker() -> None:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    assert client.ping()
    client.close()
    assert f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}" == settings.REDIS_PREFIX


def test_settings_use_the_servers_of_the_run() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
