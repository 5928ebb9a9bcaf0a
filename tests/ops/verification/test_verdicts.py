"""What checks say, and what they mean together: nothing that nobody looked at is ever green."""

from __future__ import annotations

import pytest
import yaml

from ops.verification.report import composed
from ops.verification.running import run_all
from ops.verification.speed import Limits, beyond, compared
from ops.verification.verdicts import (
    PART_PASSED,
    CannotAsk,
    Finding,
    Issue,
    MigrationStatus,
    Severity,
    Status,
    exit_code,
    judged,
    overall,
    unknown,
)
from ops.verification.verifying import EVERYTHING, ML, PERFORMANCE, SCHEMA, report_of

FINE = judged({"asked": 1}, [])
BAD = judged({}, [Issue("a limit is off", Severity.HIGH, "set it")])
WORST = judged({}, [Issue("no stop", Severity.CRITICAL, "place one")])
NOT_THERE = unknown("not built", is_needed=False)
SILENT = unknown("it did not answer")


def breaks() -> Finding:
    raise ZeroDivisionError("of\nnothing")


def cannot() -> Finding:
    raise CannotAsk("there is no account")


@pytest.mark.parametrize(
    ("findings", "status", "risk", "confidence"),
    [
        ([FINE, FINE], "READY", "LOW", 100),
        ([FINE, FINE, FINE, NOT_THERE], "READY", "MEDIUM", 75),
        ([FINE, SILENT], "NEEDS_FIXES", "HIGH", 50),
        ([FINE, BAD], "NEEDS_FIXES", "HIGH", 50),
        ([FINE, BAD, WORST], "NOT_READY", "CRITICAL", 33),
        ([], "NEEDS_FIXES", "HIGH", 0),
        ([NOT_THERE], "NEEDS_FIXES", "MEDIUM", 0),
    ],
)
def test_all_together(findings: list[Finding], status: str, risk: str, confidence: int) -> None:
    verdict = overall(findings)
    assert (verdict.migration_status, verdict.risk_level.name, verdict.confidence) == (
        status,
        risk,
        confidence,
    )


def test_the_exit_code_is_the_status() -> None:
    assert [status.exit_code for status in MigrationStatus] == [0, 1, 2]
    assert MigrationStatus.READY.exit_code == 0


@pytest.mark.parametrize(
    ("status", "asked", "code"),
    [
        (MigrationStatus.READY, [Status.PASSED] * 7, 0),
        (MigrationStatus.NEEDS_FIXES, [Status.PASSED] * 2, PART_PASSED),
        (MigrationStatus.NEEDS_FIXES, [Status.PASSED, Status.UNKNOWN], 1),
        (MigrationStatus.NEEDS_FIXES, [Status.PASSED, Status.FAILED], 1),
        (MigrationStatus.NOT_READY, [Status.FAILED], 2),
    ],
)
def test_a_part_of_the_questions_has_a_code_of_its_own(
    status: MigrationStatus, asked: list[Status], code: int
) -> None:
    assert exit_code(status, asked, everything=7) == code


@pytest.mark.parametrize("name", [ML, SCHEMA])
def test_a_part_of_the_questions_is_never_ready(name: str) -> None:
    report = report_of({name: FINE if name == SCHEMA else NOT_THERE})
    assert report["migration_status"] == "NEEDS_FIXES"
    assert list(report["checks"]) == list(EVERYTHING)
    assert report["checks"][PERFORMANCE] == {"status": "UNKNOWN", "details": {"reason": "it was not asked"}}
    assert "Performance: nobody knows yet (it was not asked)" in report["recommendations"]["immediate"]
    assert report["performance_comparison"]["memory_mb"]["improvement"] == "unknown"


def test_a_check_that_breaks_is_failed_and_critical_and_the_others_are_asked() -> None:
    found = run_all({"first": breaks, "second": cannot, "third": lambda: FINE})
    assert [one.status for one in found.values()] == [Status.FAILED, Status.UNKNOWN, Status.PASSED]
    assert found["first"].details == {"error": "ZeroDivisionError: of nothing"}
    assert overall(found.values()).migration_status is MigrationStatus.NOT_READY


def test_what_a_check_raises_shows_no_secret() -> None:
    def tells() -> Finding:
        raise ConnectionError("postgresql://bot:hunter2hunter2@db/x refused")

    assert "hunter2" not in str(run_all({"one": tells}))


def test_the_report_has_what_is_asked_of_it() -> None:
    found = {"Database Schema": BAD, "Data Integrity": WORST, "ML Pipeline": NOT_THERE}
    report = yaml.safe_load(yaml.safe_dump(composed(found, {"memory_mb": {"v2": None, "v3": 1.0}})))
    assert report["migration_status"] == "NOT_READY"
    assert report["checks"]["ML Pipeline"] == {"status": "UNKNOWN", "details": {"reason": "not built"}}
    assert [one["severity"] for one in report["critical_issues"]] == ["CRITICAL", "HIGH"]
    assert report["recommendations"] == {
        "immediate": ["place one", "set it"],
        "before_production": ["ML Pipeline: nobody knows yet (not built)"],
    }


@pytest.mark.parametrize(
    ("name", "value", "is_beyond"),
    [
        ("signals_1000_seconds", 1.0, False),
        ("signals_1000_seconds", 1.01, True),
        ("orders_10_at_once_seconds", 0.5, False),
        ("orders_10_at_once_seconds", 0.51, True),
        ("memory_mb", 2048.0, False),
        ("memory_mb", 2049.0, True),
    ],
)
def test_required_speed(name: str, value: float, is_beyond: bool) -> None:
    assert bool(beyond({name: value})) is is_beyond


def test_what_was_not_measured_is_not_judged() -> None:
    assert beyond({}, Limits(0, 0, 0)) == []


def test_the_comparison_makes_nothing_up() -> None:
    measured = {"orders_10_at_once_seconds": 0.1, "memory_mb": 400.0, "signals_1000_seconds": 0.3}
    legacy = {
        "orders_10_at_once_seconds": {"value": 9.0},
        "memory_mb": {"value": 200.0},
        "signals_1000_seconds": {"value": None},
        "only_then": {"value": 1.0},
    }
    told = compared(measured, legacy)
    assert told["orders_10_at_once_seconds"] == {"v2": 9.0, "v3": 0.1, "improvement": "90.0 times less"}
    assert told["memory_mb"]["improvement"] == "2.0 times more"
    assert told["signals_1000_seconds"] == {"v2": None, "v3": 0.3, "improvement": "unknown"}
    assert told["only_then"] == {"v2": 1.0, "v3": None, "improvement": "unknown"}
