"""Limits as their owner sets them, and how much of them each account uses."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from ops.desk.admin_base import ReadOnlyAdmin
from positions import formats
from positions.book import track_of
from positions.limits_page import limits_of_account
from positions.models import AccountEquity, RiskLimits
from positions.risk_limits import RECOMMENDED
from positions.services import limit_watch

EVERY_ROW_COUNTS = (
    "0 or empty: no limit. The limits of all accounts, of an account and of a strategy hold together: the strictest "
    "decides. How many positions an account or a strategy may hold is said on its own page."
)

TABLE = "<table><tr><th>limit</th><th>set for</th><th>used</th><th>of</th><th>level</th></tr>{}</table>"


@admin.register(RiskLimits)
class RiskLimitsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "__str__", "max_positions", "max_exposure", "max_utilisation", "max_total_risk", "max_daily_loss",
        "max_drawdown",
    )  # fmt: skip
    list_select_related = ("account", "strategy")
    fieldsets = (
        ("Of", {"fields": ("account", "strategy"), "description": EVERY_ROW_COUNTS}),
        (
            "Counted",
            {
                "fields": (
                    "max_positions", "max_positions_per_symbol", "max_positions_per_direction", "max_exposure",
                    "max_leverage", "notional_tiers",
                )
            },
        ),
        ("Of the account's equity", {"fields": ("max_utilisation", "max_concentration", "max_total_risk")}),
        ("Losses", {"fields": ("max_daily_loss", "max_drawdown")}),
        ("Levels", {"fields": (("warn_at", "reduce_at", "halt_at"),)}),
    )  # fmt: skip

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What is recommended, as long as nothing is said of all accounts."""
        told = RiskLimits.objects.filter(account=None, strategy=None).exists()
        return {} if told else dict(RECOMMENDED)


@admin.register(AccountEquity)
class AccountEquityAdmin(ReadOnlyAdmin):
    """One page an account: what was lost, and the limits it uses."""

    list_display = ("account", "looked_at", "equity", "earned", "lost_today", "lost_since_the_peak")
    readonly_fields = fields = (*list_display, "limits_in_use")
    list_select_related = ("account",)
    actions = ("count_losses_anew",)

    @admin.display(description="daily loss")
    def lost_today(self, row: AccountEquity) -> str:
        track = track_of(row.account_id)
        return formats.percent(track.daily_loss if track else None)

    @admin.display(description="drawdown")
    def lost_since_the_peak(self, row: AccountEquity) -> str:
        track = track_of(row.account_id)
        return formats.percent(track.drawdown if track else None)

    @admin.display(description="limits")
    def limits_in_use(self, row: AccountEquity) -> str:
        cells = (
            (
                one["limit"],
                one["set_for"],
                _figure(one["used"]),
                _figure(one["of"]),
                one["level"] or formats.UNKNOWN,
            )
            for one in limits_of_account(row.account)
        )
        rows = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", cells)
        return format_html(TABLE, rows) if rows else "no limits are set"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of no field; Django offers actions only to who could change something."""
        return obj is None and request.user.has_perm("positions.change_accountequity")

    @admin.action(
        description="Accept the losses: count daily loss and drawdown from now", permissions=["change"]
    )
    def count_losses_anew(self, request: HttpRequest, chosen: QuerySet[AccountEquity]) -> None:
        for row in chosen:
            limit_watch.begin_anew(row.account_id, by=request.user.get_username())
        messages.success(
            request,
            "Losses count from the next comparison with the exchange. What limits made reduce-only opens again; "
            "what was halted, or closed by somebody else, stays so until it is resumed.",
        )


def _figure(value: Any) -> str:
    return formats.UNKNOWN if value is None else f"{value:.2f}".removesuffix(".00")
