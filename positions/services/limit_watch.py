"""How near each account is to its limits, also while nothing is opened; each level is told once when it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from exchanges.models import ExchangeAccount, TradingState
from exchanges.trading_state import Cause
from positions.book import book_of, levels_of, limit_rows, limits_on
from positions.models import LimitLevel
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
    if row.rule == Rule.DAILY_LOSS and row.since.date() < now.date():
        _lift(row)
        _write(row, Level.NONE, "", now)
    elif row.rule == Rule.DRAWDOWN and Rule.DRAWDOWN not in found:
        _write(row, Level.NONE, "", now)


def _judge(row: LimitLevel, standing: Standing, now: datetime) -> None:
    before = Level(row.level)
    level = remembered(before, standing.percent, standing.levels)
    if level > before:
        _remember(row, level, _act(row.account_id, level, standing), standing, now)
    elif level < before and row.rule != Rule.DAILY_LOSS:  # that stays for the day, however the day goes on
        _write(row, level, "", now)


def _act(account_id: int, level: Level, standing: Standing) -> str:
    """Before it is remembered: a process that dies in between does it again, and that changes nothing."""
    if level < Level.REDUCE:
        return ""
    ends = "a person must resume it"
    if level is Level.REDUCE and standing.use.rule is Rule.DAILY_LOSS:
        ends = "it opens again at midnight UTC"
    reason = f"{standing.sentence}; {ends}"
    switch = halting.halt if level is Level.HALT else halting.reduce
    switch(account_id, reason, cause=Cause.LIMITS)
    return reason


def _lift(row: LimitLevel) -> None:
    """Only what this row's level set, and where no other loss stands in the way."""
    if row.level != Level.REDUCE:
        return
    drawdown = LimitLevel.objects.filter(account=row.account_id, rule=Rule.DRAWDOWN, level__gte=Level.REDUCE)
    account = ExchangeAccount.objects.only("trading_state", "state_reason").get(pk=row.account_id)
    is_ours = account.trading_state == TradingState.REDUCING and account.state_reason == row.state_reason
    if is_ours and not drawdown.exists():
        halting.activate(row.account_id, "a new day (UTC) began", cause=Cause.LIMITS)


@transaction.atomic
def _remember(row: LimitLevel, level: Level, reason: str, standing: Standing, now: datetime) -> None:
    _write(row, level, reason, now)
    events.record(
        "risk_level", RISK_LEVELS[level], account_id=row.account_id, level=level.word, rule=row.rule,
        reason=standing.sentence, used=standing.use.used, of=standing.use.of,
    )  # fmt: skip


def _write(row: LimitLevel, level: Level, reason: str, now: datetime) -> None:
    row.level, row.since, row.state_reason = level, now, reason
    row.save()
