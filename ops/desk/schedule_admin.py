"""When sweeps run. Those on which money depends are to be looked at, and not switched off here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from tradingbot.schedule import SCHEDULE

# without these nothing is bought, sold, protected or proven less
MAY_REST = frozenset(
    {
        "refresh instruments",
        "forget old system events",
        "remove orphan trailing state",
        "try out each kind of order",
    }
)
NEEDED = frozenset(SCHEDULE) - MAY_REST

for model in (PeriodicTask, SolarSchedule, ClockedSchedule, IntervalSchedule, CrontabSchedule):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class ScheduleAdmin(PeriodicTaskAdmin):  # type: ignore[misc]
    actions = ("enable_tasks", "disable_tasks")
    list_display = ("name", "enabled", "needed", "interval", "last_run_at", "total_run_count")
    list_filter = ("enabled",)
    show_full_result_count = False

    @admin.display(boolean=True, description="money depends on it")
    def needed(self, task: PeriodicTask) -> bool:
        return task.name in NEEDED

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.name not in NEEDED) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        ours = obj is not None and obj.name in SCHEDULE
        return not ours and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        found = super().get_actions(request)
        found.pop("delete_selected", None)
        return found if self.has_change_permission(request) else {}

    @admin.action(description="Switch off", permissions=["change"])
    def disable_tasks(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        kept = list(chosen.filter(name__in=NEEDED).values_list("name", flat=True))
        if kept:
            text = (
                f"Not switched off, for money depends on it: {', '.join(sorted(kept))}. Halt trading instead."
            )
            messages.error(request, text)
        if rest := chosen.exclude(name__in=NEEDED):
            super().disable_tasks(request, rest)


@admin.register(IntervalSchedule, CrontabSchedule)
class TimesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """How often. Whoever stretched the times of one sweep would stop all that share them, so those of ours stay."""

    list_display = ("__str__", "used_by")
    show_full_result_count = False

    @admin.display(description="used by")
    def used_by(self, times: Any) -> str:
        return ", ".join(sorted(times.periodictask_set.values_list("name", flat=True))) or "nothing"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _is_ours(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _is_ours(obj) and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        return {}


def _is_ours(times: Any) -> bool:
    return times is not None and times.periodictask_set.filter(name__in=SCHEDULE).exists()
