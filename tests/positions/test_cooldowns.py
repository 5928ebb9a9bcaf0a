from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from positions.cooldowns import Cooldown, cooling

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def cooldown(wait: int, ago: int | None, after: str = "after a loss") -> Cooldown:
    since = None if ago is None else NOW - timedelta(seconds=ago)
    return Cooldown(after, timedelta(seconds=wait), since)


@pytest.mark.parametrize(
    ("wait", "ago", "said"),
    [
        (60, 20, "after a loss: 40 of 60 s are left"),
        (60, 59, "after a loss: 1 of 60 s are left"),
        (60, 60, None),
        (60, 61, None),
        (60, None, None),
        (0, 0, None),
    ],
)
def test_one_pause(wait: int, ago: int | None, said: str | None) -> None:
    assert cooling([cooldown(wait, ago)], NOW) == said


def test_the_longest_is_told_and_none_is_open() -> None:
    several = [cooldown(60, 50), cooldown(600, 30, "between entries"), cooldown(10, 100)]
    assert cooling(several, NOW) == "between entries: 570 of 600 s are left"
    assert cooling([], NOW) is None
