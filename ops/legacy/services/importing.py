"""What older bots left in this database, into our tables: only what is new, each row with its verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import connection
from django.utils import timezone
from psycopg import sql
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ops.legacy.migrating_alone import migrating_alone
from ops.legacy.outcomes import summary
from ops.legacy.services import first_bot, signal_bots, v3_bot
from ops.legacy.services.accounts import check_named_accounts
from ops.legacy.services.batches import Importer
from ops.legacy.services.positions import POSITIONS, States
from ops.legacy.services.taking_over import LivePositions
from ops.legacy.services.trades import Orders
from ops.models import LegacyOutcome, LegacyRow

Say = Callable[[str], object]


def importers() -> Sequence[Importer]:
    """In this order: what refers to another row comes after it."""
    return [*first_bot.importers(), *signal_bots.importers(), *v3_bot.importers()]


def import_all(report: Say) -> None:
    """Nothing where no older bot was. The caller holds the lock of migrations, so that no two of them run."""
    check_named_accounts()
    began = timezone.now()
    know_what_is_decided()
    with _progress() as progress:
        for importer in importers():
            importer.run(progress)
    know_what_is_decided()
    for line in summary(began):
        report(line)


def know_what_is_decided() -> None:
    """Where nothing counted them yet, the database takes the rows that are decided for a few, and goes through all of
    them for each legacy row: what takes seconds would take hours."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(LegacyRow._meta.db_table)))


def take_over_what_waits() -> None:
    """While the bot runs: as soon as an account has its keys, say, and the exchange shows the position."""
    waiting = LegacyRow.objects.filter(table=POSITIONS.full_name, outcome=LegacyOutcome.WAITING)
    before = waiting.count()
    if not before:
        return
    with migrating_alone(connection, waits=False) as is_free, _progress() as progress:
        if is_free:
            LivePositions().run(progress)
            for importer in (States(), Orders()) if waiting.count() < before else ():
                importer.run(progress)


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
