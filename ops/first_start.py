"""What a new database needs: an administrator and, in dry-run, something to play with.

Run at every start. What exists is never written again, so the owner's edits and deletions stay.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from exchanges.marks import latest_marks
from exchanges.models import AccountBalance, ExchangeAccount, Instrument
from ops import demo
from positions.lifecycle import PositionStatus
from positions.models import Position, RiskLimits
from positions.risk_limits import RECOMMENDED
from positions.services.instruments import refresh_instruments
from signals_app.forecast_models import ForecastFeed
from signals_app.models import SignalSender, Strategy, StrategyAccount, StrategySignal, Ticker
from signals_app.tokens import token_hash

ADMIN = "admin"


@dataclass(frozen=True)
class Administrator:
    name: str
    password: str = field(repr=False)


def ensure_administrator() -> Administrator | None:
    """The new administrator, the only time anyone sees the password; None when there is one already."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    name = ADMIN if not users.filter(username=ADMIN).exists() else f"{ADMIN}-{secrets.token_hex(2)}"
    users.create_superuser(name, password=password)
    return Administrator(name, password)


def held_for_real() -> list[str]:
    """Accounts with open positions that are confirmed for real orders. The paper exchange holds none of them: they
    would be found missing, and closed in the books."""
    open_positions = Position.objects.filter(account__is_live_confirmed=True).exclude(
        status=PositionStatus.CLOSED
    )
    return list(open_positions.order_by("account__name").values_list("account__name", flat=True).distinct())


def seed_limits() -> None:
    """As the administrator: with a new database alone. Limits that were deleted do not come back."""
    RiskLimits.objects.get_or_create(account=None, strategy=None, defaults=RECOMMENDED)


def seed_demo(token: str) -> None:
    _seed_accounts_and_strategies()
    _seed_tickers()
    _seed_sender(token)


@transaction.atomic
def _seed_accounts_and_strategies() -> None:
    """The first account is the mark that it has been done: deleted strategies do not come back."""
    if ExchangeAccount.objects.filter(name=demo.ACCOUNT).exists():
        return
    accounts = {
        name: ExchangeAccount.objects.get_or_create(name=name, defaults={"venue": venue})[0]
        for name, venue in demo.ACCOUNTS.items()
    }
    ForecastFeed.objects.get_or_create(account=accounts[demo.ACCOUNT], defaults=demo.FORECASTS)
    for wanted in demo.STRATEGIES:
        strategy, created = Strategy.objects.get_or_create(name=wanted.name, defaults=wanted.fields)
        if created:
            StrategyAccount.objects.bulk_create(
                StrategyAccount(strategy=strategy, account=accounts[name]) for name in wanted.accounts
            )
            StrategySignal.objects.bulk_create(
                StrategySignal(strategy=strategy, phrase=phrase, direction=direction)
                for phrase, direction in wanted.phrases.items()
            )


def can_demo_trade() -> bool:
    """Its account was compared with the exchange, and prices are told."""
    is_known = AccountBalance.objects.filter(account__name=demo.ACCOUNT).exists()
    symbols = list(Ticker.objects.values_list("symbol", flat=True))
    told = latest_marks(demo.ACCOUNTS[demo.ACCOUNT], symbols, timezone.now())
    return is_known and len(told) == len(symbols)


def _seed_tickers() -> None:
    """Every contract of the paper exchange, unless the owner already has tickers."""
    if Ticker.objects.exists():
        return
    refresh_instruments()
    contracts = Instrument.objects.filter(active=True, exchange_symbol__regex=r"^[A-Z0-9]{2,20}$")
    names = contracts.values_list("exchange_symbol", flat=True).distinct()
    Ticker.objects.bulk_create([Ticker(symbol=name) for name in names], ignore_conflicts=True)


def _seed_sender(token: str) -> None:
    """The token is made anew when var/keys.env is lost, and the sender must still get in."""
    if not token:
        return
    SignalSender.objects.update_or_create(name=demo.SENDER, defaults={"token_hash": token_hash(token)})
