"""Tickers: taken from the exchange, with the steps it trades them in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from exchanges.models import Instrument
from ops.desk.admin_base import NamedInline
from ops.desk.importing import ImportsAndExports
from positions import formats
from signals_app.models import Ticker, TickerAlias
from signals_app.services.syncing import switch_tickers, sync_tickers

TOLD = ("venue", "price_increment", "size_increment", "min_notional", "refreshed_at")


class AliasInline(NamedInline):
    model = TickerAlias
    extra = 0


class ListedFilter(admin.SimpleListFilter):
    """Where a ticker is traded now."""

    title, parameter_name = "exchange", "exchange"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        venues = Instrument.objects.order_by("venue").values_list("venue", flat=True).distinct()
        return [*((venue, venue) for venue in venues), ("none", "listed nowhere")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticker]) -> QuerySet[Ticker]:
        chosen, listed = self.value(), Instrument.objects.filter(active=True)
        if chosen == "none":
            return queryset.exclude(symbol__in=listed.values("exchange_symbol"))
        return (
            queryset.filter(symbol__in=listed.filter(venue=chosen).values("exchange_symbol"))
            if chosen
            else queryset
        )


@admin.register(Ticker)
class TickerAdmin(ImportsAndExports):
    resource = "signals_app.exchanged_rows.TickerRows"
    inlines = [AliasInline]
    list_display = (
        "symbol",
        "enabled",
        "trade_permission",
        "listed",
        "price_step",
        "size_step",
        "least",
        "refreshed",
    )
    list_editable = ("enabled", "trade_permission")
    list_filter = ("enabled", "trade_permission", ListedFilter)
    search_fields = ("symbol", "aliases__alias")
    actions = ("switch_on", "switch_off")

    def get_urls(self) -> list[URLPattern]:
        sync = self.admin_site.admin_view(self.sync_view)
        return [path("sync/", sync, name="signals_app_ticker_sync"), *super().get_urls()]

    @method_decorator(require_POST)
    def sync_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        first = not Ticker.objects.exists()
        first = not Ticker.objects.exists()
        found = sync_tickers(enabled=first)
        if not found.contracts:
            messages.error(request, "No exchange answered; nothing was changed. Is there an account yet?")
        else:
            state = "may be traded" if first else "are switched off until you say otherwise"
            messages.success(
                request, f"{found.contracts} contracts are listed; {found.added} new ones {state}."
            )
        return redirect("admin:signals_app_ticker_changelist")

    def more_tools(self, request: HttpRequest) -> dict[str, Any]:
        url = reverse("admin:signals_app_ticker_sync")
        return super().more_tools(request) | {"sync_url": url if self.has_add_permission(request) else ""}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticker]:
        """With what the exchange last said of its contract."""
        listed = Instrument.objects.filter(exchange_symbol=OuterRef("symbol"), active=True).order_by("venue")
        told = {f"told_{name}": Subquery(listed.values(name)[:1]) for name in TOLD}
        rows: Any = super().get_queryset(request).annotate(**told)
        return rows  # type: ignore[no-any-return]

    @admin.display(description="exchange", ordering="told_venue")
    def listed(self, ticker: Any) -> str:
        return ticker.told_venue or "not listed"

    @admin.display(description="price step", ordering="told_price_increment")
    def price_step(self, ticker: Any) -> str:
        return formats.quantity(ticker.told_price_increment)

    @admin.display(description="size step", ordering="told_size_increment")
    def size_step(self, ticker: Any) -> str:
        return formats.quantity(ticker.told_size_increment)

    @admin.display(description="least, USDT", ordering="told_min_notional")
    def least(self, ticker: Any) -> str:
        return formats.quantity(ticker.told_min_notional)

    @admin.display(description="asked at", ordering="told_refreshed_at")
    def refreshed(self, ticker: Any) -> Any:
        return ticker.told_refreshed_at

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, chosen: QuerySet[Ticker]) -> None:
        self._switch(request, chosen, on=True)

    @admin.action(description="Switch off: nothing of them is traded", permissions=["change"])
    def switch_off(self, request: HttpRequest, chosen: QuerySet[Ticker]) -> None:
        self._switch(request, chosen, on=False)

    def _switch(self, request: HttpRequest, chosen: QuerySet[Ticker], *, on: bool) -> None:
        changed = switch_tickers(list(chosen.values_list("pk", flat=True)), on=on)
        messages.success(request, f"{changed} tickers are switched {'on' if on else 'off'}.")
