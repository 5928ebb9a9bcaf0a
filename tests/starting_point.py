"""`make starting-point` writes down what all migrations, each run by itself, make of an empty database."""

from __future__ import annotations

import os
import re
import subprocess

from ops.embedded.postgres import binary

HEADER = re.compile(r"^--\n-- .*\n--$|^(SET default_|\\(un)?restrict ).*$", re.MULTILINE)
# occurs nowhere else: what is left of it without its dot is a mistake
WRITTEN_AS = "schema_of_the_starting_point"
OPTIONS = ("--schema-only", "--no-owner", "--no-privileges")


def schema_of(database: str, schema: str) -> str:
    """All that `pg_dump` says of our own schema, but for the schema's name."""
    dump = [str(binary("pg_dump")), *OPTIONS, f"--schema={schema}", database]
    told = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    body = HEADER.sub("", told.partition(f"CREATE SCHEMA {schema};\n")[2])
    body = body.replace(f"SET search_path TO '{schema}'", "SET search_path FROM CURRENT")
    return re.sub(r"\n{3,}", "\n\n", body.replace(f"{schema}.", "")).strip() + "\n"


def write() -> None:
    from django.core.management import call_command
    from django.core.management.commands import migrate
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    from ops.schema import ensure_schema
    from ops.starting_point import MIGRATIONS, SCHEMA

    ensure_schema(connection)
    call_command(migrate.Command(), verbosity=0)
    ran = MigrationRecorder(connection).migration_qs.order_by("id").values_list("app", "name")
    MIGRATIONS.write_text("".join(f"{app} {name}\n" for app, name in ran), encoding="utf-8")
    body = schema_of(os.environ["DATABASE_URL"], WRITTEN_AS)
    assert WRITTEN_AS not in body
    SCHEMA.write_text(body, encoding="utf-8")


if __name__ == "__main__":
    os.environ["DB_SCHEMA"] = WRITTEN_AS
    from tests.campaign.process_ground import servers

    with servers():
        write()
