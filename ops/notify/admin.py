"""Who is told what. Addresses are typed and never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ops.desk.admin_base import AskedAfresh, DeskAdmin, ReadOnlyAdmin
from ops.models import NotifyMessage, NotifyTarget
from ops.notify.decisions import CHOOSABLE
from ops.notify.services import delivering
from positions.formats import words

ADDRESS = r"^[a-zA-Z][a-zA-Z0-9+.-]*://\S+$"


class TargetForm(forms.ModelForm):  # type: ignore[type-arg]
    new_address = forms.RegexField(
        ADDRESS,
        label="Address",
        required=False,
        max_length=1000,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        error_messages={
            "invalid": "An address begins with the name of its service, like tgram:// or mailto://."
        },
    )
    kinds = forms.MultipleChoiceField(
        choices=[(kind.value, words(kind)) for kind in CHOOSABLE],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nothing ticked: every kind, from the least severity on. A position's opening or closing that is "
        "ticked is told however unimportant it is.",
    )

    class Meta:
        model = NotifyTarget
        fields = ("name", "kinds", "least_severity", "quiet_from", "quiet_until", "time_zone", "enabled")

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        kept = "It is kept, and not shown; leave this empty to keep it. " if self.instance.pk else ""
        self.fields[
            "new_address"
        ].help_text = f"{kept}As apprise writes it: tgram://token/chat, ntfy://host/topic."

    def clean_new_address(self) -> str:
        typed: str = self.cleaned_data["new_address"]
        if not typed and not self.instance.pk:
            raise forms.ValidationError("Where should it write to?")
        return typed

    def save(self, commit: bool = True) -> Any:
        if typed := self.cleaned_data["new_address"]:
            self.instance.address = typed
        return super().save(commit)


@admin.register(NotifyTarget)
class NotifyTargetAdmin(AskedAfresh, DeskAdmin):
    form = TargetForm
    fields = (
        "name",
        "new_address",
        "enabled",
        "kinds",
        "least_severity",
        "quiet_from",
        "quiet_until",
        "time_zone",
        "state",
    )
    readonly_fields = ("state",)
    list_display = ("name", "enabled", "least_severity", "state", "last_sent_at")
    actions = ("send_a_test",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotifyTarget]:
        return super().get_queryset(request).defer("address")

    @admin.display(description="State")
    def state(self, target: NotifyTarget) -> str:
        if target.dead_since:
            return f"takes nothing since {target.dead_since:%Y-%m-%d %H:%M} UTC ({target.failures} times in a row)"
        if target.paused_until and target.paused_until > timezone.now():
            return f"did not take the last message; tried again at {target.paused_until:%H:%M:%S} UTC"
        return "well" if target.last_sent_at else "nothing was sent yet"

    @admin.action(description="Send a test message", permissions=["change"])
    def send_a_test(self, request: HttpRequest, queryset: QuerySet[NotifyTarget]) -> None:
        names = list(queryset.values_list("pk", "name"))
        for pk, _ in names:
            delivering.ask_for_a_test(pk, request.user.get_username())
        told = ", ".join(name for _, name in names)
        messages.info(
            request, f"A test is on its way to {told}: the delivery history says what became of it."
        )


@admin.register(NotifyMessage)
class NotifyMessageAdmin(ReadOnlyAdmin):
    actions = ("try_again",)
    list_display = (
        "created_at",
        "target",
        "severity",
        "title",
        "count",
        "delivery",
        "attempts",
        "sent_at",
        "error",
    )
    list_filter = ("delivery", "target", "kind", "severity")
    search_fields = ("title", "body")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotifyMessage]:
        return super().get_queryset(request).select_related("target").defer("target__address")

    def has_try_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ops.change_notifytarget")

    @admin.action(description="Try again what was given up", permissions=["try"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[NotifyMessage]) -> None:
        count = delivering.try_again(list(queryset.values_list("pk", flat=True)))
        messages.info(request, f"{count} messages are tried again.")
