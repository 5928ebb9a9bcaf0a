"""The seven questions, each put to the installation or tried beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import yaml
from django.utils import timezone

from exchanges.registry import is_on_paper
from ops.data_folder import DataFolder
from ops.redaction import redacted_text
from ops.verification import memory
from ops.verification.checks import database, exchange, forecasts, integrity, performance, protection, risk
from ops.verification.report import composed
from ops.verification.running import Check, run_all
from ops.verification.speed import compared
from ops.verification.structure import Structure
from ops.verification.verdicts import Finding, MigrationStatus, Status, exit_code, not_asked
from ops.verification.workshop import BASE, Workshop

logger = logging.getLogger(__name__)
LEGACY_FIGURES = BASE / "config" / "legacy_performance.yaml"
SCHEMA, PROTECTION, ML, EXCHANGE, RISK, PERFORMANCE, INTEGRITY = (
    "Database Schema", "Enhanced SL/TP", "ML Pipeline", "Exchange APIs", "Risk Management", "Performance",
    "Data Integrity",
)  # fmt: skip
EVERYTHING = (SCHEMA, PROTECTION, ML, EXCHANGE, RISK, PERFORMANCE, INTEGRITY)


class Trials(Protocol):
    def wanted_structure(self) -> Structure: ...
    def trial(self, name: str) -> Mapping[str, Any]: ...
    def trial_on_paper(self, name: str) -> Mapping[str, Any]: ...


def questions(trials: Trials, held_memory: Callable[[], Mapping[str, float]]) -> dict[str, Check]:
    return {
        SCHEMA: partial(database.check, trials.wanted_structure),
        PROTECTION: partial(protection.check, partial(trials.trial, "protection")),
        ML: partial(forecasts.check, partial(trials.trial, "forecasts")),
        EXCHANGE: exchange.check,
        RISK: partial(risk.check, partial(trials.trial, "limits")),
        PERFORMANCE: partial(performance.check, partial(trials.trial_on_paper, "speed"), held_memory),
        INTEGRITY: integrity.check,
    }


def verify(data: Path, names: tuple[str, ...] = EVERYTHING) -> dict[str, Any]:
    """The report. What looks at the installation comes before what keeps the machine busy."""
    at_once = (EXCHANGE, INTEGRITY)
    order = sorted((name for name in EVERYTHING if name in names), key=lambda name: name not in at_once)
    with _cleared_away() as stack:
        workshop = Workshop(stack, (data / "verification").resolve())
        asked = questions(workshop, partial(memory.held_mb, DataFolder(data)))
        found = run_all({name: asked[name] for name in order})
    return report_of(found)


@contextmanager
def _cleared_away() -> Iterator[ExitStack]:
    """Servers that die meanwhile keep nobody from the report; what is left there the next verification takes away."""
    stack = ExitStack()
    try:
        yield stack
    finally:
        try:
            stack.close()
        except Exception as error:
            logger.warning("what was tried could not be cleared away: %s", redacted_text(str(error)))


def report_of(found: Mapping[str, Finding]) -> dict[str, Any]:
    """Of all seven: what was not asked is unknown, so that READY is never said of a part."""
    told_of_each = {name: found.get(name) or not_asked() for name in EVERYTHING}
    measured = told_of_each[PERFORMANCE].details.get("measured", {})
    told = composed(told_of_each, compared(measured, yaml.safe_load(LEGACY_FIGURES.read_text())))
    where = {
        "verified_at": timezone.now().isoformat(),
        "trades_on": "paper" if is_on_paper() else "real exchanges",
    }
    return where | told


def exit_code_of(report: Mapping[str, Any], names: Collection[str]) -> int:
    asked = [Status(report["checks"][name]["status"]) for name in set(names)]
    return exit_code(MigrationStatus(report["migration_status"]), asked, len(EVERYTHING))
