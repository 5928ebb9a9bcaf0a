"""Pairs that are watched for a spread, and what came of them. A trade is only to be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from exchanges.models import KEYS, ExchangeAccount, Instrument
from ops.desk.admin_base import ReadOnlyAdmin
from positions import formats
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from positions.models import Position
from positions.pair_figures import result_of
from signals_app.models import Strategy, StrategyKind
from trailing.plan import PlanRefused, read_plan

BOTH = "first_account", "second_account"
TRADED_BY = "strategy", "symbol", *BOTH  # what its trades were opened by
LEGS = "long_position", "short_position"


def _keys(accounts: Iterable[str]) -> list[str]:
    return [f"{account}__{key}" for account in accounts for key in KEYS]


class PairForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ArbitragePair
        fields = "__all__"  # noqa: DJ007 the admin names them

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        strategy = cleaned.get("strategy")
        if strategy is not None and (wrong := _wrong_strategy(strategy)):
            self.add_error("strategy", wrong)
        for name in ("first_account", "second_account"):
            if account := cleaned.get(name):
                for wrong in _wrong_account(account, strategy, cleaned.get("symbol", "")):
                    self.add_error(name, wrong)
        for name in self._changed_after_trading():
            self.add_error(name, "It has traded: switch this pair off, and set up another one for this.")
        return cleaned

    def _changed_after_trading(self) -> list[str]:
        changed = [name for name in TRADED_BY if name in self.changed_data]
        return changed if changed and self.instance.pk and self.instance.trades.exists() else []


def _wrong_strategy(strategy: Strategy) -> str | None:
    if strategy.kind != StrategyKind.ARBITRAGE:
        return f"{strategy.name} follows signals: its kind must be arbitrage."
    try:
        more = read_plan(strategy.protection).beside_the_stop
    except PlanRefused as refusal:
        return f"Its protection plan cannot be read: {refusal}"
    return f"Its protection must be a stop loss alone, without {', '.join(more)}." if more else None


def _wrong_account(account: ExchangeAccount, strategy: Strategy | None, symbol: str) -> list[str]:
    wrong = []
    if strategy is not None and not strategy.accounts.filter(account=account).exists():
        wrong.append(f"{strategy.name} does not trade on {account.name}: add it there first.")
    if symbol and not Instrument.objects.filter(venue=account.venue, symbol=symbol, active=True).exists():
        wrong.append(f"{symbol} is not traded on {account.venue}.")
    return wrong


@admin.register(ArbitragePair)
class ArbitragePairAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = PairForm
    list_display = (
        "symbol", "first_account", "second_account", "enabled", "entry_percent", "exit_percent", "trade_now",
        "judgement", "judged_at",
    )  # fmt: skip
    list_filter = ("enabled", "strategy")
    readonly_fields = ("judgement", "judged_at")
    fieldsets = (
        (None, {"fields": ("strategy", "symbol", "enabled", ("judgement", "judged_at"))}),
        (
            "Accounts",
            {"fields": (("first_account", "first_fee_percent"), ("second_account", "second_fee_percent"))},
        ),
        ("Thresholds, percent", {"fields": ("entry_percent", "exit_percent", "stop_loss_percent")}),
        (
            "Times",
            {
                "fields": (
                    "expected_holding_minutes",
                    "max_holding_minutes",
                    "max_quote_age_ms",
                    "rest_seconds",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ArbitragePair]:
        return super().get_queryset(request).select_related(*BOTH).defer(*_keys(BOTH))

    @admin.display(description="trade now")
    def trade_now(self, pair: ArbitragePair) -> str:
        trade = pair.trades.filter(ended_at=None).select_related(*LEGS).first()
        return f"{trade.status}, booked {formats.change(result_of(trade).net)}" if trade else "none"

    def has_delete_permission(self, request: HttpRequest, obj: ArbitragePair | None = None) -> bool:
        """One that has traded is switched off, not deleted."""
        may_delete = super().has_delete_permission(request, obj)
        return may_delete and (obj is None or not obj.trades.exists())


@admin.register(ArbitrageTrade)
class ArbitrageTradeAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "pair", "status", "quantity", "expected", "gross", "fees", "funding", "net", "long_leg", "short_leg",
        "opened_because", "cause", "reason", "created_at", "ended_at",
    )  # fmt: skip
    list_filter = ("status", "cause", "pair")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    readonly_fields = ("gross", "fees", "funding", "net")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ArbitrageTrade]:
        accounts = [f"pair__{name}" for name in BOTH]
        return super().get_queryset(request).select_related(*accounts, *LEGS).defer(*_keys(accounts))

    @admin.display(description="expected, net")
    def expected(self, trade: ArbitrageTrade) -> str:
        return f"{trade.net_percent:f} %"

    @admin.display(description="profit before fees")
    def gross(self, trade: ArbitrageTrade) -> str:
        return formats.change(result_of(trade).gross)

    @admin.display(description="fees")
    def fees(self, trade: ArbitrageTrade) -> str:
        return formats.change(-result_of(trade).fees)

    @admin.display(description="funding")
    def funding(self, trade: ArbitrageTrade) -> str:
        return formats.change(result_of(trade).funding)

    @admin.display(description="result")
    def net(self, trade: ArbitrageTrade) -> str:
        return formats.change(result_of(trade).net)

    @admin.display(description="long")
    def long_leg(self, trade: ArbitrageTrade) -> SafeString | str:
        return _link(trade.long_position)

    @admin.display(description="short")
    def short_leg(self, trade: ArbitrageTrade) -> SafeString | str:
        return _link(trade.short_position)


def _link(position: Position | None) -> SafeString | str:
    if position is None:
        return "not opened"
    return format_html('<a href="{}">{}</a>', reverse("position", args=[position.pk]), position.status)
