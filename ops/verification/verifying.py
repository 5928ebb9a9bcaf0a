"""The seven questions, each put to the installation or tried beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import yaml
from django.utils import timezone

from exchanges.registry import is_on_paper
from ops.data_folder import DataFolder
from ops.verification import memory
from ops.verification.checks import database, exchange, forecasts, integrity, performance, protection, risk
from ops.verification.report import composed
from ops.verification.running import Check, run_all
from ops.verification.speed import compared
from ops.verification.structure import Structure
from ops.verification.verdicts import Finding
from ops.verification.workshop import BASE, Workshop

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
        ML: forecasts.check,
        EXCHANGE: exchange.check,
        RISK: partial(risk.check, partial(trials.trial, "limits")),
        PERFORMANCE: partial(performance.check, partial(trials.trial_on_paper, "speed"), held_memory),
        INTEGRITY: integrity.check,
    }


def verify(data: Path, names: tuple[str, ...] = EVERYTHING) -> dict[str, Any]:
    """The report. What looks at the installation comes before what keeps the machine busy."""
    with ExitStack() as stack:
        asked = questions(Workshop(stack), partial(memory.held_mb, DataFolder(data)))
        at_once = (ML, EXCHANGE, INTEGRITY)
        order = sorted(names, key=lambda name: name not in at_once)
        found = run_all({name: asked[name] for name in order})
    return report_of({name: found[name] for name in names})


def report_of(found: Mapping[str, Finding]) -> dict[str, Any]:
    measured = found[PERFORMANCE].details.get("measured", {}) if PERFORMANCE in found else {}
    comparison = compared(measured, yaml.safe_load(LEGACY_FIGURES.read_text())) if measured else {}
    told = composed(found, comparison)
    where = {
        "verified_at": timezone.now().isoformat(),
        "trades_on": "paper" if is_on_paper() else "real exchanges",
    }
    return where | told
