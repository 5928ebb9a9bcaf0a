"""Tickers: taken from the exchange, with the steps it trades them in."""

from __future__ import annotations

from django.contrib import admin

from ops.desk.admin_base import DeskAdmin
from signals_app.models import Ticker, TickerAlias


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
