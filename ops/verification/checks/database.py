"""Database Schema: every migration ran, and what they made is still there, as it was made."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from ops.verification.catalog import structure
from ops.verification.checks import legacy_tables
from ops.verification.structure import Structure, beside, faults
from ops.verification.verdicts import Finding, Issue, Severity, judged

SHOWN = 20


def check(wanted: Callable[[], Structure]) -> Finding:
    if pending := _pending():
        words = Issue(f"{len(pending)} migrations did not run", Severity.CRITICAL, "`manage.py migrate`")
        return judged({"migrations_that_did_not_run": pending[:SHOWN]}, [words])
    with connection.cursor() as cursor:
        ours, left = structure(cursor, settings.DB_SCHEMA), list(legacy_tables.faults(cursor))
    issues = [*faults(ours, made := wanted()), *left]
    more = beside(ours, made)
    advice = [*legacy_tables.advice(), *(f"nobody's migration made {name}: is it meant?" for name in more)]
    details = {"compared": len(made), "faults": len(issues), "added_by_somebody": more[:SHOWN]}
    return judged(details, issues[:SHOWN], advice[:SHOWN])


def _pending() -> list[str]:
    """Also one whose successors ran."""
    loader = MigrationLoader(connection)
    return sorted(f"{app}.{name}" for app, name in set(loader.graph.nodes) - set(loader.applied_migrations))
