"""What a check may say, and what all of them together mean. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Status(StrEnum):
    PASSED = "PASSED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class Severity(IntEnum):
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class MigrationStatus(StrEnum):
    READY = "READY"
    NEEDS_FIXES = "NEEDS_FIXES"
    NOT_READY = "NOT_READY"

    @property
    def exit_code(self) -> int:
        return list(MigrationStatus).index(self)


# of a part of the questions: all of them passed, and the others were not asked
PART_PASSED = 3


class CannotAsk(Exception):
    """The question could not be put, so there is no answer; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Issue:
    issue: str
    severity: Severity
    fix: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `is_needed`: something here relies on what was asked about."""

    status: Status
    details: Mapping[str, Any] = field(default_factory=dict)
    issues: Sequence[Issue] = ()
    advice: Sequence[str] = ()
    is_needed: bool = True


@dataclass(frozen=True, slots=True)
class Overall:
    migration_status: MigrationStatus
    risk_level: Severity
    confidence: int  # percent of the checks that passed


def judged(details: Mapping[str, Any], issues: Sequence[Issue], advice: Sequence[str] = ()) -> Finding:
    """By what was found: nothing wrong is a pass."""
    return Finding(Status.FAILED if issues else Status.PASSED, details, issues, advice)


def raised(words: str) -> Finding:
    broke = Issue(
        f"the check itself broke: {words}", Severity.CRITICAL, "read the log, repair it, verify again"
    )
    return Finding(Status.FAILED, {"error": words}, [broke])


def unknown(why: str, *, is_needed: bool = True) -> Finding:
    return Finding(Status.UNKNOWN, {"reason": why}, is_needed=is_needed)


def not_asked() -> Finding:
    return unknown("it was not asked")


def exit_code(overall: MigrationStatus, asked: Collection[Status], everything: int) -> int:
    """0 says READY, and a part of the questions never says that."""
    is_part = len(asked) < everything
    passed = is_part and all(status is Status.PASSED for status in asked)
    return PART_PASSED if passed else overall.exit_code


def overall(findings: Collection[Finding]) -> Overall:
    passed = sum(one.status is Status.PASSED for one in findings)
    confidence = passed * 100 // len(findings) if findings else 0
    return Overall(_status(findings), _risk(findings), confidence)


def _status(findings: Collection[Finding]) -> MigrationStatus:
    if any(issue.severity is Severity.CRITICAL for one in findings for issue in one.issues):
        return MigrationStatus.NOT_READY
    has_passed = any(one.status is Status.PASSED for one in findings)
    if not has_passed or any(_wants_work(one) for one in findings):
        return MigrationStatus.NEEDS_FIXES
    return MigrationStatus.READY


def _wants_work(finding: Finding) -> bool:
    return finding.status is Status.FAILED or (finding.status is Status.UNKNOWN and finding.is_needed)


def _risk(findings: Collection[Finding]) -> Severity:
    """What nobody could answer is a risk too: a high one where something relies on it."""
    unanswered = [
        Severity.HIGH if one.is_needed else Severity.MEDIUM
        for one in findings
        if one.status is Status.UNKNOWN
    ]
    told = [issue.severity for one in findings for issue in one.issues]
    return max([*unanswered, *told], default=Severity.LOW if findings else Severity.HIGH)
