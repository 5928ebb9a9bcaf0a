"""What must be so before an old bot's database is moved in. Asks only, changes nothing."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from ops.legacy import catalog, contents, privileges, scope
from ops.legacy.checks import Check
from ops.legacy.client_programs import ProgramFailed, fitting
from ops.legacy.server import Server

OLDEST_SERVER = 15
MEGABYTE = 1024 * 1024
LEAST_FREE = 500 * MEGABYTE


@dataclass
class Preflight:
    server: Server
    folder: Path
    with_fewer_ways_back: bool = False
    counted: dict[str, Any] = field(default_factory=dict)

    def checks(self) -> Iterator[Check]:
        yield self.libraries()
        try:
            connection = self.server.connect()
        except psycopg.OperationalError as error:
            yield self.unreachable(error)
            return
        with connection, connection.cursor() as cursor:
            yield self.reachable(connection.info.server_version // 10_000)
            yield self.client_programs(connection.info.server_version // 10_000)
            yield self.old_bots(cursor)
            yield from self.privileges(cursor)
            yield self.disk(cursor)
            yield self.foreign_keys(cursor)
            yield from self.what_is_there(cursor)

    def libraries(self) -> Check:
        wanted = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["dependencies"]
        wrong = what_is_too_old(wanted)
        remedy = "Install what pyproject.toml asks for (`make install`)."
        return Check(
            "libraries", not wrong, ", ".join(wrong) or f"{len(wanted)} as pyproject.toml asks", remedy
        )

    def unreachable(self, error: Exception) -> Check:
        said = self.server.without_password(" ".join(str(error).split()))
        remedy = (
            "Look at DATABASE_URL in .env: host, port, name, user and password; and whether the server runs."
        )
        return Check("database", False, said, remedy)

    def reachable(self, server_version: int) -> Check:
        remedy = f"Move it to PostgreSQL {OLDEST_SERVER} or newer first (pg_dump there, psql here)."
        found = f"{self.server.database} on PostgreSQL {server_version}"
        return Check("database", server_version >= OLDEST_SERVER, found, remedy)

    def client_programs(self, server_version: int) -> Check:
        try:
            programs = fitting(server_version)
        except ProgramFailed as none_fits:
            return Check("client programs", False, str(none_fits), "Then run this again.")
        return Check("client programs", True, f"PostgreSQL {programs.version} in {programs.folder}")

    def old_bots(self, cursor: Any) -> Check:
        names, public = scope.schemas(cursor), scope.public_tables(cursor)
        found = [f"schema {name}" for name in names] + [f"{len(public)} tables in public"] * bool(public)
        remedy = "Nothing is to be moved in. Set DATABASE_URL to the old bot's database, or just start: `manage.py up`."
        return Check("old bots", bool(found), ", ".join(found) or "none", remedy)

    def privileges(self, cursor: Any) -> Iterator[Check]:
        lacking = privileges.lacking_to_migrate(cursor)
        remedy = "Use the role that owns the old tables in DATABASE_URL, or grant what is missing."
        yield Check("privileges", not lacking, ", ".join(lacking) or "enough for each step", remedy)
        missing = privileges.ways_back_missing(cursor)
        remedy = (
            "Let a superuser say ALTER ... OWNER TO the role of DATABASE_URL, or use one that owns them; "
            "or go on without that way back: --with-fewer-ways-back."
        )
        is_enough = not missing or self.with_fewer_ways_back
        yield Check("ways back", is_enough, ", ".join(missing) or "all three", remedy)

    def disk(self, cursor: Any) -> Check:
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0) FROM unnest(%s::text[]) AS name",
            [[contents.quoted(table) for table in scope.tables(cursor)]],
        )
        size = int(cursor.fetchone()[0])
        free, needed = shutil.disk_usage(existing(self.folder)).free, max(LEAST_FREE, 2 * size)
        found = f"{free // MEGABYTE} MB free for backups, old tables have {size // MEGABYTE} MB"
        remedy = f"Make {needed // MEGABYTE} MB free, or name another disk with --folder."
        return Check("disk", free >= needed, found, remedy)

    def foreign_keys(self, cursor: Any) -> Check:
        keys = [f"{key.table} {key.name}" for key in catalog.foreign_keys_into(cursor, "fas")]
        self.counted["foreign_keys"] = keys
        found = f"{', '.join(keys)} (the migration drops them)" if keys else "none"
        return Check("foreign keys to fas", True, found)

    def what_is_there(self, cursor: Any) -> Iterator[Check]:
        self.counted["rows"] = rows = scope.counts(cursor, scope.tables(cursor))
        yield Check("rows", True, f"{sum(rows.values()):,} in {len(rows)} tables")
        if catalog.SCORING_HISTORY in rows:
            yield Check(catalog.SCORING_HISTORY, True, f"{rows[catalog.SCORING_HISTORY]:,} rows")
        self.counted["signal_ids"] = ids = scope.signal_ids(cursor)
        for table, count in ids.items():
            yield Check(table, True, f"{count:,} of {rows[table]:,} rows have a signal_id")
        self.counted["stale_states"] = stale = len(catalog.stale_states(cursor))
        yield Check("stale trailing states", True, f"{stale} (the migration removes them)")
        others = scope.others_connected(cursor)
        yield Check("other connections", True, ", ".join(others) or "none")


def what_is_too_old(wanted: list[str]) -> list[str]:
    """Those for some machines only (after a semicolon) are not asked for."""
    floors = [
        re.match(r"([\w.-]+)(?:\[.*?\])?\s*(?:>=\s*([\d.]+))?", one) for one in wanted if ";" not in one
    ]
    return [wrong for floor in floors if floor and (wrong := _too_old(floor[1], floor[2] or "0"))]


def _too_old(name: str, floor: str) -> str | None:
    try:
        have = version(name)
    except PackageNotFoundError:
        return f"{name} is not installed"
    return f"{name} is {have}, not {floor}" if _numbers(have) < _numbers(floor) else None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.split("+")[0]))


def existing(folder: Path) -> Path:
    """The nearest folder that is there already."""
    return next(one for one in (folder, *folder.parents) if one.exists())
