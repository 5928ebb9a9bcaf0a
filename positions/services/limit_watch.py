"""How near each account is to its limits, also while nothing is opened; each level is told once when it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from exchanges.models import ExchangeAccount, TradingState
from exchanges.trading_state import Cause
from positions.book import book_of, levels_of, limit_rows, limits_on, track_of
from positions.models import AccountEquity, LimitLevel
from positions.risk import uses
from positions.risk_levels import Level, Levels, level_at, remembered
from positions.risk_limits import Rule, Use
from positions.services import events, halting
from positions.services.sweeping import for_each

RISK_LEVELS = {Level.WARN: "medium", Level.REDUCE: "high", Level.HALT: "critical"}


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one rule on one account: the use that is nearest to its limit, and what its row says of levels."""

    use: Use
    levels: Levels

    @property
    def percent(self) -> Decimal:
        return self.use.percent or Decimal(0)

    @property
    def level(self) -> Level:
        return level_at(self.percent, self.levels)

    @property
    def sentence(self) -> str:
        use = self.use
        return (
            f"the {use.rule} is {use.used:.2f} % of equity, {self.percent:.0f} % of the limit {use.of:.2f} %"
        )


def watch_limits(now: datetime) -> None:
    accounts = ExchangeAccount.objects.order_by("pk").values_list("pk", flat=True)
    for_each(accounts, lambda pk: watch_account(pk, now), "limits of account %s could not be judged")


def watch_account(account_id: int, now: datetime) -> None:
    _lift_what_ended_with_its_day(account_id, now)
    known = {row.rule: row for row in LimitLevel.objects.filter(account=account_id)}
    found = standings(account_id)
    for row in known.values():
        _forget_what_is_over(row, found, now)
    for rule, standing in found.items():
        row = known.get(rule) or LimitLevel(account_id=account_id, rule=rule, since=now)
        _judge(row, standing, now)


def standings(account_id: int) -> dict[Rule, Standing]:
    account = ExchangeAccount.objects.only("max_open_positions", "max_exposure").get(pk=account_id)
    limits, rows = limits_on(account), limit_rows(account_id)
    found: dict[Rule, Standing] = {}
    for use in uses(limits, book_of(account_id, limits)):
        if use.rule.is_percent and use.used is not None:
            standing = Standing(use, levels_of(rows[use.scope], use.rule))
            known = found.get(use.rule)
            if known is None or _nearness(standing) > _nearness(known):
                found[use.rule] = standing
    return found


def _nearness(standing: Standing) -> tuple[Level, Decimal]:
    return standing.level, standing.percent


def _forget_what_is_over(row: LimitLevel, found: Mapping[Rule, Standing], now: datetime) -> None:
    of_another_day = row.rule == Rule.DAILY_LOSS and row.since.date() < now.date()
    without_limit = row.rule == Rule.DRAWDOWN and Rule.DRAWDOWN not in found
    if of_another_day or without_limit:
        _write(row, Level.NONE, now)


def _judge(row: LimitLevel, standing: Standing, now: datetime) -> None:
    before = Level(row.level)
    level = remembered(before, standing.percent, standing.levels)
    if level > before:
        _act(row.account_id, level, standing)
        _remember(row, level, standing, now)
    elif level < before and row.rule != Rule.DAILY_LOSS:  # that stays for the day, however the day goes on
        _write(row, level, now)


def _act(account_id: int, level: Level, standing: Standing) -> None:
    """Before it is remembered: a process that dies in between does it again, and that changes nothing."""
    if level < Level.REDUCE:
        return
    cause, ends = Cause.LIMITS, "a person must resume it"
    if level is Level.REDUCE and standing.use.rule is Rule.DAILY_LOSS:
        cause, ends = Cause.DAY, "it opens again at midnight UTC"
    switch = halting.halt if level is Level.HALT else halting.reduce
    switch(account_id, f"{standing.sentence}; {ends}", cause=cause)


def _lift_what_ended_with_its_day(account_id: int, now: datetime) -> None:
    """By the account's own state, whatever is remembered of levels. A limit that does not end with the day has taken
    it over by then."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    over = ExchangeAccount.objects.filter(pk=account_id, state_cause=Cause.DAY, state_since__lt=midnight)
    if over.filter(trading_state=TradingState.REDUCING).exists():
        halting.activate(account_id, "a new day (UTC) began", cause=Cause.DAY)


@transaction.atomic
def _remember(row: LimitLevel, level: Level, standing: Standing, now: datetime) -> None:
    _write(row, level, now)
    events.record(
        "risk_level", RISK_LEVELS[level], account_id=row.account_id, level=level.word, rule=row.rule,
        reason=standing.sentence, used=standing.use.used, of=standing.use.of,
    )  # fmt: skip


def _write(row: LimitLevel, level: Level, now: datetime) -> None:
    row.level, row.since = level, now
    row.save()


@transaction.atomic
def begin_anew(account_id: int, by: str) -> None:
    """The owner accepts what was lost: the next look is the new peak and the beginning of the day, and what limits
    closed for it opens. What a person or the exchange closed stays."""
    accounts = ExchangeAccount.objects.select_for_update(no_key=True).only("trading_state")
    if accounts.get(pk=account_id).trading_state == TradingState.REDUCING:  # a halt is resumed by itself
        halting.activate(account_id, "the losses were accepted", by, cause=Cause.LIMITS)
    was = track_of(account_id)
    AccountEquity.objects.filter(account=account_id).delete()
    LimitLevel.objects.filter(account=account_id).delete()
    events.record("losses_accepted", "medium", account_id=account_id, by=by, drawdown=was and was.drawdown)
