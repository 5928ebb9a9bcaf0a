from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from ops.desk.admin_base import AskedAfresh, DeskAdmin, ReadOnlyAdmin, ReadOnlyInline
from ops.trail.admin import ExplainedAdmin
from positions.formats import words
from signals_app import forecast_admin, plan_form, strategy_admin, ticker_admin  # noqa: F401 register their own pages
from signals_app.forms import SenderForm
from signals_app.models import (
    SignalAttempt,
    SignalLog,
    SignalLogEntry,
    SignalSender,
    Wave,
    WaveSignal,
)
from signals_app.reasons import ReasonCode
from signals_app.sender_clocks import clocks_of
from signals_app.services.senders import renew_token
from signals_app.tokens import new_token, token_hash


@admin.register(SignalSender)
class SignalSenderAdmin(AskedAfresh, DeskAdmin):
    form = SenderForm
    actions = actions_asked_afresh = ("give_new_tokens",)
    list_display = ("name", "enabled", "rate_per_minute", "requires_signature", "created_at")
    filter_horizontal = ("strategies",)
    fieldsets = (
        (None, {"fields": ("name", "enabled", "strategies", "clock")}),
        ("Limits", {"fields": ("max_age_seconds", "rate_per_minute", "burst", "allowed_networks")}),
        (
            "Signatures",
            {
                "fields": (
                    "new_signing_key",
                    "forget_signing_key",
                    "requires_signature",
                    "replay_window_seconds",
                )
            },
        ),
    )

    readonly_fields = ("clock",)

    @admin.display(description="Its clock")
    def clock(self, sender: SignalSender) -> str:
        """What it says of when it sent, against when that arrived."""
        known = clocks_of(sender.name, timezone.now())
        return "; ".join(map(str, known)) or "not known: no signal of it said when it was sent"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignalSender]:
        """A key that cannot be opened any more must not take the page away on which a new one is typed."""
        return super().get_queryset(request).defer("signing_key")

    def save_model(self, request: HttpRequest, obj: SignalSender, form: SenderForm, change: bool) -> None:
        if form.chosen_key is not None:
            obj.signing_key = form.chosen_key
        if not change:
            request.made_token = new_token()  # type: ignore[attr-defined]
            obj.token_hash = token_hash(request.made_token)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    @admin.action(description="Give new tokens (the old ones work no more)", permissions=["change"])
    def give_new_tokens(self, request: HttpRequest, senders: QuerySet[SignalSender]) -> HttpResponse:
        made = []
        for sender in senders:
            made.append((sender.name, renew_token(sender)))
            self.log_change(request, sender, "New token.")
        return self._shown(request, made)

    def response_add(
        self, request: HttpRequest, obj: SignalSender, post_url_continue: Any = None
    ) -> HttpResponse:
        said: HttpResponse = super().response_add(request, obj, post_url_continue)
        made = getattr(request, "made_token", "")
        return self._shown(request, [(obj.name, made)]) if made else said

    def _shown(self, request: HttpRequest, made: list[tuple[str, str]]) -> HttpResponse:
        """In this answer and nowhere else: a message would go through a cookie or the session's row."""
        page = self.admin_site.each_context(request) | {
            "title": "New tokens" if len(made) > 1 else "A new token",
            "opts": self.opts,
            "made": made,
        }
        answer = TemplateResponse(request, "admin/signals_app/signalsender/tokens.html", page)
        answer["Cache-Control"] = "no-store"
        return answer


class EntryInline(ReadOnlyInline):
    model = SignalLogEntry
    fields = ("strategy", "account", "status", "reason_code", "note", "position", "logged_at")


class ReasonFilter(admin.SimpleListFilter):
    """Of the signal itself, or of what any strategy did not do about it."""

    title, parameter_name = "reason", "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code.value, words(code.value)) for code in ReasonCode]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SignalLog]) -> QuerySet[SignalLog]:
        if not (code := self.value()):
            return queryset
        of_a_strategy = SignalLogEntry.objects.filter(log=OuterRef("pk"), reason_code=code)
        return queryset.filter(Q(reason_code=code) | Exists(of_a_strategy))


@admin.register(SignalLog)
class SignalLogAdmin(ReadOnlyAdmin, ExplainedAdmin):
    explained_as = "signal"
    inlines = [EntryInline]
    list_display = ("received_at", "source", "symbol", "message", "status", "reason", "reason_code")
    list_filter = ("status", ReasonFilter, "entries__status", "source")
    search_fields = ("uid", "signal_id", "symbol", "message")
    date_hierarchy = "received_at"


@admin.register(SignalAttempt)
class SignalAttemptAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "source", "uid")
    search_fields = ("uid",)


class WaveSignalInline(ReadOnlyInline):
    model = WaveSignal
    fields = ("place", "symbol", "score", "outcome", "handed_on_at")


@admin.register(Wave)
class WaveAdmin(ReadOnlyAdmin):
    inlines = [WaveSignalInline]
    list_display = ("wave_time", "exchange", "status", "found", "target", "reason")
    list_filter = ("status", "exchange")
    date_hierarchy = "wave_time"
