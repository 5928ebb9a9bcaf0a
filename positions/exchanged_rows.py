"""Closed trades as rows of a file, to read. Times in UTC, ISO 8601."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from import_export import fields, resources

from positions.models import Position


class TradeRows(resources.ModelResource):  # type: ignore[misc]
    account = fields.Field(attribute="account__name", column_name="account")
    strategy = fields.Field(attribute="strategy__name", column_name="strategy")
    symbol = fields.Field(attribute="instrument__symbol", column_name="symbol")
    net = fields.Field(column_name="net")

    class Meta:
        model = Position
        fields = (
            "id", "account", "strategy", "symbol", "position_side", "leverage", "planned_quantity",
            "average_entry_price", "average_exit_price", "realized_pnl", "fees", "funding", "net", "close_reason",
            "opened_at", "closed_at", "signal_id",
        )  # fmt: skip
        export_order = fields

    def dehydrate_net(self, position: Any) -> Decimal:
        return Decimal(position.realized_pnl) - Decimal(position.fees) + Decimal(position.funding)

    def dehydrate_opened_at(self, position: Any) -> str:
        return position.opened_at.isoformat() if position.opened_at else ""

    def dehydrate_closed_at(self, position: Any) -> str:
        return position.closed_at.isoformat() if position.closed_at else ""
