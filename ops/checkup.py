"""Is this installation set up to run? Each question is asked for real; what cannot be asked is unknown, never a yes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from exchanges.models import KEYS, ExchangeAccount
from exchanges.registry import is_on_paper
from exchanges.secrets import SecretUnreadable
from positions.models import InvariantCheck
from positions.services.connection import Finding, test_connection
from positions.services.reconciliation import get_health_status

REDIS_SECONDS = 2
# each of them several times longer than the work it waits for
BEAT_LASTS = timedelta(seconds=90)
COMPARISON_LASTS_SECONDS = 60.0
ASK_THE_LOG = "Start the bot (`manage.py up`, or its services) and read the log of the process named here."


@dataclass(frozen=True, slots=True)
class Check:
    """`is_good` None: it could not be asked."""

    what: str
    is_good: bool | None
    found: str
    how_to_fix: str = ""


Question = Callable[[], Iterable[Check]]


def check_up() -> list[Check]:
    """Where the database does not answer, nothing that is kept there can be asked."""
    found = [*_asked("database", _database), *_asked("Redis", _redis)]
    if not found[0].is_good:
        return found
    migrations = _asked("migrations", _migrations)
    rest: list[tuple[str, Question]] = [("keys", _keys), ("beat", _beat), ("accounts", _accounts)]
    if not migrations[0].is_good:
        return [*found, *migrations]
    return [*found, *migrations, *(check for what, question in rest for check in _asked(what, question))]


def _asked(what: str, question: Question) -> list[Check]:
    """The text of such an error may hold an address or a password."""
    try:
        return list(question())
    except Exception as error:
        return [
            Check(what, None, f"could not be asked ({type(error).__name__})", FIXES.get(what, ASK_THE_LOG))
        ]


FIXES = {
    "database": "Start PostgreSQL, or set DATABASE_URL; `manage.py up` without one starts its own.",
    "Redis": "Start Redis, or set REDIS_URL; `manage.py up` without one starts its own.",
    "migrations": "Run `manage.py migrate`; after an upgrade with the bot stopped (docs/going-live.md).",
    "keys": "Put the key they were written with into FIELD_KEYS as well, after a comma.",
}


def _database() -> Iterator[Check]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
    except DatabaseError as error:
        yield Check("database", False, f"does not answer ({type(error).__name__})", FIXES["database"])
        return
    yield Check("database", True, f"PostgreSQL {version} answers, schema {settings.DB_SCHEMA}")


def _redis() -> Iterator[Check]:
    timeouts = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **timeouts) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        yield Check("Redis", False, f"does not answer ({type(error).__name__})", FIXES["Redis"])
        return
    yield Check("Redis", True, "answers")


def _migrations() -> Iterator[Check]:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    found = f"{missing} have not run" if missing else "all have run"
    yield Check("migrations", not missing, found, FIXES["migrations"] if missing else "")


def _keys() -> Iterator[Check]:
    """Read, never shown."""
    try:
        read = len([key for row in ExchangeAccount.objects.values_list(*KEYS) for key in row if key])
    except SecretUnreadable as error:
        yield Check("keys", False, str(error), FIXES["keys"])
        return
    yield Check("keys", True, f"{read} secrets in the database can be read with FIELD_KEYS")


def _beat() -> Iterator[Check]:
    """One row a quarter of a minute proves beat, Redis and the worker of the sweeps together."""
    last = InvariantCheck.objects.order_by("-checked_at").values_list("checked_at", flat=True).first()
    if last is None or timezone.now() - last > BEAT_LASTS:
        when = f"last at {last:%Y-%m-%d %H:%M:%S} UTC" if last else "never"
        yield Check(
            "beat and sweeps", False, f"no sweep has run lately ({when})", f"beat, sweeps: {ASK_THE_LOG}"
        )
        return
    yield Check(
        "beat and sweeps", True, f"the sweeps ran {(timezone.now() - last).total_seconds():.0f} s ago"
    )


def _accounts() -> Iterator[Check]:
    accounts = list(ExchangeAccount.objects.order_by("pk"))
    mode = "paper: no real order is sent" if is_on_paper() else "LIVE: real orders are sent"
    yield Check("mode", True, mode)
    if not accounts:
        yield Check("accounts", False, "there is none", "Add one on the page Set up, or in the admin.")
    known = get_health_status()["accounts"]
    for account in accounts:
        yield from _account(account, known[account.name])


def _account(account: ExchangeAccount, known: Mapping[str, Any]) -> Iterator[Check]:
    if not is_on_paper() and not account.is_live_confirmed:
        yield Check(
            f"{account.name}: confirmed", False, "not confirmed for real orders", "Confirm it in the admin."
        )
        return
    age = known["age_seconds"]
    is_fresh = age is not None and age <= COMPARISON_LASTS_SECONDS
    for finding in test_connection(account):
        is_untold = finding.what == "Clock" and finding.is_good is None
        told = _clock_of_comparison(known["clock_offset_ms"]) if is_untold and is_fresh else None
        yield _as_check(account.name, told or finding)
    fix = "" if is_fresh else f"reconcile: {ASK_THE_LOG}"
    found = "never" if age is None else f"{age:.0f} s ago"
    yield Check(f"{account.name}: compared with the exchange", is_fresh, found, fix)


def _clock_of_comparison(offset_ms: int | None) -> Finding | None:
    """Where this process has heard no time yet, the one that compares has."""
    if offset_ms is None:
        return None
    limit = settings.MAX_CLOCK_OFFSET_MS
    said = f"{abs(offset_ms)} ms apart from the exchange's at the last comparison; {limit} ms are allowed."
    return Finding("Clock", said, abs(offset_ms) <= limit)


ADVICE = {
    "Answer": "Look at the keys, their addresses, and the exchange's status page.",
    "Rights of the key": "Make a key that may trade futures, may not withdraw, and is bound to this machine's address.",
    "Clock": "Let NTP keep this machine's clock (timedatectl set-ntp true).",
    "Position mode": "`manage.py account_mode NAME --set` while nothing is open.",
}


def _as_check(account: str, finding: Finding) -> Check:
    """`is_good` is handed on: what the exchange did not tell stays unknown."""
    fix = "" if finding.is_good else ADVICE.get(finding.what, "")
    return Check(f"{account}: {finding.what.lower()}", finding.is_good, finding.sentence, fix)
