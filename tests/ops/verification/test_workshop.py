"""What is tried is tried elsewhere: in a database of its own, by a process of its own, and nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from psycopg import sql

from exchanges.models import ExchangeAccount
from ops.own_session import own_session
from ops.verification.catalog import structure
from ops.verification.structure import Structure, faults
from ops.verification.trial_database import trial_database
from ops.verification.verdicts import CannotAsk, Severity
from ops.verification.workshop import BASE, TrialBroke, Workshop
from positions.models import Position
from tests.template_database import OUR_POSTGRES

OURS = bool(os.environ.get(OUR_POSTGRES))
WITH_TEMPLATE = pytest.mark.skipif(
    not OURS, reason="the server is not ours: it has no template of all migrations"
)


def copied(server: psycopg.Connection, name: str) -> None:
    """Faster than to run every migration; the story of a real start does that."""
    template = sql.Identifier(settings.DATABASES["default"]["TEST"]["TEMPLATE"])
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))


def databases() -> set[str]:
    """Of this test process; others work beside it."""
    with own_session() as server:
        every = {name for (name,) in server.execute("SELECT datname FROM pg_database").fetchall()}
    return {name for name in every if name.startswith(str(connection.settings_dict["NAME"]))}


def what_a_killed_one_left(folder: Path) -> None:
    with own_session() as server:
        left = sql.Identifier(f"{connection.settings_dict['NAME']}_verification")
        server.execute(sql.SQL("CREATE DATABASE {}").format(left))
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(f"{settings.REDIS_PREFIX}-verification:left", 1)
    (folder / "paper").mkdir(parents=True)


@WITH_TEMPLATE
def test_a_trial_leaves_nothing_behind(transactional_db, tmp_path) -> None:
    before = databases()
    what_a_killed_one_left(tmp_path / "verification")
    with ExitStack() as stack:
        workshop = Workshop(stack, tmp_path / "verification", copied)
        tried = workshop.trial("limits")
        assert tried["drawdown"] == {"wanted": "drawdown", "refused_by": "drawdown"}
        assert len(databases() - before) == 1
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE orders DROP CONSTRAINT order_quantity_positive")
            ours = structure(cursor, settings.DB_SCHEMA)
            cursor.execute(
                "ALTER TABLE orders ADD CONSTRAINT order_quantity_positive CHECK (quantity > 0::numeric)"
            )
        assert "constraint orders.order_quantity_positive is missing" in [
            issue.issue for issue in faults(ours, workshop.wanted_structure())
        ]
    assert databases() == before
    assert (ExchangeAccount.objects.count(), Position.objects.count()) == (0, 0)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert list(client.scan_iter("*-verification*")) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak
@WITH_TEMPLATE
def test_orders_are_measured_on_contracts_that_are_set_up_and_on_such_that_are_not(
    transactional_db, tmp_path
) -> None:
    with ExitStack() as stack:
        tried = Workshop(stack, tmp_path / "verification", copied).trial_on_paper("speed")
    rounds = tried.pop("rounds")
    assert list(tried) == list(rounds) == [
        "signals_1000_seconds", "orders_10_at_once_seconds", "first_orders_10_at_once_seconds",
    ]  # fmt: skip
    assert all(len(seen) == 3 and min(seen) > 0 for seen in rounds.values())


def test_a_trial_that_breaks_says_its_last_words(db, tmp_path) -> None:
    def empty(server: psycopg.Connection, name: str) -> None:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    with ExitStack() as stack, pytest.raises(TrialBroke, match=r"verification_trial: .*does not exist"):
        Workshop(stack, tmp_path / "verification", empty).trial("limits")


def test_trials_refuse_any_other_database(db) -> None:
    said = subprocess.run(
        [sys.executable, "manage.py", "verification_trial", "limits"],
        cwd=BASE,
        capture_output=True,
        text=True,
    )
    assert (said.returncode, "nothing was done" in said.stderr) == (1, True)


def test_two_verifications_do_not_share_a_database(db) -> None:
    def nothing(server: psycopg.Connection, name: str) -> None:
        pass

    with (
        trial_database(nothing),
        pytest.raises(CannotAsk, match="another verification"),
        trial_database(nothing),
    ):
        pass


def test_a_role_that_may_not_make_databases_is_unknown_and_no_failure(db) -> None:
    def refused(server: psycopg.Connection, name: str) -> None:
        raise psycopg.errors.InsufficientPrivilege("permission denied to create database")

    with pytest.raises(CannotAsk, match="CREATEDB"), trial_database(refused):
        pass


@pytest.mark.parametrize(
    ("ours", "wanted", "told"),
    [
        ({"column a.b": "text"}, {"column a.b": "text"}, []),
        ({}, {"constraint a.b": "CHECK (b > 0)"}, [("constraint a.b is missing", Severity.CRITICAL)]),
        ({}, {"index a": "CREATE INDEX a"}, [("index a is missing", Severity.MEDIUM)]),
        ({}, {"index a": "CREATE UNIQUE INDEX a"}, [("index a is missing", Severity.CRITICAL)]),
        (
            {"trigger a.b": "x D"},
            {"trigger a.b": "x O"},
            [("trigger a.b is 'x D', not 'x O'", Severity.CRITICAL)],
        ),
        ({"index own": "CREATE INDEX own"}, {}, []),
    ],
)
def test_what_a_structure_lacks(ours: Structure, wanted: Structure, told: list[tuple[str, Severity]]) -> None:
    assert [(issue.issue, issue.severity) for issue in faults(ours, wanted)] == told
