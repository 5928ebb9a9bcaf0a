"""Forecasts that are to be signals, through the intake of all signals. A row says that one is still to be sent; the
ledger's unique uid says that it was. Whoever is killed in between finds it there, and sends nothing twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import QuerySet

from exchanges.registry import is_on_paper
from signals_app.forecast_models import Forecast, ForecastFeed
from signals_app.forecasts.spoken import SOURCE, message_of, signal_of
from signals_app.models import SignalLog
from signals_app.parsing import Signal
from signals_app.registry import Registry, live
from signals_app.services.arrivals import Arrival
from signals_app.services.counting import count_arrival
from signals_app.services.intake import receive_all_read

MOST = 200  # in one commit
TOO_LATE = "it was not sent before its signal was too old"
SWITCHED_OFF = "signals were switched off before it was sent"
OTHER_CANDLES = "it was made of {} candles, and orders go {} now"


def send_waiting(now: datetime, registry: Registry | None = None) -> int:
    """How many were sent now, the strongest first: the places a strategy has go to them."""
    if not Forecast.objects.exclude(send_until=None).exists():
        return 0
    _note_sent()
    _let_go(now)
    sent = 0
    while waiting := list(_waiting()[:MOST]):
        said = _said(waiting)
        logs = _taken_in(waiting, said, now, registry or live.current())
        _settle(waiting, logs)
        sent += len(waiting)
    return sent


def _waiting() -> QuerySet[Forecast]:
    waiting = Forecast.objects.exclude(send_until=None).select_related("run", "instrument")
    return waiting.order_by("run__candle_at", "-strength", "pk")


def _note_sent() -> None:
    """Those that were taken in by a worker that did not live to write it down, or for another account of the venue."""
    waiting = list(_waiting())
    said = _said(waiting)
    logs = _in_the_ledger(waiting, said)
    _settle([one for one in waiting if one.pk in logs], logs)


def _in_the_ledger(waiting: Sequence[Forecast], said: Mapping[int, Signal]) -> dict[int, int]:
    """Also where its feed has other phrases by now."""
    uids = {said[pk].uid for pk in said}
    of_uid = dict(SignalLog.objects.filter(uid__in=uids).values_list("uid", "pk"))
    deliveries = [_delivery(one) for one in waiting]
    written = SignalLog.objects.filter(source=SOURCE, delivery__in=deliveries)
    of_delivery = dict(written.values_list("delivery", "pk"))
    found = {one.pk: of_delivery.get(_delivery(one)) for one in waiting}
    found |= {pk: of_uid[signal.uid] for pk, signal in said.items() if signal.uid in of_uid}
    return {pk: log for pk, log in found.items() if log is not None}


def _delivery(forecast: Forecast) -> str:
    return f"forecast {forecast.pk}"


def _let_go(now: datetime) -> None:
    """What is not to be sent any more, each with its reason."""
    waiting = Forecast.objects.exclude(send_until=None)
    sending = ForecastFeed.objects.filter(enabled=True, sends_signals=True).values("account")
    words = ("paper", "to real exchanges") if not is_on_paper() else ("real", "to paper")
    refused = {
        TOO_LATE: waiting.filter(send_until__lt=now),
        SWITCHED_OFF: waiting.exclude(run__account__in=sending),
        OTHER_CANDLES.format(*words): waiting.exclude(run__of_paper=is_on_paper()),
    }
    for reason, those in refused.items():
        Forecast.objects.filter(pk__in=list(those.values_list("pk", flat=True))).update(
            send_until=None, reason=reason
        )


def _said(waiting: Sequence[Forecast]) -> dict[int, Signal]:
    """Without those whose feed is gone."""
    feeds = _feeds(waiting)
    return {
        one.pk: signal_of(one, feeds[one.run.account_id]) for one in waiting if one.run.account_id in feeds
    }


def _feeds(waiting: Sequence[Forecast]) -> Mapping[int, ForecastFeed]:
    accounts = {one.run.account_id for one in waiting}
    return {
        feed.account_id: feed
        for feed in ForecastFeed.objects.filter(account__in=accounts).select_related("account")
    }


def _taken_in(
    waiting: Sequence[Forecast], said: Mapping[int, Signal], now: datetime, registry: Registry
) -> dict[int, int]:
    """Forecast -> its row of the ledger."""
    rule, messages = registry.rule_of(SOURCE), []
    for one in waiting:
        message, signal = message_of(one, said[one.pk]), said[one.pk]
        messages.append((Arrival(message, SOURCE, now, rule, delivery=_delivery(one)), signal))
        count_arrival(SOURCE, now)
    verdicts = receive_all_read(messages, registry)
    logs = {one.pk: verdict.log_id for one, verdict in zip(waiting, verdicts, strict=True)}
    return {pk: log for pk, log in logs.items() if log is not None}


def _settle(waiting: Sequence[Forecast], logs: Mapping[int, int]) -> None:
    for one in waiting:
        one.send_until, one.signal_id = None, logs.get(one.pk)
    Forecast.objects.bulk_update(waiting, ["send_until", "signal"])
