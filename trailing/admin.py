from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from trailing.models import PartialTakeProfit, TrailingStop


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(TrailingStop)
class TrailingStopAdmin(ReadOnly):
    list_display = ("position", "state", "entry_price", "activation_price", "high_water_mark", "stop_price")
    list_filter = ("state",)
    list_select_related = ("position__instrument",)


@admin.register(PartialTakeProfit)
class PartialTakeProfitAdmin(ReadOnly):
    list_display = ("position", "level", "percent", "price", "close_qty", "status", "order_id", "error")
    list_filter = ("status",)
    search_fields = ("=position__id", "order_id")
    list_select_related = ("position__instrument",)
    ordering = ("-created_at", "level")
