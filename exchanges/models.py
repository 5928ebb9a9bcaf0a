"""Accounts, their balances and the contracts they can trade. Constraints, no behaviour."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Q

from exchanges.choices import choices
from exchanges.secrets import SecretField


class Venue(StrEnum):
    BINANCE = "binance"
    BYBIT = "bybit"


class TradingState(StrEnum):
    ACTIVE = "active"
    REDUCING = "reducing"  # no new positions
    HALTED = "halted"  # no new positions and the owner is called


class ExchangeAccount(models.Model):
    name = models.SlugField(max_length=40, unique=True)
    venue = models.CharField(max_length=20, choices=choices(Venue), default=Venue.BINANCE)
    api_key = SecretField(blank=True, default="")
    api_secret = SecretField(blank=True, default="")
    is_live_confirmed = models.BooleanField(
        default=False, help_text="Real orders need this tick and DRY_RUN=false; both, always."
    )
    trading_state = models.CharField(
        max_length=20, choices=choices(TradingState), default=TradingState.ACTIVE
    )
    state_reason = models.TextField(blank=True, default="")
    max_open_positions = models.PositiveIntegerField(default=10)
    max_exposure = models.DecimalField(
        max_digits=20, decimal_places=2, default=30000, help_text="Sum of open notionals, in quote currency."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(venue__in=list(Venue)), name="account_venue_known"),
            models.CheckConstraint(
                condition=Q(trading_state__in=list(TradingState)), name="account_state_known"
            ),
            models.CheckConstraint(condition=Q(max_exposure__gt=0), name="account_exposure_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class AccountBalance(models.Model):
    """What the exchange said last; apart from the account row, which openings lock."""

    account = models.OneToOneField(ExchangeAccount, models.CASCADE, related_name="balance")
    wallet_balance = models.DecimalField(max_digits=24, decimal_places=8)
    equity = models.DecimalField(max_digits=24, decimal_places=8)
    available_balance = models.DecimalField(max_digits=24, decimal_places=8)
    reported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id}: {self.equity}"


class Instrument(models.Model):
    venue = models.CharField(max_length=20, choices=choices(Venue))
    symbol = models.CharField(max_length=60, help_text="ccxt's unified text, BTC/USDT:USDT")
    exchange_symbol = models.CharField(max_length=20, help_text="the venue's id, BTCUSDT")
    price_increment = models.DecimalField(max_digits=20, decimal_places=10)
    size_increment = models.DecimalField(max_digits=20, decimal_places=10)
    min_quantity = models.DecimalField(max_digits=20, decimal_places=8)
    max_quantity = models.DecimalField(max_digits=20, decimal_places=8, null=True, blank=True)
    min_notional = models.DecimalField(max_digits=20, decimal_places=8)
    contract_size = models.DecimalField(max_digits=20, decimal_places=8, default=1)
    active = models.BooleanField(default=True)
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol"], name="instrument_symbol_once"),
            models.UniqueConstraint(
                fields=["venue", "exchange_symbol"], name="instrument_exchange_symbol_once"
            ),
            models.CheckConstraint(
                condition=Q(price_increment__gt=0, size_increment__gt=0, contract_size__gt=0),
                name="instrument_steps_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.symbol
