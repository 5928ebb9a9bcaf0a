"""What still protects is said in words, and unknown is never well. No server is asked here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ops.health import lines, probes, report
from ops.health.facts import Facts, Feed, Protection
from ops.health.lines import Line, State, by_age
from ops.health.living import PARTS
from tradingbot.pulse import Sign

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TASKS = {"orders": report.TASKS_OF["orders"][0], "sweeps": report.TASKS_OF["sweeps"][0]} | {
    "reconcile": report.TASKS_OF["reconcile"][0]
}


def signs(**seconds: float) -> dict[str, Sign]:
    """All speak now, but those that are named."""
    ages = dict.fromkeys(PARTS, 0.0) | seconds
    return {TASKS.get(name, name): Sign(NOW - timedelta(seconds=age), 0) for name, age in ages.items()}


def facts(**values: object) -> Facts:
    well = {
        "database_ms": 1.0, "redis_ms": 1.0, "signs": signs(), "protection": Protection(0, 0, None, 0),
        "feeds": [], "needs_prices": False, "accounts": [], "watches": {},
    }  # fmt: skip
    return Facts(at=NOW, **(well | values))  # type: ignore[arg-type]


def said(found: Facts) -> str:
    return "\n".join(f"{one.state} {one.text}" for one in report.protects(found))


def test_nothing_held_and_everything_alive_is_one_sentence() -> None:
    assert said(facts()) == "good Nothing is held."


@pytest.mark.parametrize("name", PARTS)
def test_each_program_that_is_silent_says_what_is_not_done(name: str) -> None:
    found = facts(signs=signs(**{name: 3600.0}))
    assert report.programs(found)[name].state is State.BAD
    assert f"bad {PARTS[name].title} is silent for 60 min. {PARTS[name].missing}" in said(found)
    assert sum(line.state is State.BAD for line in report.programs(found).values()) == 1


def test_a_program_never_heard_of_is_unknown() -> None:
    heard = {name: sign for name, sign in signs().items() if name != "market"}
    found = facts(signs=heard)
    assert report.programs(found)["market"].state is State.UNKNOWN
    assert "unknown Market process" in said(found)


def test_without_redis_nobody_is_said_to_be_dead() -> None:
    found = facts(redis_ms=None, signs=None, queues=None)
    assert {line.state for line in report.programs(found).values()} == {State.UNKNOWN}
    assert said(found).count("\n") == 1
    assert "bad Redis does not answer" in said(found)


def test_without_a_database_what_is_held_is_unknown() -> None:
    text = said(facts(database_ms=None, protection=None))
    assert text.startswith("unknown Our rows cannot be read")
    assert "bad The database does not answer" in text


def test_stops_are_proven_by_the_exchange_or_unknown() -> None:
    held = Protection(2, 1, NOW - timedelta(seconds=12), 1, 1)
    text = said(facts(protection=held))
    assert "unknown 2 positions held; no account was compared" in text
    assert "bad 1 position without a stop for all it holds, the longest for 12 s" in text
    assert "warn 1 position of an exchange that takes no stops" in text
    assert "good 1 position handed over" in text


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ({"feeds": None}, "unknown"),
        ({"feeds": [Feed("binance", "mark", 0, None)]}, "ok"),
        ({"feeds": [Feed("binance", "mark", 0, None)], "needs_prices": True}, "unknown"),
        ({"feeds": [Feed("binance", "mark", 3, NOW)], "needs_prices": True}, "ok"),
        ({"feeds": [Feed("binance", "mark", 3, NOW - timedelta(hours=1))], "needs_prices": True}, "failing"),
        ({"feeds": [Feed("binance", "mark", 3, NOW)], "needs_prices": None}, "ok"),
    ],
)
def test_the_feed_is_judged_where_a_price_is_needed(found: dict[str, object], word: str) -> None:
    needed = {"needs_prices": found.get("needs_prices", False)}
    assert probes.probes(facts(**(found | needed)))["feed"] == word


def test_probes_that_cannot_ask_are_unknown() -> None:
    assert probes.probes(Facts(at=NOW)) == {
        "database": "failing", "redis": "failing", "feed": "unknown", "beat": "unknown", "doors": "unknown",
        "reconcile": "unknown",
    }  # fmt: skip


def test_the_worst_line_counts_and_none_is_unknown() -> None:
    made = {state: Line("x", state) for state in State}
    assert lines.worst([]) is State.UNKNOWN
    assert lines.worst([made[State.GOOD], made[State.WARN]]) is State.WARN
    assert lines.worst(made.values()) is State.BAD


@pytest.mark.parametrize(
    ("seconds", "text"), [(-4, "0.0 s"), (9.94, "9.9 s"), (12, "12 s"), (600, "10 min"), (7200, "2 h")]
)
def test_ages_are_short(seconds: float, text: str) -> None:
    line = by_age("x", NOW - timedelta(seconds=seconds), NOW, timedelta(days=1))
    assert (line.figure, line.state) == (text, State.GOOD)


def test_positions_that_ended_since_the_listing_are_not_counted_against_those_held_now() -> None:
    from ops.health.protection import _of_proof

    assert _of_proof(2, 3).text.startswith("3 positions had a stop for all they held")
    assert _of_proof(3, 2).text.startswith("2 of 3 positions")
