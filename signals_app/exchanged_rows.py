"""Tickers and strategies as rows of a file. Imported by the pages that read and write files, and by nobody else."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields, resources, widgets

from signals_app.models import Strategy, Ticker
from trailing.plan import PlanRefused, read_plan


class Rows(resources.ModelResource):  # type: ignore[misc]
    class Meta:
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True
        store_instance = True


class TickerRows(Rows):
    class Meta(Rows.Meta):
        model = Ticker
        import_id_fields = ("symbol",)
        fields = ("symbol", "enabled", "trade_permission")


class StrategyRows(Rows):
    """Without accounts and phrases: a strategy that came from a file trades nowhere until its owner says where."""

    tickers = fields.Field(
        attribute="tickers",
        column_name="tickers",
        widget=widgets.ManyToManyWidget(Ticker, separator=" ", field="symbol"),
    )
    protection = fields.Field(attribute="protection", column_name="protection", widget=widgets.JSONWidget())

    class Meta(Rows.Meta):
        model = Strategy
        import_id_fields = ("name",)
        exclude = ("id", "created_at", "updated_at")

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        faults = dict(import_validation_errors or {})
        try:
            instance.protection = read_plan(instance.protection).as_json()
        except PlanRefused as refusal:
            faults["protection"] = ValidationError([str(one) for one in refusal.faults])
        super().validate_instance(instance, faults, validate_unique)
