from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from trailing.models import TrailingStop


@admin.register(TrailingStop)
class TrailingStopAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("position", "state", "entry_price", "activation_price", "high_water_mark", "stop_price")
    list_filter = ("state",)
    list_select_related = ("position__instrument",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
