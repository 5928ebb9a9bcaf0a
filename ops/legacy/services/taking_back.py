"""The way back without a restore: the SQL of the migration undone, and our own schema set aside."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

from ops.legacy import changes, sql_files
from ops.legacy.checks import NotTrue
from ops.legacy.services.restoring import set_aside
from ops.models import LegacyOutcome, LegacyRow
from positions.models import Position

# the only one that refuses comes first: then nothing was undone
UNDONE = (sql_files.SIGNAL_IDS, sql_files.STATES_OF_POSITIONS, sql_files.STALE_STATES)


def roll_back(tell: Callable[[str], None]) -> list[str]:
    """What the data of today no longer allow to be as it was."""
    lost: list[str] = []

    def told(severity: str, words: str) -> None:
        tell(words)
        if severity == sql_files.WARNING:
            lost.append(words)

    with sql_files.heard(connection, told):
        for name in UNDONE:
            try:
                sql_files.run(connection, name, back=True)
            except sql_files.FileRefused as refusal:
                raise NotTrue(f"{refusal} Or go back with `manage.py legacy restore`") from None
    with connection.cursor() as cursor:
        for statement in set_aside(cursor):
            cursor.execute(statement)
            tell(f"our own tables stay: {statement.removesuffix(';')}")
    return lost


def refuse_what_cannot_be_undone() -> None:
    with connection.cursor() as cursor:
        forgotten = changes.what_nobody_can_undo(cursor)
    if forgotten:
        raise NotTrue(
            f"{' and '.join(forgotten)} cannot be undone: the tables that say how it was are gone "
            "(`legacy drop-backups` drops them). Nothing was changed; go back with `manage.py legacy restore`"
        )


def refuse_while_positions_are_open() -> None:
    """Those an older bot never heard of would have no bot at all."""
    if Position._meta.db_table not in connection.introspection.table_names():
        return
    known = LegacyRow.objects.filter(outcome=LegacyOutcome.IMPORTED, our_table=Position._meta.db_table)
    ids = {int(our_id) for our_id in known.values_list("our_id", flat=True).iterator() if our_id.isdigit()}
    live = [
        one for one in Position.objects.filter(is_live=True).values_list("pk", flat=True) if one not in ids
    ]
    if live:
        raise NotTrue(
            f"{len(live)} positions were opened here and the old bot does not know them. Close them first "
            "(`manage.py flat`), or say --leave-positions and look after them yourself"
        )
