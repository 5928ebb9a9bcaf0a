"""Which pg_dump is used, and what it is told and nobody else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from ops.embedded.postgres import binary
from ops.legacy.client_programs import ClientPrograms, ProgramFailed, fitting
from tests.legacy.servers import server_at

AWKWARD = "p@ss:w/ö%rd"
SERVER = server_at("postgresql://bot@db.example/old?sslmode=require&port=5433", password=AWKWARD)
EMBEDDED = ClientPrograms(binary("pg_dump").parent, 18)


def test_an_older_pg_dump_is_never_used() -> None:
    assert fitting(18).version >= 18
    assert fitting(17).version >= 17


@pytest.mark.skipif(
    not Path("/usr/lib/postgresql/15/bin/pg_dump").exists(), reason="PostgreSQL 15 is not here"
)
def test_installed_programs_of_the_servers_version_come_first() -> None:
    assert fitting(15) == ClientPrograms(Path("/usr/lib/postgresql/15/bin"), 15)


def test_where_none_fits_it_is_said_what_to_install() -> None:
    with pytest.raises(ProgramFailed, match="install postgresql-client-99"):
        fitting(99)


def test_a_password_goes_by_the_environment_and_is_not_shown() -> None:
    assert SERVER.env["PGPASSWORD"] == AWKWARD
    assert (SERVER.env["PGSSLMODE"], SERVER.env["PGPORT"]) == ("require", "5433")
    assert "PGOPTIONS" not in SERVER.env
    assert AWKWARD not in repr(SERVER)
    assert "no entry for …" in SERVER.without_password(f"no entry for {AWKWARD}")


def test_an_address_says_all_that_it_was_made_from() -> None:
    assert conninfo_to_dict(SERVER.address) == dict(SERVER.options)


def test_what_a_program_says_is_told_without_the_password(tmp_path: Path) -> None:
    talker = tmp_path / "pg_dump"
    talker.write_text('#!/bin/sh\necho "I was given $PGPASSWORD" >&2\nexit 3\n')
    talker.chmod(0o755)
    with pytest.raises(ProgramFailed) as failed:
        ClientPrograms(tmp_path, 18).run(SERVER, "pg_dump")
    assert str(failed.value) == "pg_dump ended with status 3: I was given …"


def feed(address: str, script: bytes, then: Callable[[], object]) -> None:
    with EMBEDDED.fed(server_at(address), "psql", "--quiet", "--set=ON_ERROR_STOP=1") as standard_input:
        standard_input.write(script)
        then()


def cannot_be_read() -> None:
    raise OSError("half of the dump could not be read")


def test_an_unfinished_script_changes_nothing(empty_database: str) -> None:
    with pytest.raises(OSError, match="half"):
        feed(empty_database, b"BEGIN; CREATE TABLE half (id int);\n", cannot_be_read)
    with server_at(empty_database).connect() as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


def test_what_psql_refuses_is_told_in_its_words(empty_database: str) -> None:
    with pytest.raises(ProgramFailed, match='relation "nothing" does not exist'):
        feed(empty_database, b"SELECT * FROM nothing;\n" + b"-- much more\n" * 100_000, bool)


def test_a_file_that_is_no_dump_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.dump").write_bytes(os.urandom(1000))
    with pytest.raises(ProgramFailed, match=r"valid .*archive"):
        EMBEDDED.output_of("pg_restore", "--file=-", str(tmp_path / "no.dump"))
