"""Risk Management: limits are set for every account, somebody watches them, and each of them really refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.trading_state import TradingState
from ops.verification.checks import accounts
from ops.verification.verdicts import Finding, Issue, Severity, judged
from positions.book import limits_on
from positions.models import AccountEquity
from positions.risk_limits import Limits

LOOKED_EVERY = timedelta(minutes=2)
SET_THEM = "set it in the admin (risk limits, or the account's page); docs/risk.md has the recommended values"
Trial = Callable[[], Mapping[str, Any]]


def check(trial: Trial) -> Finding:
    trading = list(accounts.asked().only("name", "max_open_positions", "max_exposure", "trading_state"))
    tried = trial()
    issues = [issue for account in trading for issue in [*_unlimited(account), *_unwatched(account)]]
    issues += [
        _did_not_refuse(name, said) for name, said in tried.items() if said["refused_by"] != said["wanted"]
    ]
    details = {
        "limits_that_hold": {account.name: _in_force(limits_on(account).values()) for account in trading},
        "not_asked": accounts.left_out(),
        "tried": {name: said["refused_by"] == said["wanted"] for name, said in tried.items()},
    }
    return judged(details, issues, list(_advice(trading)))


def _unlimited(account: ExchangeAccount) -> Iterator[Issue]:
    held = _in_force(limits_on(account).values())
    if not {"max_daily_loss", "max_drawdown"} & held.keys():
        yield Issue(f"nothing limits what {account.name} may lose", Severity.CRITICAL, SET_THEM)
    if not {"max_positions", "max_exposure"} & held.keys():
        yield Issue(f"nothing limits how much {account.name} may hold", Severity.CRITICAL, SET_THEM)


def _in_force(rows: Any) -> dict[str, str]:
    """The strictest of each, as text: what money is, is Decimal."""
    names = (name for name in Limits.__dataclass_fields__ if name != "notional_tiers")
    held = {name: [value for row in rows if (value := getattr(row, name))] for name in names}
    return {name: f"{min(values):f}".rstrip("0").rstrip(".") if "." in f"{min(values):f}" else f"{min(values)}"
            for name, values in held.items() if values}  # fmt: skip


def _unwatched(account: ExchangeAccount) -> Iterator[Issue]:
    looked = AccountEquity.objects.filter(account=account).values_list("looked_at", flat=True).first()
    if looked is None or timezone.now() - looked > LOOKED_EVERY:
        what = f"nobody measures what {account.name} loses: its equity was not looked at for two minutes"
        yield Issue(what, Severity.HIGH, "start the installation (`make up`); see /health/")


def _did_not_refuse(name: str, said: Mapping[str, Any]) -> Issue:
    what = f"{name}: wanted the refusal {said['wanted']}, got {said['refused_by'] or 'an opening'}"
    return Issue(what, Severity.CRITICAL, "stop entries (`manage.py halt`) until this is repaired")


def _advice(trading: list[ExchangeAccount]) -> Iterator[str]:
    for account in trading:
        if account.trading_state != TradingState.ACTIVE:
            yield f"{account.name} is {account.trading_state}: `manage.py resume` when the reason is gone"
