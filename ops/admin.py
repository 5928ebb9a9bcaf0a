from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin

from ops.desk import people_admin, schedule_admin  # noqa: F401 register their own pages
from ops.desk.admin_base import ReadOnlyAdmin
from ops.models import ApiToken, SystemLog
from ops.notify import admin as _notify  # noqa: F401 registers its own pages


@admin.register(SystemLog)
class SystemLogAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "level", "module", "message")
    list_filter = ("level", "module", "created_at")
    search_fields = ("module", "message")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)


for model in (
    EmailAddress,
    Authenticator,
    UserSession,
):  # the library's own pages show keys, and let them be typed
    if admin.site.is_registered(model):
        admin.site.unregister(model)

for (
    action
) in PeriodicTaskAdmin.actions:  # the library asks for no permission: who may look at tasks could run them
    getattr(PeriodicTaskAdmin, action).allowed_permissions = ("change",)


class TakenAwayOnly(ReadOnlyAdmin):
    """For who administers users: a lost phone, a program nobody trusts any more."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        label = f"{self.opts.app_label}.delete_{self.opts.model_name}"
        return bool(request.user.has_perm(label))


@admin.register(Authenticator)
class SecondFactorAdmin(TakenAwayOnly):
    fields = list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)


@admin.register(ApiToken)
class ApiTokenAdmin(TakenAwayOnly):
    fields = list_display = (
        "name",
        "user",
        "scope",
        "begins_with",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    list_filter = ("scope",)
