"""For servers whose signals come in no waves: each one is handed on once, as it comes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from django.utils import timezone

from signals_app.models import SignalLog
from signals_app.registry import Registry
from signals_app.selection import Record, read_record
from signals_app.services import waves
from signals_app.sources.server_client import ServerClient
from signals_app.symbol_rules import SymbolRules


class SteadyWatch:
    def __init__(self, client: ServerClient, rules: SymbolRules, registry: Callable[[], Registry]) -> None:
        self._client, self._rules, self._registry = client, rules, registry
        self._number = 0
        self._done: frozenset[str] = frozenset()

    def step(self, stop: Event) -> None:
        """A step that failed is taken again with the same snapshot."""
        got = self._client.wait_for_snapshot(self._number, 1.0)
        at = got.received_at
        if got.number == self._number or at is None:
            return
        registry = self._registry()
        read = (read_record(fields, at, registry.contracts) for fields in got.records)
        records = {one.key: one for one in read}
        self._done &= records.keys()
        self._done |= _known(records.keys() - self._done)
        for one in records.values():
            if stop.is_set():
                return
            if one.key not in self._done:
                self._hand_on(one, registry)
                self._done |= {one.key}
        self._number = got.number

    def _hand_on(self, one: Record, registry: Registry) -> None:
        refusal = self._rules.refusal(one.symbol, registry.tables.tickers.keys()) if one.symbol else None
        if refusal:
            waves.refuse([(one, refusal)], timezone.now())
        else:
            waves.hand_on(one.raw, registry)


def _known(keys: set[str]) -> frozenset[str]:
    """Snapshots repeat, also after a restart: what has a row is no repeat worth counting."""
    found = SignalLog.objects.filter(uid__in=keys).values_list("uid", flat=True)
    return frozenset(uid for uid in found if uid)
