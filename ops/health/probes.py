"""Is it fit to work, for machines: each probe is ok, failing or unknown, and unknown is not ready."""

from __future__ import annotations

from collections.abc import Iterable

from ops.health import lines, report
from ops.health.facts import Facts
from ops.health.lines import Line, State

_WORDS = {State.GOOD: "ok", State.WARN: "ok", State.BAD: "failing", State.UNKNOWN: "unknown"}


def probes(facts: Facts) -> dict[str, str]:
    return {
        "database": _server(facts.database_ms),
        "redis": _server(facts.redis_ms),
        "feed": _word(report.feeds(facts)),
        "beat": _word([report.programs(facts)["beat"]]),
        "doors": _word([report.programs(facts)["doors"]]),
        "reconcile": _reconcile(facts),
    }


def _server(took: float | None) -> str:
    return "failing" if took is None else "ok"


def _word(found: Iterable[Line]) -> str:
    return _WORDS[lines.worst(found)]


def _reconcile(facts: Facts) -> str:
    if facts.accounts is None or facts.watches is None:
        return "unknown"
    asked = [one for one in report.accounts(facts) if one["trades"]]
    return _word(one["compared"] for one in asked) if asked else "ok"
