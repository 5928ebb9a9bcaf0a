"""Accounts can be edited, their keys only replaced. What the exchange tells is read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from exchanges.models import AccountBalance, ExchangeAccount, FlatRun, Instrument, StateChange
from positions.lifecycle import DONE
from positions.services import halting

Stop = Callable[[int, str, str], halting.Answer]

SECRETS = ("api_key", "api_secret")
KEPT = "Set. Leave blank to keep it; type a new one to replace it."
MISSING = "Not set."
SWITCH = ("trading_state", "state_reason", "state_since", "state_by", "kill_switch")


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """To look at, not to touch: these rows are written by services alone."""

    actions: Any = None
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """Secrets go in and never come out; the field starts empty and blank keeps what is stored."""

    api_key = forms.CharField(required=False, strip=True)
    api_secret = forms.CharField(required=False, strip=True)

    class Meta:
        model = ExchangeAccount
        fields = [
            "name",
            "venue",
            *SECRETS,
            "is_live_confirmed",
            "position_mode",
            "margin_mode",
            "max_open_positions",
            "max_exposure",
            "unknown_positions",
            "adopted_stop_percent",
            "canary_allowed",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = {name: getattr(self.instance, name) for name in SECRETS}
        for name, stored in self._stored.items():
            self.initial[name] = ""
            self.fields[name].widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
            self.fields[name].help_text = KEPT if stored else MISSING

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        for name, stored in self._stored.items():
            cleaned[name] = cleaned.get(name) or stored
        return cleaned

    def clean_position_mode(self) -> str:
        mode: str = self.cleaned_data["position_mode"]
        held = 0 if self.instance.pk is None else self.instance.positions.filter(is_live=True).count()
        working = 0 if self.instance.pk is None else self.instance.orders.exclude(status__in=DONE).count()
        if "position_mode" in self.changed_data and (held or working):
            raise forms.ValidationError(
                f"The mode stays while something is open; the account has {held} live positions and "
                f"{working} working orders."
            )
        if "position_mode" in self.changed_data:
            self.instance.told_position_mode = ""  # it is asked for anew
        return mode


class BalanceInline(admin.TabularInline):  # type: ignore[type-arg]
    model = AccountBalance
    fields = readonly_fields = ("wallet_balance", "equity", "available_balance", "reported_at")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = AccountForm
    inlines = (BalanceInline,)
    actions = ("halt", "reduce", "resume", "close_everything")
    readonly_fields = SWITCH
    list_display = (
        "name", "venue", "trading_state", "is_live_confirmed", "equity", "max_open_positions", "kill_switch",
    )  # fmt: skip
    list_filter = ("venue", "trading_state")
    search_fields = ("name",)
    list_select_related = ("balance",)
    fieldsets = (
        (None, {"fields": ("name", "venue", *SECRETS, "is_live_confirmed")}),
        ("Trading", {"fields": (*SWITCH, "max_open_positions", "max_exposure", "canary_allowed")}),
        ("At the exchange", {"fields": ("position_mode", "margin_mode")}),
        ("Positions nobody here opened", {"fields": ("unknown_positions", "adopted_stop_percent")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExchangeAccount]:
        """Secrets are opened only where they are needed: a lost key must not take the list away."""
        return super().get_queryset(request).defer(*SECRETS)

    def get_object(self, request: HttpRequest, *names: Any) -> ExchangeAccount | None:
        """What is about to be saved is locked: a halt waits for it, or is seen by it."""
        account: ExchangeAccount | None = super().get_object(request, *names)
        if account is not None and request.method == "POST":
            account.refresh_from_db(from_queryset=ExchangeAccount.objects.select_for_update(no_key=True))
        return account

    @admin.display(description="")
    def kill_switch(self, account: ExchangeAccount) -> str:
        return format_html('<a href="{}">Halt, reduce, resume, close everything…</a>', reverse("switch"))

    @admin.action(description="Halt: nothing is opened any more", permissions=["change"])
    def halt(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> None:
        self._stop(request, chosen, halting.halt)

    @admin.action(description="Reduce: nothing is opened for now", permissions=["change"])
    def reduce(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> None:
        self._stop(request, chosen, halting.reduce)

    def _stop(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount], stop: Stop) -> None:
        """To stop needs no second question; what cannot be called back is asked on its own page."""
        for account in chosen.defer(*SECRETS).order_by("pk"):
            answer = stop(account.pk, "by hand, from the list of accounts", request.user.get_username())
            messages.info(request, f"{answer.name} is {answer.state}.")

    @admin.action(description="Resume…", permissions=["change"])
    def resume(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> HttpResponse | None:
        return self._ask(request, chosen, "resume")

    @admin.action(description="Close everything…", permissions=["change"])
    def close_everything(
        self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]
    ) -> HttpResponse | None:
        return self._ask(request, chosen, "flat")

    def _ask(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount], act: str) -> HttpResponse | None:
        names = list(chosen.values_list("name", flat=True))
        if len(names) == 1:
            return redirect("switch-account", names[0], act)
        messages.error(request, "One account at a time; nothing was done.")
        return None

    @admin.display(description="equity (USDT)")
    def equity(self, account: ExchangeAccount) -> str:
        return f"{account.balance.equity:,.2f}" if hasattr(account, "balance") else "—"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(StateChange)
class StateChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "account", "from_state", "to_state", "reason", "by", "cause", "epoch")
    list_filter = ("to_state", "cause", "account")
    date_hierarchy = "at"
    ordering = ("-at",)


@admin.register(FlatRun)
class FlatRunAdmin(ReadOnlyAdmin):
    list_display = ("begun_at", "account", "reason", "by", "include_foreign", "ended_at", "report")
    list_filter = ("account",)
    ordering = ("-begun_at",)

    @admin.display(description="")
    def report(self, run: FlatRun) -> str:
        return format_html('<a href="{}">Report</a>', reverse("flat", args=[run.pk]))


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = (
        "symbol",
        "exchange_symbol",
        "venue",
        "price_increment",
        "size_increment",
        "min_notional",
        "active",
        "refreshed_at",
    )
    list_filter = ("venue", "active")
    search_fields = ("symbol", "exchange_symbol")
    ordering = ("symbol",)
