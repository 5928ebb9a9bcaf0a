"""All migrations run once; every test worker's database is a copy of that one."""

from __future__ import annotations

import os

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

OUR_POSTGRES = "TEST_POSTGRES"  # the address of the server's own database, where the server is ours
LOCK = 4_072_021


def use_template() -> None:
    """Not in a server that somebody lent us: its database is not ours to fill."""
    if address := os.environ.get(OUR_POSTGRES):
        settings = connection.settings_dict
        _fill_once(address, settings["NAME"])
        settings["TEST"]["TEMPLATE"] = settings["NAME"]


def _fill_once(address: str, name: str) -> None:
    with psycopg.connect(address, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        filled = server.execute("SELECT datistemplate FROM pg_database WHERE datname = %s", [name]).fetchone()
        if filled != (True,):
            _fill()
            server.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(name)))


def _fill() -> None:
    try:
        call_command("migrate", verbosity=0)
    finally:
        connection.close()  # PostgreSQL copies no database that somebody is connected to
