"""Positions and everything about them, to read; closing goes through the page that asks first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from exchanges.models import KEYS_OF_ACCOUNT, AccountWatch
from ops.desk.admin_base import ReadOnlyAdmin, ReadOnlyInline
from ops.desk.importing import Exports
from ops.trail.admin import ExplainedAdmin
from positions import arbitrage_admin, formats, queries, risk_admin  # noqa: F401 register their own pages
from positions.lifecycle import PositionStatus
from positions.models import (
    CanaryOrder,
    CanaryRun,
    Fill,
    FundingPayment,
    InvariantCheck,
    Order,
    Position,
    RiskEvent,
)
from positions.services import monitoring

CLOSABLE = (PositionStatus.OPENING, PositionStatus.OPEN)


def _close_url(position: Position | None) -> str:
    return reverse("close-position", args=[position.pk]) if position else ""


def _increment(row: Any) -> Decimal | None:
    return row.position.instrument.price_increment if row.position else None


class OrderInline(ReadOnlyInline):
    model = Order
    show_change_link = True
    fields = (
        "created_at",
        "purpose",
        "order_type",
        "side",
        "quantity",
        "trigger_price",
        "status",
        "average_price",
        "reason",
    )
    ordering = ("-created_at",)

    def increment_of(self, row: Any) -> Decimal | None:
        return _increment(row)


class FillInline(ReadOnlyInline):
    model = Fill
    show_change_link = True
    fields = ("executed_at", "side", "quantity", "price", "fee", "fee_currency", "realized_pnl")
    ordering = ("-executed_at",)

    def increment_of(self, row: Any) -> Decimal | None:
        return _increment(row)


@admin.register(Position)
class PositionAdmin(Exports, ReadOnlyAdmin, ExplainedAdmin):
    resource = "positions.exchanged_rows.TradeRows"
    explained_as = "position"
    inlines = (OrderInline, FillInline)
    change_form_template = "admin/positions/position/change_form.html"
    list_display = (
        "id",
        "instrument",
        "position_side",
        "status",
        "held",
        "entry",
        "net_result",
        "strategy",
        "account",
        "close_reason",
        "created_at",
        "page_link",
        "close_link",
    )
    readonly_fields = ("other_fees",)
    list_filter = ("status", "position_side", "close_reason", "strategy", "account")
    search_fields = ("=id", "=token", "=signal_id", "instrument__exchange_symbol")
    list_select_related = ("instrument", "strategy", "account")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)

    def exported(self, request: HttpRequest) -> QuerySet[Position]:
        """Trades that are over, of those the list shows."""
        over = super().exported(request).filter(status=PositionStatus.CLOSED)
        return over.select_related("account", "strategy", "instrument").defer(*KEYS_OF_ACCOUNT)  # type: ignore[no-any-return]

    def increment_of(self, row: Any) -> Decimal | None:
        return Decimal(row.instrument.price_increment)

    @admin.display(description="quantity")
    def held(self, position: Position) -> str:
        return formats.quantity(position.quantity)

    @admin.display(description="entry price")
    def entry(self, position: Position) -> str:
        return formats.price(position.average_entry_price, position.instrument.price_increment)

    @admin.display(description="realized, after fees and funding")
    def net_result(self, position: Position) -> str:
        gross, fees, funding = position.realized_pnl, position.fees, position.funding
        return formats.change(Decimal(gross) - Decimal(fees) + Decimal(funding))

    @admin.display(description="fees in other coins")
    def other_fees(self, position: Position) -> str:
        return queries.fees_in_other_coins(position.pk) or "none"

    @admin.display(description="")
    def page_link(self, position: Position) -> str:
        return format_html('<a href="{}">Whole story</a>', reverse("position", args=[position.pk]))

    @admin.display(description="")
    def close_link(self, position: Position) -> str:
        if position.status not in CLOSABLE:
            return ""
        return format_html('<a href="{}">Close at market…</a>', _close_url(position))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        position = self.get_object(request, object_id)
        may_close = (
            position is not None
            and position.status in CLOSABLE
            and request.user.has_perm("positions.change_position")
        )
        context = {"may_close": may_close, "close_url": _close_url(position)} | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin, ExplainedAdmin):
    explained_as = "order"
    list_display = (
        "client_order_id",
        "symbol",
        "purpose",
        "side",
        "order_type",
        "quantity",
        "trigger_price",
        "average_price",
        "status",
        "reason",
        "created_at",
    )
    list_filter = ("status", "purpose", "order_type", "account")
    search_fields = ("=id", "client_order_id", "=exchange_order_id", "=child_order_id", "symbol")
    list_select_related = ("account", "position__instrument")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)

    def increment_of(self, row: Any) -> Decimal | None:
        return _increment(row)


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin, ExplainedAdmin):
    explained_as, explained_by = "fill", "pk={pk}"
    list_display = (
        "trade_id",
        "symbol",
        "side",
        "position_side",
        "quantity",
        "price",
        "fee",
        "fee_currency",
        "realized_pnl",
        "executed_at",
    )
    list_filter = ("side", "position_side", "account")
    search_fields = ("=trade_id", "=exchange_order_id", "=signal_id", "symbol", "order__client_order_id")
    list_select_related = ("account", "position__instrument")
    date_hierarchy = "executed_at"
    ordering = ("-executed_at",)

    def increment_of(self, row: Any) -> Decimal | None:
        return _increment(row)


@admin.register(RiskEvent)
class RiskEventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "event_type", "risk_level", "account", "position_id", "details")
    list_filter = ("event_type", "risk_level", "account")
    search_fields = ("=position_id", "event_type")
    list_select_related = ("account",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)


@admin.register(FundingPayment)
class FundingPaymentAdmin(ReadOnlyAdmin):
    list_display = ("paid_at", "symbol", "amount", "currency", "account", "position")
    list_filter = ("account", "symbol")
    list_select_related = ("account", "position")
    ordering = ("-paid_at",)


@admin.register(InvariantCheck)
class InvariantCheckAdmin(ReadOnlyAdmin):
    list_display = ("name", "is_true_now", "checked_at", "broken_since", "findings")
    ordering = ("name",)

    @admin.display(boolean=True, description="is true")
    def is_true_now(self, check: InvariantCheck) -> bool | None:
        return queries.verdict(check.is_true, check.checked_at)


@admin.register(AccountWatch)
class AccountWatchAdmin(ReadOnlyAdmin):
    list_display = (
        "account",
        "stream_connected_at",
        "stream_last_event_at",
        "event_delay_ms",
        "reconciled_at",
        "differences_open",
        "positions_live",
        "positions_proven_protected",
        "clock_offset_ms",
        "wallet_asked_at",
        "wallet_differs_since",
    )
    list_select_related = ("account",)
    actions = ("accept_wallet",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of no field; Django offers actions only to who could change something."""
        return obj is None and request.user.has_perm("exchanges.change_accountwatch")

    @admin.action(description="Accept the wallet as it is (a deposit or withdrawal)", permissions=["change"])
    def accept_wallet(self, request: HttpRequest, chosen: QuerySet[AccountWatch]) -> None:
        for watch in chosen:
            monitoring.accept_wallet(watch.account_id)
        messages.success(
            request, f"The wallet of {len(chosen)} account(s) counts from the next quiet moment."
        )


@admin.register(CanaryRun)
class CanaryRunAdmin(ReadOnlyAdmin):
    list_display = ("account", "instrument", "started_at", "ended_at", "verdict")
    list_filter = ("verdict", "account")
    list_select_related = ("account", "instrument")


@admin.register(CanaryOrder)
class CanaryOrderAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "run",
        "order_type",
        "quantity",
        "price",
        "trigger_price",
        "state",
        "reason",
        "asked_at",
    )
    list_filter = ("state", "order_type")
    list_select_related = ("run",)
    search_fields = ("name",)
