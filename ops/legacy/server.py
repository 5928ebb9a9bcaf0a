"""The server of DATABASE_URL without what our settings add to it: old schemas in view, no bound on a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import Conninfo

from ops.redaction import HIDDEN

OURS = ("options", "client_encoding")  # the search path of our settings would hide the old schemas
IN_ADDRESS = ("user", "password", "dbname")


@dataclass(frozen=True)
class Server:
    """Options by libpq's names."""

    options: Mapping[str, str] = field(repr=False)

    @property
    def database(self) -> str:
        return self.options["dbname"]

    @property
    def env(self) -> dict[str, str]:
        """For client programs: everybody on the machine reads a password that is an argument."""
        names = {one.keyword.decode(): one.envvar.decode() for one in Conninfo.get_defaults() if one.envvar}
        return {names[option]: value for option, value in self.options.items() if option in names}

    @property
    def address(self) -> str:
        """For DATABASE_URL."""
        user, password, database = (quote(self.options.get(name, ""), safe="") for name in IN_ADDRESS)
        rest = {name: value for name, value in self.options.items() if name not in IN_ADDRESS}
        return f"postgresql://{user}{':' + password if password else ''}@/{database}?{urlencode(rest, quote_via=quote)}"

    def other(self, database: str) -> Server:
        return Server({**self.options, "dbname": database})

    def connect(self) -> psycopg.Connection:
        """Commits by itself."""
        return psycopg.connect(**self.options, autocommit=True)  # type: ignore[arg-type]

    def without_password(self, text: str) -> str:
        password = self.options.get("password")
        return text.replace(password, HIDDEN) if password else text


def server_of(connection: BaseDatabaseWrapper) -> Server:
    given: dict[str, Any] = connection.get_connection_params()
    known = {one.keyword.decode() for one in Conninfo.get_defaults()} - set(OURS)
    options = {name: str(value) for name, value in given.items() if name in known and value not in (None, "")}
    return Server({**options, "application_name": "tradingbot legacy"})
