"""PostgreSQL, Redis and an empty database of its own for a run outside pytest; imports Django's models after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.core.management import call_command

from tests import servers_plugin


@contextmanager
def servers() -> Iterator[None]:
    servers_plugin.start_servers()
    servers_plugin.set_environment()
    servers_plugin.take_own_redis("gw0")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
    os.environ["LOG_LEVEL"] = "WARNING"
    try:
        django.setup()
        yield
    finally:
        servers_plugin.pytest_unconfigure()


@contextmanager
def ground() -> Iterator[None]:
    with servers():
        call_command("migrate", verbosity=0)
        yield
