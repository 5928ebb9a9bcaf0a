from __future__ import annotations

from django.contrib import admin

from ops.desk import people_admin, schedule_admin  # noqa: F401 register their own pages
from ops.desk.admin_base import ReadOnlyAdmin
from ops.models import SystemLog
from ops.notify import admin as _notify  # noqa: F401 registers its own pages


@admin.register(SystemLog)
class SystemLogAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "level", "module", "message")
    list_filter = ("level", "module", "created_at")
    search_fields = ("module", "message")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
