"""manage.py signal: a person's word, through the same intake as every sender's."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from exchanges.models import ExchangeAccount
from ops.console import Row, end, refuse_usage, status_of, tell
from signals_app.answers import answer
from signals_app.models import EntryStatus, Strategy, StrategySignal
from signals_app.registry import load
from signals_app.routing import SignalDirection
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.counting import count_arrival
from signals_app.services.intake import receive_batch
from signals_app.shapes.signal import phrase_key

MEANINGS = {
    "long": (SignalDirection.LONG,),
    "short": (SignalDirection.SHORT,),
    "close": (SignalDirection.CLOSE_LONG, SignalDirection.CLOSE_SHORT),
}
SOURCE = "command"
ACTED = (EntryStatus.OPENED, EntryStatus.CLOSED, EntryStatus.PROTECTED)


class Command(BaseCommand):
    help = (
        "Say a signal by hand: logged, judged and followed as any sender's. `signal -` reads one message as a sender "
        "would send it. Exit status 0: every signal was acted on; 1: none was; 3: some were not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbol", help="BTCUSDT, or - for a message on standard input")
        parser.add_argument("direction", nargs="?", choices=tuple(MEANINGS))
        parser.add_argument("--strategy", default="", help="only this strategy hears it, in its own phrase")
        parser.add_argument(
            "--json",
            action="store_true",
            help="the answers as JSON, as a sender gets them, with what each strategy did",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rule = _rule(options["strategy"])
        arrivals = [_arrival(raw, rule) for raw in _messages(options)]
        verdicts = receive_batch(arrivals, load())
        answers = [_answer(verdict, one.raw) for verdict, one in zip(verdicts, arrivals, strict=True)]
        rows = [row for verdict in verdicts for row in _rows(verdict)]
        tell(self.stdout, answers if options["json"] else rows, as_json=options["json"])
        end(status_of(sum(map(_is_acted_on, verdicts)), len(verdicts)))


def _rule(strategy: str) -> SenderRule:
    """Who is at this machine's command line may say anything."""
    if not strategy:
        return SenderRule(SOURCE)
    found = (
        StrategySignal.objects.filter(strategy__name=strategy).values_list("strategy_id", flat=True).first()
    )
    if found is None:
        refuse_usage(f"No strategy {strategy} knows any phrase.")
    return SenderRule(SOURCE, strategies=frozenset({found}))


def _messages(options: dict[str, Any]) -> list[str]:
    if options["symbol"] == "-":
        if options["direction"]:
            refuse_usage("A message on standard input says its own direction.")
        return [sys.stdin.read()]
    if not options["direction"]:
        refuse_usage(f"Say what {options['symbol']} is to do: {', '.join(MEANINGS)}.")
    now = timezone.now()
    said = {"symbol": options["symbol"].upper(), "bar_time": now.isoformat(), "sent_at": now.isoformat()}
    said["signal_id"] = f"{SOURCE}-{now:%Y%m%d-%H%M%S-%f}"
    return [json.dumps(said | {"message": phrase}) for phrase in _phrases(options)]


def _phrases(options: dict[str, Any]) -> list[str]:
    """One for each direction that is meant. Where strategies say it differently, a person must say which one."""
    known = StrategySignal.objects.filter(strategy__archived=False).order_by("pk")
    if options["strategy"]:
        known = known.filter(strategy__name=options["strategy"])
    return [
        phrase for meaning in MEANINGS[options["direction"]] for phrase in _phrase(known, meaning)
    ] or refuse_usage(f"No strategy has a phrase for {options['direction']}.")


def _phrase(known: Any, meaning: SignalDirection) -> list[str]:
    found = {
        phrase_key(phrase): phrase
        for phrase in known.filter(direction=meaning).values_list("phrase", flat=True)
    }
    if len(found) > 1:
        said = ", ".join(sorted(found.values()))
        refuse_usage(
            f"Strategies say {meaning} in several ways ({said}); say which strategy by --strategy NAME."
        )
    return list(found.values())


def _arrival(raw: str, rule: SenderRule) -> Arrival:
    source, now = f"{SOURCE}:{getpass.getuser()}"[:60], timezone.now()
    count_arrival(source, now)
    return Arrival(raw, source, now, rule)


def _answer(verdict: Verdict, raw: bytes | str) -> Row:
    return answer(verdict, raw) | {"entries": [asdict(entry) for entry in verdict.entries]}


def _is_acted_on(verdict: Verdict) -> bool:
    return any(entry.status in ACTED for entry in verdict.entries)


def _rows(verdict: Verdict) -> list[Row]:
    signal: Row = {"signal": verdict.log_id or "", "verdict": verdict.status.value, "why": verdict.reason}
    if not verdict.entries:
        return [signal | {"strategy": "", "account": "", "became": "", "position": ""}]
    strategies = dict(Strategy.objects.values_list("pk", "name"))
    accounts = dict(ExchangeAccount.objects.values_list("pk", "name"))
    return [
        signal
        | {
            "why": entry.note,
            "strategy": strategies.get(entry.strategy_id, ""),
            "account": accounts.get(entry.account_id or 0, ""),
            "became": entry.status.value,
            "position": entry.position_id or "",
        }
        for entry in verdict.entries
    ]
