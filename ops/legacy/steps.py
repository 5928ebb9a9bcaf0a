"""The steps of `manage.py legacy`. Each says what to do next, or raises NotTrue with what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from ops.legacy import checks, gate, live_rows, scope, since_backup, watching
from ops.legacy.backup_files import read_manifest, what_is_wrong
from ops.legacy.checks import NotTrue
from ops.legacy.migrating import list_what_was_not_imported, migrate
from ops.legacy.migrating_alone import migrating_alone
from ops.legacy.outcomes import each_that_says_why
from ops.legacy.preflight import Preflight
from ops.legacy.server import Server
from ops.legacy.services import backing_up, dropping, letting_go, record, rehearsing, restoring, taking_back
from ops.legacy.services.importing import import_all
from ops.legacy.verification import Verification
from ops.models import LegacyOutcome, LegacyRow


@dataclass(frozen=True)
class Given:
    server: Server
    words: Mapping[str, Any]
    say: Callable[[str], None]
    ask: Callable[[str], str]

    def kept_backup(self) -> Path:
        folder = self.words["folder"] or record.the_record().backup_folder
        if not folder:
            raise NotTrue("no backup is on record; name its folder with --folder")
        return Path(folder).resolve()

    def place_for_backups(self) -> Path:
        """Absolute: it is read again from other folders."""
        return Path(self.words["folder"] or settings.BASE_DIR / "var" / "legacy").resolve()

    def goes_by_the_first(self) -> bool:
        """The migration has changed the old tables, and the backup from before it still holds all that they hold."""
        if gate.is_moved(connection):
            return True
        folder = Path(record.the_record().backup_folder or ".")
        with self.server.connect() as session, session.cursor() as cursor:
            if what_is_wrong(folder) or not since_backup.has_begun(cursor, manifest := read_manifest(folder)):
                return False
            return not (
                since_backup.differences(cursor, manifest) or since_backup.new_tables(cursor, manifest)
            )

    def be_sure(self, what: str) -> None:
        """Typed, not clicked through."""
        if (
            self.ask(f"{what} Type the database's name ({self.server.database}) to go on: ")
            != self.server.database
        ):
            raise NotTrue("that was not its name, so nothing was done. Run this again when you are sure")

    def others(self) -> list[str]:
        connection.close()
        with self.server.connect() as session, session.cursor() as cursor:
            return scope.others_who_stay(cursor)

    def be_alone(self) -> None:
        others = self.others()
        if others and not self.words["while_connected"]:
            raise NotTrue(
                f"others are connected: {', '.join(others)}. Stop every bot, then run this again; "
                "--while-connected where they only look"
            )


def report(given: Given) -> str:
    for line in each_that_says_why():
        given.say(line)
    return "what waits comes in with a later `manage.py migrate`; docs/moving-in.md says what it waits for"


def preflight(given: Given) -> str:
    with_fewer = given.words["with_fewer_ways_back"]
    flight = Preflight(given.server, given.place_for_backups(), with_fewer)
    checks.make(flight.checks(), given.say)
    if record.the_record().preflight_at and given.goes_by_the_first():
        given.say("the migration has begun: the counts of the first pre-flight stay on record")
    else:
        record.note_preflight(flight.counted)
    return "stop the old bot, then `manage.py legacy backup`"


def backup(given: Given) -> str:
    if record.the_record().preflight_at is None:
        raise NotTrue("no pre-flight has passed. Run `manage.py legacy preflight` first")
    folder = backing_up.make_backup(given.server, given.place_for_backups(), given.say)
    given.say(f"kept in {folder}; copy it to another machine")
    if others := given.others():
        given.say(f"others are connected: {', '.join(others)}; once they write, a new backup is needed")
    if given.goes_by_the_first():
        return (
            "as before: all goes on with the backup from before the migration, "
            + record.the_record().backup_folder
        )
    record.note_backup(folder)
    return "`manage.py legacy rehearse`"


def bring_in(given: Given) -> str:
    """What came since, and what waited; also while the bot runs."""
    if record.the_record().migrated_at is None:
        raise NotTrue("nothing was migrated yet. Run `manage.py legacy migrate` first")
    with migrating_alone(connection):
        import_all(given.say)
    return "`manage.py legacy verify`"


def let_live_rows_go(given: Given) -> str:
    letting_go.let_go(given.words["rows"])
    return "`manage.py legacy verify`"


def rehearse(given: Given) -> str:
    be_prepared()
    if written := gate.what_was_written(connection):
        raise NotTrue(written)
    took = rehearsing.rehearse(given.server, given.say, given.words["keep"])
    return f"`manage.py legacy migrate` (it will take about {took['migrate']:.0f} s)"


def move_in(given: Given) -> str:
    be_prepared()
    given.be_alone()
    folder = given.kept_backup()
    given.say(f"log: {migrate(folder, given.say, given.words['while_connected'])}")
    given.say(f"each row that was not imported, and why: {list_what_was_not_imported(folder)}")
    return "`manage.py legacy verify`"


def verify(given: Given) -> str:
    verification = Verification(given.server, record.the_record(), given.kept_backup())
    checks.make(verification.checks(), given.say)
    if given.words["while_they_wait"]:
        return "`manage.py up`, and once more without --while-they-wait"
    checks.make([live_rows.check()], given.say)
    record.note_verified()
    if LegacyRow.objects.filter(outcome=LegacyOutcome.WAITING).exists():
        return "do what the rows above wait for, then `manage.py legacy import` and this once more"
    return "start with `manage.py up`, then `manage.py legacy watch`"


def roll_back(given: Given) -> str:
    given.be_alone()
    taking_back.refuse_what_cannot_be_undone()
    if not given.words["leave_positions"]:
        taking_back.refuse_while_positions_are_open()
    given.be_sure("The migration is undone, and our tables are set aside.")
    if lost := taking_back.roll_back(given.say):
        raise NotTrue(
            f"not all is as it was: {'; '.join(lost)}. Put that right before you start the old bot, or go back with "
            "`manage.py legacy restore --folder` and the backup"
        )
    return "start the old bot; to move in again, `manage.py legacy preflight`"


def restore(given: Given) -> str:
    folder = given.kept_backup()
    manifest = restoring.examined(given.server, folder, given.words["other_database"])
    given.be_alone()
    if not given.words["leave_positions"]:
        taking_back.refuse_while_positions_are_open()
    lost = restoring.what_would_be_lost(given.server, manifest)
    for line in lost:
        given.say(f"other than in the backup: {line}")
    meanwhile = "what is listed above is lost" if lost else "nothing was written since"
    given.be_sure(
        f"All old tables become what they were in {folder} ({manifest.made_at}; {meanwhile}); our tables are set aside."
    )
    connection.close()
    restoring.restore(given.server, folder, manifest)
    rows = sum(content.rows for content in manifest.tables.values())
    given.say(f"{rows:,} rows in {len(manifest.tables)} tables, each as on {manifest.made_at}")
    return "start the old bot; to move in again, `manage.py legacy preflight`"


def watch(given: Given) -> str:
    until = time.monotonic() + 60 * given.words["minutes"]
    while True:
        checks.make(watching.checks(), given.say)
        for line in watching.newest_positions():
            given.say(line)
        if time.monotonic() >= until:
            return "all is well; when it was for some days, `manage.py legacy drop-backups` if you like"
        time.sleep(min(60, max(0, until - time.monotonic())))


def drop_backups(given: Given) -> str:
    be_verified()
    given.be_sure("The tables that `legacy rollback` needs are dropped; `legacy restore` still works.")
    names = dropping.drop_backups(given.server)
    given.say(f"dropped: {', '.join(names) or 'nothing, there were none'}")
    return "nothing; keep the backup's folder"


def drop_fas(given: Given) -> str:
    be_verified()
    given.be_sure("The schema fas and all its rows are dropped; other programs may read them.")
    dropping.drop_fas(given.server)
    given.say("dropped: schema fas")
    return "nothing; keep the backup's folder, it still holds fas"


def be_prepared() -> None:
    if missing := gate.what_is_missing(connection):
        raise NotTrue(missing)


def be_verified() -> None:
    if record.the_record().verified_at is None:
        raise NotTrue("nothing was verified yet. Run `manage.py legacy verify` first")
