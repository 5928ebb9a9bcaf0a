"""Feeds of forecasts, to be set by an owner, and models, to be looked at: one is chosen on its card."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from exchanges.models import KEYS_OF_ACCOUNT
from ops.desk.admin_base import AskedAfresh, DeskAdmin, ReadOnlyAdmin
from signals_app.forecast_models import CandleSpan, ForecastFeed, ForecastModel


@admin.register(ForecastFeed)
class ForecastFeedAdmin(AskedAfresh, DeskAdmin):
    """Asked afresh: a feed that sends signals opens positions."""

    list_display = ("account", "enabled", "timeframe", "profile", "sends_signals", "sends_fallback")
    fieldsets = (
        (None, {"fields": ("account", "enabled", "timeframe", "days_kept")}),
        (
            "Signals",
            {"fields": ("sends_signals", "sends_fallback", "profile", "long_phrase", "short_phrase")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ForecastFeed]:
        return super().get_queryset(request).select_related("account").defer(*KEYS_OF_ACCOUNT)


@admin.register(ForecastModel)
class ForecastModelAdmin(ReadOnlyAdmin):
    list_display = ("id", "timeframe", "state", "is_worth_using", "trained_at", "trained_until", "its_card")
    list_filter = ("state", "is_worth_using", "timeframe", "of_paper")
    fields = (
        "its_card", "is_worth_using", "verdict", "state", "timeframe", "of_paper", "trained_at", "trained_until",
        "put_in_use_at", "retired_at", "features_version", "sha256",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ForecastModel]:
        return super().get_queryset(request).defer("content", "reference", "card")

    @admin.display(description="Its card")
    def its_card(self, model: ForecastModel) -> Any:
        return format_html('<a href="{}">Model {}</a>', reverse("forecast-model", args=[model.pk]), model.pk)


@admin.register(CandleSpan)
class CandleSpanAdmin(ReadOnlyAdmin):
    """For which times candles are kept: one row for each contract, where nothing is missing."""

    list_display = ("instrument", "account", "timeframe", "of_paper", "since", "until")
    list_filter = ("account", "timeframe", "of_paper")
    search_fields = ("instrument__exchange_symbol",)
    ordering = ("instrument", "since")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CandleSpan]:
        rows = super().get_queryset(request)
        return rows.select_related("account", "instrument").defer(*KEYS_OF_ACCOUNT)
