from __future__ import annotations

from decimal import Decimal

from django.contrib import admin

from ops.desk.admin_base import ReadOnlyAdmin
from trailing.models import PartialTakeProfit, TrailingStop


@admin.register(TrailingStop)
class TrailingStopAdmin(ReadOnlyAdmin):
    prices = ("high_water_mark",)
    list_display = ("position", "state", "entry_price", "activation_price", "high_water_mark", "stop_price")
    list_filter = ("state",)
    list_select_related = ("position__instrument",)

    def increment_of(self, row: TrailingStop) -> Decimal | None:
        return row.position.instrument.price_increment


@admin.register(PartialTakeProfit)
class PartialTakeProfitAdmin(ReadOnlyAdmin):
    list_display = ("position", "level", "percent", "price", "close_qty", "status", "order_id", "error")
    list_filter = ("status",)
    search_fields = ("=position__id", "order_id")
    list_select_related = ("position__instrument",)
    ordering = ("-created_at", "level")
