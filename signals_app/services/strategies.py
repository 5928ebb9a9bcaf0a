"""What a person does with a strategy beside editing it: pause, resume, clone. Told in its history in the admin."""

from __future__ import annotations

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from signals_app.models import Strategy, StrategyAccount, StrategySignal

LONGEST_NAME = 60


@transaction.atomic
def set_paused(strategy_id: int, *, paused: bool, by: User) -> bool:
    """Paused it opens nothing, while its signals still close. Whether anything changed."""
    strategy = Strategy.objects.select_for_update().get(pk=strategy_id)
    if strategy.allow_open is not paused:
        return False
    strategy.allow_open = not paused
    strategy.save(update_fields=["allow_open", "updated_at"])
    _tell(strategy, by, CHANGE, "Paused: it opens nothing." if paused else "Resumed: it opens again.")
    return True


@transaction.atomic
def clone(strategy_id: int, *, by: User) -> Strategy:
    """Switched off: with the same phrases on the same accounts it would trade everything twice."""
    first = Strategy.objects.get(pk=strategy_id)
    tickers = list(first.tickers.all())
    made = Strategy.objects.get(pk=strategy_id)
    made.pk, made.name, made.enabled, made.archived = None, free_name(first.name), False, False
    made._state.adding = True
    made.save()
    made.tickers.set(tickers)
    _copy_rows(first, made)
    _tell(made, by, ADDITION, f"Cloned from {first.name}; switched off.")
    return made


def _copy_rows(first: Strategy, made: Strategy) -> None:
    phrases = StrategySignal.objects.filter(strategy=first).order_by("pk")
    StrategySignal.objects.bulk_create(
        StrategySignal(strategy=made, phrase=one.phrase, direction=one.direction) for one in phrases
    )
    places = list(StrategyAccount.objects.filter(strategy=first).order_by("pk"))
    for place in places:
        place.pk, place.strategy, place._state.adding = None, made, True
    StrategyAccount.objects.bulk_create(places)


def free_name(name: str) -> str:
    for number in range(1, 1000):
        ending = "-copy" if number == 1 else f"-copy-{number}"
        wanted = f"{name[: LONGEST_NAME - len(ending)]}{ending}"
        if not Strategy.objects.filter(name=wanted).exists():
            return wanted
    raise ValueError(f"{name} has a thousand copies")


def _tell(strategy: Strategy, by: User, flag: int, what: str) -> None:
    LogEntry.objects.log_actions(by.pk, [strategy], flag, what, single_object=True)
