"""Is anybody told, and does the outside watcher hear us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from ops.health.facts import Facts, Notices
from ops.health.lines import Line, State, by_age, short_age
from ops.models import Heartbeat

NOT_SET = "HEARTBEAT_URL is not set: if this machine dies, nobody is told"
HEARD_WITHIN = timedelta(minutes=3)


def lines_of(facts: Facts) -> Iterator[Line]:
    if facts.notices is None:
        yield Line("Messages", State.UNKNOWN, words="the rows cannot be read")
        return
    yield _messages(facts.notices)
    yield _heartbeat(facts.notices.heartbeat, facts)


def _messages(seen: Notices) -> Line:
    if not seen.targets:
        return Line("Messages", State.WARN, "to nobody", "no target is set up, or none is enabled")
    told = f"{seen.waiting} wait, {seen.given_up} given up today"
    if seen.dead:
        return Line("Messages", State.BAD, f"{seen.targets} targets", f"{seen.dead} take nothing; {told}")
    return Line("Messages", State.WARN if seen.given_up else State.GOOD, f"{seen.targets} targets", told)


def _heartbeat(row: Heartbeat | None, facts: Facts) -> Line:
    if not settings.HEARTBEAT_URL.get_secret_value():
        return Line(
            "Heartbeat to outside",
            State.WARN,
            "off",
            NOT_SET,
        )
    if row is None:
        return Line("Heartbeat to outside", State.UNKNOWN, words="was not tried yet")
    if row.silent_since:
        age = short_age((facts.at - row.silent_since).total_seconds())
        return Line("Heartbeat to outside", State.BAD, "silent", f"on purpose for {age}: {row.reason}")
    return by_age("Heartbeat to outside", row.sent_at, facts.at, HEARD_WITHIN, row.reason)
