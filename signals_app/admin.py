from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from ops.trail.admin import ExplainedAdmin
from signals_app.forms import StrategyForm
from signals_app.models import (
    SignalAttempt,
    SignalLog,
    SignalLogEntry,
    SignalSender,
    Strategy,
    StrategySignal,
    Ticker,
)
from signals_app.tokens import new_token, token_hash
from trailing.plan import read_plan
from trailing.words import in_words


@admin.register(Ticker)
class TickerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("symbol", "enabled", "trade_permission")
    list_editable = ("enabled", "trade_permission")
    list_filter = ("enabled", "trade_permission")
    search_fields = ("symbol",)


class PhraseInline(admin.TabularInline):  # type: ignore[type-arg]
    model = StrategySignal
    extra = 1


@admin.register(Strategy)
class StrategyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = StrategyForm
    inlines = [PhraseInline]
    list_display = (
        "name", "account", "enabled", "allow_open", "sizing_mode", "notional", "leverage",
        "leaves",
    )  # fmt: skip
    list_filter = ("enabled", "archived", "account")
    search_fields = ("name",)
    filter_horizontal = ("tickers",)
    fieldsets = (
        (None, {"fields": ("name", "account", "enabled", "archived", "allow_open")}),
        ("Routing", {"fields": ("use_all_tickers", "tickers", "opposite_signal")}),
        ("Size", {"fields": ("sizing_mode", "notional", "risk_percent", "leverage", "max_open_positions")}),
        ("Protection", {"fields": ("protection",)}),
    )

    @admin.display(description="protection")
    def leaves(self, strategy: Strategy) -> str:
        return in_words(read_plan(strategy.protection))

    def has_delete_permission(self, request: HttpRequest, obj: Strategy | None = None) -> bool:
        """A strategy that has traded is archived, not deleted."""
        return obj is None or not (obj.positions.exists() or obj.log_entries.exists())


@admin.register(SignalSender)
class SignalSenderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "enabled", "created_at")
    fields = ("name", "enabled")

    def save_model(self, request: HttpRequest, obj: SignalSender, form: Any, change: bool) -> None:
        if not change:
            token = new_token()
            obj.token_hash = token_hash(token)
            messages.warning(request, f"Token of {obj.name}, shown this once: {token}")
        super().save_model(request, obj, form, change)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class EntryInline(admin.TabularInline):  # type: ignore[type-arg]
    model = SignalLogEntry
    extra = 0
    can_delete = False
    readonly_fields = ("strategy", "status", "note", "position", "logged_at")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(SignalLog)
class SignalLogAdmin(ReadOnlyAdmin, ExplainedAdmin):
    explained_as = "signal"
    inlines = [EntryInline]
    list_display = ("received_at", "source", "symbol", "message", "status", "reason")
    list_filter = ("status", "source")
    search_fields = ("uid", "signal_id", "symbol", "message")
    date_hierarchy = "received_at"


@admin.register(SignalAttempt)
class SignalAttemptAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "source", "uid")
    search_fields = ("uid",)
