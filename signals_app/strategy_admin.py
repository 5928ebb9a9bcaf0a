"""Strategies: written in fields, tried out before a signal comes, paused, cloned and archived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, DecimalField, F, OuterRef, Prefetch, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from exchanges.models import KEYS_OF_ACCOUNT
from ops.desk.admin_base import NamedInline, person
from ops.desk.importing import ImportsAndExports
from positions import formats
from positions.models import Position
from signals_app import plan_form
from signals_app.forms import AccountsFormSet, StrategyForm
from signals_app.models import SignalSender, Strategy, StrategyAccount, StrategySignal
from signals_app.preview_form import PreviewForm, sheet_of
from signals_app.services import strategies
from signals_app.services.archiving import archive
from signals_app.strategy_needs import lacks
from trailing.plan import read_plan
from trailing.words import in_words

LATELY = timedelta(days=30)
MONEY = DecimalField(max_digits=24, decimal_places=8)


def _open_count() -> Coalesce:
    live = Position.objects.filter(strategy=OuterRef("pk"), is_live=True).order_by()
    return Coalesce(Subquery(live.values("strategy").annotate(n=Count("pk")).values("n")), 0)


def _earned(since: datetime) -> Subquery:
    """After fees and funding, of what was closed since then."""
    closed = Position.objects.filter(strategy=OuterRef("pk"), closed_at__gte=since).order_by()
    total = Sum(F("realized_pnl") - F("fees") + F("funding"), output_field=MONEY)
    return Subquery(closed.values("strategy").annotate(total=total).values("total"))


class PhraseInline(NamedInline):
    model = StrategySignal
    extra = 1
    verbose_name, verbose_name_plural = "phrase", "phrases it listens to"


class AccountInline(NamedInline):
    model = StrategyAccount
    formset = AccountsFormSet
    fk_name = "strategy"
    verbose_name, verbose_name_plural = "account", "accounts it trades on"

    def get_extra(self, request: HttpRequest, obj: Strategy | None = None, **kwargs: Any) -> int:
        return 0 if obj else 1


@admin.register(Strategy)
class StrategyAdmin(ImportsAndExports):
    resource = "signals_app.exchanged_rows.StrategyRows"
    form = StrategyForm
    inlines = [AccountInline, PhraseInline]
    change_form_template = "admin/signals_app/strategy/change_form.html"
    actions = ("pause", "resume", "clone_them", "archive_them")
    list_display = (
        "name", "state", "trades_on", "sizing_mode", "notional", "leverage", "leaves", "open_now", "earned_lately",
        "what_if",
    )  # fmt: skip
    list_filter = ("enabled", "allow_open", "archived", "kind", "accounts__account")
    search_fields = ("name",)
    filter_horizontal = ("tickers",)
    fieldsets = (
        (None, {"fields": ("name", "kind", "enabled", "archived", "allow_open")}),
        ("Routing", {"fields": ("use_all_tickers", "tickers", "opposite_signal")}),
        (
            "Size",
            {
                "fields": (
                    "sizing_mode",
                    "notional",
                    "equity_percent",
                    "risk_percent",
                    "risk_balance",
                    "risk_profile",
                    "leverage",
                    "max_open_positions",
                )
            },
        ),
        ("Pauses", {"fields": ("cooldown_after_close", "cooldown_after_loss", "cooldown_between_entries")}),
        (
            "Market",
            {
                "fields": (
                    ("min_open_interest", "open_interest_unknown"),
                    ("min_hour_volume", "hour_volume_unknown"),
                    ("max_move_percent", "move_unknown"),
                    ("max_spread_percent", "spread_unknown"),
                    ("max_slippage_percent", "slippage_unknown"),
                )
            },
        ),
        ("Signal", {"fields": ("max_signal_age", ("min_confidence", "confidence_unknown"))}),
        ("Protection", {"fields": ("plan_by", "protection")}),
        *plan_form.rows(),  # type: ignore[arg-type]
    )

    class Media:
        js = ("desk/plan.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Strategy]:
        accounts = StrategyAccount.objects.select_related("account").defer(*KEYS_OF_ACCOUNT)
        rows = super().get_queryset(request).prefetch_related(Prefetch("accounts", accounts))
        counted: Any = rows.annotate(open_count=_open_count(), earned=_earned(timezone.now() - LATELY))
        return counted  # type: ignore[no-any-return]

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.preview_view)
        return [
            path("<int:strategy_id>/preview/", page, name="signals_app_strategy_preview"),
            *super().get_urls(),
        ]

    @method_decorator(require_safe)
    def preview_view(self, request: HttpRequest, strategy_id: int) -> HttpResponse:
        strategy = get_object_or_404(Strategy, pk=strategy_id)
        if not self.has_view_permission(request, strategy):
            raise PermissionDenied
        form = PreviewForm(request.GET or None, strategy=strategy)
        found = form.preview() if form.is_bound and form.is_valid() else None
        page = self.admin_site.each_context(request) | {
            "title": f"What a signal would do with {strategy.name}",
            "opts": self.opts,
            "original": strategy,
            "form": form,
            "sheet": sheet_of(found) if found is not None else None,
        }
        return TemplateResponse(request, "admin/signals_app/strategy/preview.html", page)

    def rows_with(self, record: Any) -> dict[str, list[str]]:
        return {
            rows.model._meta.db_table: [str(pk) for pk in rows.values_list("pk", flat=True)]
            for rows in (record.accounts.all(), record.phrases.all())
        }

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if lacking := lacks(form.instance):
            messages.warning(
                request, f"Strategy {form.instance.name} {lacking}: they are the last rows of its page."
            )

    @admin.display(description="state")
    def state(self, strategy: Strategy) -> str:
        if strategy.archived:
            return "archived"
        if not strategy.enabled:
            return "off"
        return "trades" if strategy.allow_open else "paused"

    @admin.display(description="open", ordering="open_count")
    def open_now(self, strategy: Any) -> int:
        return int(strategy.open_count)

    @admin.display(description="30 days", ordering="earned")
    def earned_lately(self, strategy: Any) -> str:
        return formats.change(strategy.earned)

    @admin.display(description="")
    def what_if(self, strategy: Strategy) -> str:
        url = reverse("admin:signals_app_strategy_preview", args=[strategy.pk])
        return format_html('<a href="{}">Preview</a>', url)

    @admin.action(description="Pause: opens nothing, its signals still close", permissions=["change"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        self._set_paused(request, chosen, paused=True)

    @admin.action(description="Resume: opens again", permissions=["change"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        self._set_paused(request, chosen, paused=False)

    def _set_paused(self, request: HttpRequest, chosen: QuerySet[Strategy], *, paused: bool) -> None:
        for strategy in chosen:
            changed = strategies.set_paused(strategy.pk, paused=paused, by=person(request))
            state = "paused" if paused else "opening again"
            messages.info(
                request, f"{strategy.name} is {state}." if changed else f"{strategy.name} was so already."
            )

    @admin.action(description="Clone, switched off", permissions=["add"])
    def clone_them(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        for strategy in chosen:
            made = strategies.clone(strategy.pk, by=person(request))
            messages.info(request, f"{made.name} is made from {strategy.name}, switched off.")

    @admin.action(description="Archive: follows no signal any more, its records stay", permissions=["change"])
    def archive_them(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        for strategy in chosen:
            held = archive(strategy.pk, by=person(request))
            left = f" Its {held} open positions keep their stops." if held else ""
            messages.info(request, f"{strategy.name} is archived.{left}")

    @admin.display(description="accounts")
    def trades_on(self, strategy: Strategy) -> str:
        return ", ".join(_in_short(one) for one in strategy.accounts.all()) or "none: it trades nowhere"

    @admin.display(description="protection")
    def leaves(self, strategy: Strategy) -> str:
        return in_words(read_plan(strategy.protection))

    def has_delete_permission(self, request: HttpRequest, obj: Strategy | None = None) -> bool:
        """A strategy that has traded is archived, not deleted."""
        may_delete = super().has_delete_permission(request, obj)
        return may_delete and (obj is None or not (obj.positions.exists() or obj.log_entries.exists()))

    def get_deleted_objects(
        self, objs: Sequence[Any] | QuerySet[Strategy], request: HttpRequest
    ) -> tuple[Any, Any, Any, Any]:
        """Without the last strategy it was given, a sender would speak to all of them."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        for sender in SignalSender.objects.filter(strategies__in=list(objs)).distinct():
            protected.append(f"Sender {sender.name} was given it")
        return deleted, counts, needed, protected


def _in_short(one: StrategyAccount) -> str:
    share = "" if one.size_percent == 100 else f" {one.size_percent.normalize():f} %"
    return f"{one.account.name}{share}{'' if one.enabled else ' (off)'}"
