from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ops.desk.admin_base import DeskAdmin, ReadOnlyAdmin, ReadOnlyInline
from ops.trail.admin import ExplainedAdmin
from positions.formats import words
from signals_app import plan_form
from signals_app.forms import AccountsFormSet, SenderForm, StrategyForm
from signals_app.models import (
    SignalAttempt,
    SignalLog,
    SignalLogEntry,
    SignalSender,
    Strategy,
    StrategyAccount,
    StrategySignal,
    Ticker,
    TickerAlias,
    Wave,
    WaveSignal,
)
from signals_app.reasons import ReasonCode
from signals_app.sender_clocks import clocks_of
from signals_app.services.senders import renew_token
from signals_app.tokens import new_token, token_hash
from trailing.plan import read_plan
from trailing.words import in_words


class AliasInline(admin.TabularInline):  # type: ignore[type-arg]
    model = TickerAlias
    extra = 0


@admin.register(Ticker)
class TickerAdmin(DeskAdmin):
    inlines = [AliasInline]
    list_display = ("symbol", "enabled", "trade_permission")
    list_editable = ("enabled", "trade_permission")
    list_filter = ("enabled", "trade_permission")
    search_fields = ("symbol",)


class PhraseInline(admin.TabularInline):  # type: ignore[type-arg]
    model = StrategySignal
    extra = 1


class AccountInline(admin.TabularInline):  # type: ignore[type-arg]
    model = StrategyAccount
    formset = AccountsFormSet
    fk_name = "strategy"
    extra = 0
    verbose_name_plural = "accounts it trades on"


@admin.register(Strategy)
class StrategyAdmin(DeskAdmin):
    form = StrategyForm
    inlines = [AccountInline, PhraseInline]
    list_display = (
        "name", "kind", "trades_on", "enabled", "allow_open", "sizing_mode", "notional", "leverage",
        "leaves",
    )  # fmt: skip
    list_filter = ("enabled", "archived", "accounts__account")
    search_fields = ("name",)
    filter_horizontal = ("tickers",)
    fieldsets = (
        (None, {"fields": ("name", "kind", "enabled", "archived", "allow_open")}),
        ("Routing", {"fields": ("use_all_tickers", "tickers", "opposite_signal")}),
        (
            "Size",
            {
                "fields": (
                    "sizing_mode",
                    "notional",
                    "equity_percent",
                    "risk_percent",
                    "risk_balance",
                    "risk_profile",
                    "leverage",
                    "max_open_positions",
                )
            },
        ),
        ("Pauses", {"fields": ("cooldown_after_close", "cooldown_after_loss", "cooldown_between_entries")}),
        (
            "Market",
            {
                "fields": (
                    ("min_open_interest", "open_interest_unknown"),
                    ("min_hour_volume", "hour_volume_unknown"),
                    ("max_move_percent", "move_unknown"),
                    ("max_spread_percent", "spread_unknown"),
                    ("max_slippage_percent", "slippage_unknown"),
                )
            },
        ),
        ("Signal", {"fields": ("max_signal_age", ("min_confidence", "confidence_unknown"))}),
        ("Protection", {"fields": ("plan_by", "protection")}),
        *plan_form.rows(),
    )

    class Media:
        js = ("desk/plan.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Strategy]:
        return super().get_queryset(request).prefetch_related("accounts__account")

    @admin.display(description="accounts")
    def trades_on(self, strategy: Strategy) -> str:
        return ", ".join(_in_short(one) for one in strategy.accounts.all()) or "none: it trades nowhere"

    @admin.display(description="protection")
    def leaves(self, strategy: Strategy) -> str:
        return in_words(read_plan(strategy.protection))

    def has_delete_permission(self, request: HttpRequest, obj: Strategy | None = None) -> bool:
        """A strategy that has traded is archived, not deleted."""
        return obj is None or not (obj.positions.exists() or obj.log_entries.exists())

    def get_deleted_objects(
        self, objs: Sequence[Any] | QuerySet[Strategy], request: HttpRequest
    ) -> tuple[Any, Any, Any, Any]:
        """Without the last strategy it was given, a sender would speak to all of them."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        for sender in SignalSender.objects.filter(strategies__in=list(objs)).distinct():
            protected.append(f"Sender {sender.name} was given it")
        return deleted, counts, needed, protected


def _in_short(one: StrategyAccount) -> str:
    share = "" if one.size_percent == 100 else f" {one.size_percent.normalize():f} %"
    return f"{one.account.name}{share}{'' if one.enabled else ' (off)'}"


@admin.register(SignalSender)
class SignalSenderAdmin(DeskAdmin):
    form = SenderForm
    actions = ("give_new_tokens",)
    list_display = ("name", "enabled", "rate_per_minute", "requires_signature", "created_at")
    filter_horizontal = ("strategies",)
    fieldsets = (
        (None, {"fields": ("name", "enabled", "strategies", "clock")}),
        ("Limits", {"fields": ("max_age_seconds", "rate_per_minute", "burst", "allowed_networks")}),
        (
            "Signatures",
            {
                "fields": (
                    "new_signing_key",
                    "forget_signing_key",
                    "requires_signature",
                    "replay_window_seconds",
                )
            },
        ),
    )

    readonly_fields = ("clock",)

    @admin.display(description="Its clock")
    def clock(self, sender: SignalSender) -> str:
        """What it says of when it sent, against when that arrived."""
        known = clocks_of(sender.name, timezone.now())
        return "; ".join(map(str, known)) or "not known: no signal of it said when it was sent"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignalSender]:
        """A key that cannot be opened any more must not take the page away on which a new one is typed."""
        return super().get_queryset(request).defer("signing_key")

    def save_model(self, request: HttpRequest, obj: SignalSender, form: SenderForm, change: bool) -> None:
        if form.chosen_key is not None:
            obj.signing_key = form.chosen_key
        if not change:
            token = new_token()
            obj.token_hash = token_hash(token)
            self._show_token(request, obj, token)
        super().save_model(request, obj, form, change)

    @admin.action(description="Give new tokens (the old ones work no more)", permissions=["change"])
    def give_new_tokens(self, request: HttpRequest, senders: QuerySet[SignalSender]) -> None:
        for sender in senders:
            self._show_token(request, sender, renew_token(sender))
            self.log_change(request, sender, "New token.")

    def _show_token(self, request: HttpRequest, sender: SignalSender, token: str) -> None:
        messages.warning(request, f"Token of {sender.name}, shown this once: {token}")


class EntryInline(ReadOnlyInline):
    model = SignalLogEntry
    fields = ("strategy", "account", "status", "reason_code", "note", "position", "logged_at")


class ReasonFilter(admin.SimpleListFilter):
    """Of the signal itself, or of what any strategy did not do about it."""

    title, parameter_name = "reason", "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code.value, words(code.value)) for code in ReasonCode]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SignalLog]) -> QuerySet[SignalLog]:
        if not (code := self.value()):
            return queryset
        of_a_strategy = SignalLogEntry.objects.filter(log=OuterRef("pk"), reason_code=code)
        return queryset.filter(Q(reason_code=code) | Exists(of_a_strategy))


@admin.register(SignalLog)
class SignalLogAdmin(ReadOnlyAdmin, ExplainedAdmin):
    explained_as = "signal"
    inlines = [EntryInline]
    list_display = ("received_at", "source", "symbol", "message", "status", "reason", "reason_code")
    list_filter = ("status", ReasonFilter, "entries__status", "source")
    search_fields = ("uid", "signal_id", "symbol", "message")
    date_hierarchy = "received_at"


@admin.register(SignalAttempt)
class SignalAttemptAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "source", "uid")
    search_fields = ("uid",)


class WaveSignalInline(ReadOnlyInline):
    model = WaveSignal
    fields = ("place", "symbol", "score", "outcome", "handed_on_at")


@admin.register(Wave)
class WaveAdmin(ReadOnlyAdmin):
    inlines = [WaveSignalInline]
    list_display = ("wave_time", "exchange", "status", "found", "target", "reason")
    list_filter = ("status", "exchange")
    date_hierarchy = "wave_time"
