"""What the health page shows: sections of lines, the verdict on top."""

from __future__ import annotations

from typing import Any

from ops.health import lines, notices, report
from ops.health.facts import ERRORS_OF, errors, facts
from ops.health.lines import Line, State
from positions import formats

VERDICTS = {
    State.GOOD: "Everything that can be asked is well.",
    State.WARN: "It works; something wants to be looked at.",
    State.UNKNOWN: "Something cannot be known now. Unknown is not well.",
    State.BAD: "Something does not work.",
}
ACCOUNT_COLUMNS = ("switch", "reach", "stream", "compared", "latency", "clock")


def page() -> dict[str, Any]:
    now, found = facts.get(), errors.get()
    accounts = report.accounts(now)
    sections = {
        "Programs": [*report.servers(now), *report.programs(now).values()],
        "Prices": report.feeds(now),
        "Queues and signals": list(report.queues(now)),
        "Telling people": list(notices.lines_of(now)),
        "Request budgets": list(report.budgets(now)),
    }
    protects = report.protects(now)
    state = lines.worst([
        *(line for section in ("Programs", "Prices", "Queues and signals") for line in sections[section]),
        *(account[name] for account in accounts for name in ("reach", "compared") if account["trades"]),
        *(Line("", sentence.state) for sentence in protects),
        *_sentences(now.checks),
    ])  # fmt: skip
    return {
        "at": now.at,
        "state": state,
        "verdict": VERDICTS[state],
        "protects": protects,
        "sections": sections,
        "accounts": accounts,
        "accounts_known": now.accounts is not None,
        "checks": _sentences(now.checks),
        "errors": found,
        "errors_days": ERRORS_OF.days,
    }


def _sentences(checks: list[dict[str, Any]] | None) -> list[Line]:
    if not checks:
        return [Line("what must always be true", State.UNKNOWN, words="was not asked")]
    return [_sentence(one) for one in checks]


def _sentence(check: dict[str, Any]) -> Line:
    if check["is_true"] is None:
        return Line(check["name"], State.UNKNOWN, "unknown", "not asked for a minute")
    if check["is_true"]:
        return Line(check["name"], State.GOOD, "true")
    since = f"since {formats.moment(check['broken_since'])}: " if check["broken_since"] else ""
    return Line(check["name"], State.BAD, "NOT true", since + "; ".join(map(str, check["findings"])))
