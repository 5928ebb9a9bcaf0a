"""What was refused for its sender or its moment, or reached only some, is no reason to refuse the same said rightly."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from positions.models import Position
from signals_app.models import SignalLog, SignalLogEntry, SignalSender, Strategy, Ticker
from signals_app.registry import Registry, load
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.dispatch import dispatch_accepted
from signals_app.services.intake import accept, receive_batch, receive_signal
from tests.builders import a_strategy, an_account
from tests.signals_app.test_intake import a_trader, arrival, committed, frame, in_threads  # noqa: F401

SWITCHED_OFF = SenderRule("charts", enabled=False)


def changed(raw: str, **fields: object) -> str:
    return json.dumps(json.loads(raw) | fields)


def ahead(raw: str) -> Arrival:
    return arrival(changed(raw, sent_at=(timezone.now() + timedelta(hours=2)).isoformat()))


def late(raw: str) -> Arrival:
    return arrival(changed(raw, sent_at=(timezone.now() - timedelta(hours=2)).isoformat()))


def not_permitted(raw: str) -> Arrival:
    return arrival(raw, rule=SWITCHED_OFF)


@pytest.mark.parametrize(
    ("refused", "code"), [(not_permitted, "not_permitted"), (ahead, "clock_ahead"), (late, "stale")]
)
def test_what_was_refused_for_its_sender_or_its_moment_is_followed_when_it_is_said_rightly(
    account, refused, code
) -> None:
    a_trader(account)
    raw, tables = frame(), load()
    first = receive_signal(refused(raw), tables)
    again = receive_signal(arrival(raw), tables)
    third = receive_signal(arrival(raw), tables)
    assert (first.reason_code, again.status, third.status) == (code, "new", "duplicate")
    assert [entry.status for entry in again.entries] == ["opened"]
    assert third.log_id == again.log_id != first.log_id
    rows = SignalLog.objects.order_by("pk").values_list("pk", "status", "uid")
    assert list(rows) == [(first.log_id, "ignored", None), (again.log_id, "new", again.uid)]
    assert Position.objects.count() == 1


def test_a_ticker_that_was_switched_on_meanwhile(account) -> None:
    a_trader(account)
    Ticker.objects.update(enabled=False)
    raw = frame()
    assert receive_signal(arrival(raw), load()).reason_code == "ticker_off"
    assert receive_signal(arrival(raw), load()).status == "duplicate", "it is off still"
    Ticker.objects.update(enabled=True)
    assert receive_signal(arrival(raw), load()).status == "new"


def test_a_door_that_only_accepts_does_the_same(account) -> None:
    a_trader(account)
    raw, tables = frame(), load()
    assert accept(not_permitted(raw), tables).status == "ignored"
    assert [accept(arrival(raw), tables).status for _ in range(2)] == ["new", "duplicate"]
    assert dispatch_accepted(10, tables) == 1
    assert Position.objects.count() == 1


def test_in_one_batch_the_first_that_may_be_followed_is_followed(account) -> None:
    a_trader(account)
    raw = frame()
    batch = [not_permitted(raw), late(raw), arrival(raw), arrival(raw)]
    verdicts = receive_batch(batch, load())
    assert [one.status for one in verdicts] == ["ignored", "duplicate", "new", "duplicate"]
    assert len({one.log_id for one in verdicts[1:]}) == 1
    assert [entry.status for entry in verdicts[2].entries] == ["opened"]


def test_of_eight_that_say_it_rightly_at_once_one_is_followed(committed) -> None:  # noqa: F811
    a_trader(committed)
    raw, tables = frame(), load()
    receive_signal(not_permitted(raw), tables)
    verdicts = in_threads(8, lambda: receive_signal(arrival(raw), tables))
    assert sorted(one.status for one in verdicts) == ["duplicate"] * 7 + ["new"]
    assert len({one.log_id for one in verdicts}) == 1
    assert (SignalLog.objects.count(), Position.objects.count()) == (2, 1)


def two_scopes(mine: Strategy) -> Registry:
    """`narrow` may speak to the strategy of another account alone, `wide` to mine."""
    other = a_strategy(an_account(), name="other")
    other.phrases.create(phrase="UP", direction="short")
    SignalSender.objects.create(name="narrow", token_hash="1" * 64).strategies.add(other)
    SignalSender.objects.create(name="wide", token_hash="2" * 64).strategies.add(mine)
    return load()


def said_by(name: str, raw: str, tables: Registry) -> Arrival:
    return arrival(raw, source=f"websocket:{name}", rule=tables.rule_of(name))


def reached(verdict: Verdict) -> list[tuple[int, str]]:
    return [(entry.strategy_id, entry.status) for entry in verdict.entries]


def test_a_repeat_reaches_the_strategies_that_the_first_sender_might_not_speak_to(account) -> None:
    mine = a_trader(account, "mine")
    tables, raw = two_scopes(mine), frame()
    first = receive_signal(said_by("narrow", raw, tables), tables)
    again, third = (receive_signal(said_by("wide", raw, tables), tables) for _ in range(2))
    assert (again.status, again.log_id) == ("duplicate", first.log_id)
    assert (reached(again), reached(third)) == ([(mine.pk, "opened")], [])
    entry, position = SignalLogEntry.objects.get(strategy=mine), Position.objects.get(strategy=mine)
    assert (entry.log_id, entry.status, entry.reason_code, entry.position) == (
        first.log_id,
        "opened",
        "",
        position,
    )
    assert SignalLogEntry.objects.count() == 2


def test_a_repeat_in_the_same_batch_reaches_them_too(account) -> None:
    mine = a_trader(account, "mine")
    tables, raw = two_scopes(mine), frame()
    batch = [said_by(name, raw, tables) for name in ("narrow", "wide", "narrow", "wide")]
    verdicts = receive_batch(batch, tables)
    assert [reached(one) for one in verdicts[1:]] == [[(mine.pk, "opened")], [], []]
    assert SignalLogEntry.objects.get(strategy=mine).status == "opened"
    assert Position.objects.filter(strategy=mine).count() == 1


def test_two_repeats_at_once_reach_them_once(committed) -> None:  # noqa: F811
    mine = a_trader(committed, "mine")
    tables, raw = two_scopes(mine), frame()
    receive_signal(said_by("narrow", raw, tables), tables)
    verdicts = in_threads(2, lambda: receive_signal(said_by("wide", raw, tables), tables))
    assert sorted(len(one.entries) for one in verdicts) == [0, 1]
    assert SignalLogEntry.objects.get(strategy=mine).status == "opened"
    assert Position.objects.filter(strategy=mine).count() == 1
