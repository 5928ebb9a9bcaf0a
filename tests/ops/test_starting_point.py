"""What an empty database begins with, where it cannot be taken."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.db.utils import ConnectionHandler

from ops.starting_point import begin_at_starting_point
from tests.ops.test_migrate import a_database, ask

TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'tradingbot'"


def test_what_a_server_does_not_understand_is_left_to_the_migrations(django_db_blocker) -> None:
    with a_database("beginning") as database, django_db_blocker.unblock():
        of_its_own = settings.DATABASES["default"] | {"NAME": urlsplit(database).path.removeprefix("/")}
        connection = ConnectionHandler({"default": of_its_own})["default"]
        ask(
            database, "CREATE SCHEMA tradingbot; CREATE TYPE tradingbot.order_status_enum AS ENUM ('another')"
        )
        begin_at_starting_point(connection)
        assert ask(database, TABLES) == [(0,)]
        ask(database, "DROP TYPE tradingbot.order_status_enum")
        begin_at_starting_point(connection)
        connection.close()
        [[tables]] = ask(database, TABLES)
        assert int(str(tables)) > 50
