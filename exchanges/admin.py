"""Accounts can be edited, their keys only replaced. What the exchange tells is read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from exchanges.account_form import SECRETS, AccountForm
from exchanges.errors import ExchangeError
from exchanges.key_probe import Probe, owner_of, probe
from exchanges.models import AccountBalance, ExchangeAccount, FlatRun, Instrument, StateChange
from ops.desk.admin_base import AskedAfresh, DeskAdmin, ReadOnlyAdmin, ReadOnlyInline
from ops.people.second_factor import has_second_factor
from positions import flat_page
from positions.services import connection, halting, position_modes
from positions.services.position_modes import CannotSwitch
from tradingbot.freshness import ask_again, is_fresh
from tradingbot.people import SWITCH, may

Stop = Callable[[int, str, str], halting.Answer]

RIGHTS = ("key_rights",)
SWITCHED = ("trading_state", "state_reason", "state_since", "state_by", "kill_switch")


def _probe(request: HttpRequest, object_id: str | None) -> Probe | None:
    """Of what is about to be saved: a key that is left blank is the stored one."""
    number = object_id if object_id and object_id.isdigit() else "0"
    stored = ExchangeAccount.objects.filter(pk=number).first()
    typed = {name: request.POST.get(name, "").strip() for name in ("venue", *SECRETS)}
    return probe(**{name: text or str(getattr(stored, name, "")) for name, text in typed.items()})


def _owner_before(request: HttpRequest, object_id: str | None) -> str:
    """As the exchange told it once; else it is asked now, if another key is typed."""
    stored = ExchangeAccount.objects.filter(pk=object_id or 0).first() if str(object_id).isdigit() else None
    if stored is None or request.POST.get("api_key", "").strip() in ("", stored.api_key):
        return ""
    return stored.exchange_user or owner_of(stored.venue, stored.api_key, stored.api_secret)


class BalanceInline(ReadOnlyInline):
    model = AccountBalance
    fields = ("wallet_balance", "equity", "available_balance", "reported_at")


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(AskedAfresh, DeskAdmin):
    form = AccountForm
    inlines = (BalanceInline,)
    change_form_template = "admin/exchanges/exchangeaccount/change_form.html"
    actions = ("halt", "reduce", "resume", "close_everything", "set_position_mode")
    readonly_fields = (*SWITCHED, *RIGHTS)
    list_display = (
        "name", "venue", "trading_state", "is_live_confirmed", "equity", "max_open_positions", "tested", "kill_switch",
    )  # fmt: skip
    list_filter = ("venue", "trading_state")
    search_fields = ("name",)
    list_select_related = ("balance",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "venue",
                    *SECRETS,
                    "same_account",
                    *RIGHTS,
                    "acknowledge_permissions",
                    "is_live_confirmed",
                )
            },
        ),
        ("Trading", {"fields": (*SWITCHED, "max_open_positions", "max_exposure", "canary_allowed")}),
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

    def changeform_view(self, request: HttpRequest, *names: Any, **words: Any) -> HttpResponse:
        """Keys are for whoever just signed in. They are asked about before the transaction that saves them."""
        if request.method == "POST" and self.has_change_permission(request) and is_fresh(request):
            number = words.get("object_id") or next(iter(names), None)
            request.owner_before = _owner_before(request, number)  # type: ignore[attr-defined]
            request.key_probe = _probe(request, number)  # type: ignore[attr-defined]
        return super().changeform_view(request, *names, **words)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.connection_view)
        name = "exchanges_exchangeaccount_connection"
        return [path("<int:account_id>/connection/", page, name=name), *super().get_urls()]

    @method_decorator(require_http_methods(["GET", "POST"]))
    def connection_view(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """A question to the exchange that people ask by a button, never by opening a page."""
        account = get_object_or_404(ExchangeAccount, pk=account_id)
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        asked = request.method == "POST"
        if asked and not is_fresh(request):
            return ask_again(request)
        page = self.admin_site.each_context(request) | {
            "title": f"Connection of {account.name}",
            "opts": self.opts,
            "original": account,
            "findings": connection.test_connection(account) if asked else (),
        }
        return TemplateResponse(request, "admin/exchanges/exchangeaccount/connection.html", page)

    @admin.display(description="connection")
    def tested(self, account: ExchangeAccount) -> str:
        url = reverse("admin:exchanges_exchangeaccount_connection", args=[account.pk])
        return format_html('<a href="{}">Test…</a>', url)

    def get_form(self, request: HttpRequest, *names: Any, **words: Any) -> Any:
        form: Any = super().get_form(request, *names, **words)
        form.probed, form.by = getattr(request, "key_probe", None), request.user.get_username()
        form.owner_before = getattr(request, "owner_before", "")
        form.has_second_factor = has_second_factor(request.user)
        return form

    @admin.display(description="What the key may do")
    def key_rights(self, account: ExchangeAccount) -> str:
        if account.permissions_seen_at is None:
            return "Not read yet: a key is asked about when it is saved for live trading."
        said = " ".join(account.permissions_seen) or "Nothing that it should not."
        by = account.permissions_acknowledged_by
        acknowledged = f", acknowledged by {by}" if by else ""
        return f"{said} (read {account.permissions_seen_at:%Y-%m-%d %H:%M} UTC{acknowledged})"

    @admin.display(description="")
    def kill_switch(self, account: ExchangeAccount) -> str:
        return format_html('<a href="{}">Halt, reduce, resume, close everything…</a>', reverse("switch"))

    @admin.action(description="Halt: nothing is opened any more", permissions=["switch"])
    def halt(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> None:
        self._stop(request, chosen, halting.halt)

    @admin.action(description="Reduce: nothing is opened for now", permissions=["switch"])
    def reduce(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> None:
        self._stop(request, chosen, halting.reduce)

    def _stop(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount], stop: Stop) -> None:
        """To stop needs no second question; what cannot be called back is asked on its own page."""
        for account in chosen.defer(*SECRETS).order_by("pk"):
            answer = stop(account.pk, "by hand, from the list of accounts", request.user.get_username())
            messages.info(request, flat_page.sentence_of(answer))

    @admin.action(description="Resume…", permissions=["switch"])
    def resume(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> HttpResponse | None:
        return self._ask(request, chosen, "resume-account")

    @admin.action(description="Close everything…", permissions=["switch"])
    def close_everything(
        self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]
    ) -> HttpResponse | None:
        return self._ask(request, chosen, "switch-account", "flat")

    def _ask(
        self, request: HttpRequest, chosen: QuerySet[ExchangeAccount], page: str, *names_of_it: str
    ) -> HttpResponse | None:
        names = list(chosen.values_list("name", flat=True))
        if len(names) == 1:
            return redirect(page, names[0], *names_of_it)
        messages.error(request, "One account at a time; nothing was done.")
        return None

    @admin.action(description="Set the position mode at the exchange", permissions=["change"])
    def set_position_mode(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> None:
        for account in chosen.order_by("pk"):
            try:
                messages.info(request, position_modes.switch(account, request.user.get_username()))
            except (CannotSwitch, ExchangeError) as refused:
                messages.error(request, f"{account.name}: {refused}")

    @admin.display(description="equity (USDT)")
    def equity(self, account: ExchangeAccount) -> str:
        return f"{account.balance.equity:,.2f}" if hasattr(account, "balance") else "—"

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return may(request.user, SWITCH)

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
