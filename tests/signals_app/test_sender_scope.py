"""A sender that was given strategies of its own speaks to those alone, now and when an accepted signal is decided."""

from __future__ import annotations

import json

from django.utils import timezone

from positions.models import Position
from signals_app.models import SignalLogEntry, SignalSender, Strategy
from signals_app.registry import load
from signals_app.services.arrivals import Arrival
from signals_app.services.dispatch import dispatch_accepted
from signals_app.services.intake import accept, receive_signal
from tests.builders import a_strategy, a_ticker, an_account


def a_scene() -> tuple[Strategy, Strategy]:
    """Two strategies that know the phrase; the sender was given the first one."""
    a_ticker("BTCUSDT")
    given, other = a_strategy(an_account()), a_strategy(an_account())
    for strategy in (given, other):
        strategy.phrases.create(phrase="EXIT", direction="close_long")
    SignalSender.objects.create(name="charts", token_hash="1" * 64).strategies.add(given)
    return given, other


def an_arrival() -> Arrival:
    frame = {"symbol": "BTCUSDT", "message": "EXIT", "bar_time": timezone.now().isoformat()}
    return Arrival(json.dumps(frame), "webhook:charts", timezone.now(), load().rule_of("charts"))


def answers() -> dict[int, list[str]]:
    rows = SignalLogEntry.objects.values_list("strategy_id", "status", "note", "reason_code")
    return {strategy_id: rest for strategy_id, *rest in map(tuple, rows)}


def expected(given: Strategy, other: Strategy) -> dict[int, list[str]]:
    return {
        given.pk: ["skipped", "nothing to close", "nothing_to_close"],
        other.pk: ["skipped", "charts may not speak to this strategy", "not_permitted"],
    }


def test_a_signal_is_decided_for_the_strategies_it_may_speak_to(db, engine) -> None:
    given, other = a_scene()
    receive_signal(an_arrival(), load())
    assert answers() == expected(given, other)


def test_an_accepted_signal_is_decided_by_the_same_scope(db, engine) -> None:
    given, other = a_scene()
    accept(an_arrival(), load())
    assert dispatch_accepted(10, load()) == 1
    assert answers() == expected(given, other)


def test_without_a_choice_all_are_spoken_to(db, engine) -> None:
    a_scene()
    SignalSender.objects.get().strategies.clear()
    verdict = receive_signal(an_arrival(), load())
    assert {entry.note for entry in verdict.entries} == {"nothing to close"}
    assert not Position.objects.exists()


def test_a_switched_off_sender_is_told_so(db) -> None:
    a_scene()
    SignalSender.objects.update(enabled=False)
    verdict = receive_signal(an_arrival(), load())
    assert (verdict.status, verdict.reason_code) == ("ignored", "not_permitted")
