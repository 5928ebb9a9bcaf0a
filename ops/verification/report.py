"""What was found, as the report that is written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ops.verification.verdicts import Finding, Issue, overall

Comparison = Mapping[str, Mapping[str, Any]]


def composed(findings: Mapping[str, Finding], comparison: Comparison) -> dict[str, Any]:
    verdict, issues = overall(findings.values()), _worst_first(findings.values())
    return {
        "migration_status": verdict.migration_status.value,
        "risk_level": verdict.risk_level.name,
        "confidence": verdict.confidence,
        "checks": {name: _as_said(one) for name, one in findings.items()},
        "critical_issues": [_as_told(one) for one in issues],
        "performance_comparison": {name: dict(row) for name, row in comparison.items()},
        "recommendations": {
            "immediate": _once([*_to_learn(findings, is_needed=True), *(issue.fix for issue in issues)]),
            "before_production": _once([*_to_learn(findings, is_needed=False), *_advice(findings.values())]),
        },
    }


def _as_said(finding: Finding) -> dict[str, Any]:
    return {"status": finding.status.value, "details": dict(finding.details)}


def _as_told(issue: Issue) -> dict[str, str]:
    return {"issue": issue.issue, "severity": issue.severity.name, "fix": issue.fix}


def _worst_first(findings: Iterable[Finding]) -> list[Issue]:
    return sorted((issue for one in findings for issue in one.issues), key=lambda one: -one.severity)


def _to_learn(findings: Mapping[str, Finding], *, is_needed: bool) -> list[str]:
    return [
        f"{name}: nobody knows yet ({one.details['reason']})"
        for name, one in findings.items()
        if "reason" in one.details and one.is_needed is is_needed
    ]


def _advice(findings: Iterable[Finding]) -> list[str]:
    return [words for one in findings for words in one.advice]


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
