"""Puts our schema back as a backup holds it, in one transaction, and proves it. What was there is set aside."""

from __future__ import annotations

from pathlib import Path

from ops.backups.taking import AGAIN, DUMP
from ops.legacy import contents, dumps, scope
from ops.legacy.backup_files import Manifest, read_manifest, what_is_wrong
from ops.legacy.client_programs import ProgramFailed, fitting
from ops.legacy.server import Server
from ops.legacy.services.restoring import set_aside

# asked again in the transaction itself: who came meanwhile would trade on rows that are gone
NOBODY_ELSE = f"""
DO $others$ BEGIN IF EXISTS ({scope.OTHERS_CONNECTED % scope.MIGRATING})
THEN RAISE EXCEPTION 'others are connected'; END IF; END $others$;
"""


class NotRestored(Exception):
    """One sentence, without secrets. Nothing was changed."""


def examined(server: Server, schema: str, folder: Path, *, is_of_another_database: bool = False) -> Manifest:
    """Of a backup that is whole, ours, and of this database."""
    if wrong := what_is_wrong(folder, AGAIN):
        raise NotRestored(wrong)
    manifest = read_manifest(folder)
    if manifest.schemas != [schema] or DUMP not in manifest.files:
        raise NotRestored(
            f"{folder} does not hold the schema {schema}; an older bot's: `manage.py legacy restore`"
        )
    if manifest.database != server.database and not is_of_another_database:
        raise NotRestored(
            f"{folder} is of the database {manifest.database}, and this one is {server.database}; "
            "say --other-database where that is meant"
        )
    return manifest


def refuse_company(server: Server) -> None:
    """Who is connected would write beside it, or trade on rows that are gone."""
    with server.connect() as session, session.cursor() as cursor:
        if others := scope.others_who_stay(cursor):
            raise NotRestored(f"others are connected: {', '.join(others)}; stop the bot first")


def put_back(server: Server, folder: Path, manifest: Manifest) -> None:
    try:
        with server.connect() as session, session.cursor() as cursor:
            programs = fitting(session.info.server_version // 10_000)
            before = list(set_aside(cursor))
        after = [f"{contents.AS_TEXT};"]
        after += [contents.refusal_unless_equal(table, content) for table, content in manifest.tables.items()]
        dumps.put_back(programs, server, [folder / DUMP], [NOBODY_ELSE, *before], [*after, NOBODY_ELSE])
    except ProgramFailed as failed:
        raise NotRestored(f"{failed}") from None
