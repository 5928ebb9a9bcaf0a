"""Accounts can be edited, their keys only replaced. What the exchange tells is read-only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from exchanges.models import AccountBalance, ExchangeAccount, Instrument
from positions.lifecycle import DONE

SECRETS = ("api_key", "api_secret")
KEPT = "Set. Leave blank to keep it; type a new one to replace it."
MISSING = "Not set."
# a page that was opened before a halt must not end it: what counts is what its reader changed
CHANGED_BY_US_TOO = ("trading_state", "state_reason")


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
            "trading_state",
            "state_reason",
            "position_mode",
            "max_open_positions",
            "max_exposure",
            "unknown_positions",
            "adopted_stop_percent",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = {name: getattr(self.instance, name) for name in SECRETS}
        for name, stored in self._stored.items():
            self.initial[name] = ""
            self.fields[name].widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
            self.fields[name].help_text = KEPT if stored else MISSING
        for name in CHANGED_BY_US_TOO:
            self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        for name, stored in self._stored.items():
            cleaned[name] = cleaned.get(name) or stored
        for name in self._untouched:
            cleaned[name] = getattr(self.instance, name)
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
        return mode

    @property
    def _untouched(self) -> set[str]:
        is_new = self.instance.pk is None
        return set() if is_new else set(CHANGED_BY_US_TOO) - set(self.changed_data)


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
    actions = None
    list_display = ("name", "venue", "trading_state", "is_live_confirmed", "equity", "max_open_positions")
    list_filter = ("venue", "trading_state")
    search_fields = ("name",)
    list_select_related = ("balance",)
    fieldsets = (
        (None, {"fields": ("name", "venue", *SECRETS, "is_live_confirmed")}),
        ("Trading", {"fields": ("trading_state", "state_reason", "max_open_positions", "max_exposure")}),
        ("At the exchange", {"fields": ("position_mode",)}),
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

    @admin.display(description="equity (USDT)")
    def equity(self, account: ExchangeAccount) -> str:
        return f"{account.balance.equity:,.2f}" if hasattr(account, "balance") else "—"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
