"""Tickers and strategies as rows of a file. Imported by the pages that read and write files, and by nobody else."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields, resources, widgets

from signals_app.fitting_plans import OPPOSITE, objections_to_plan
from signals_app.models import Strategy, StrategyAccount, Ticker
from signals_app.usable_stops import objections_with_leverage
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
    _tickers: list[Ticker] = []  # of the row at work
    protection = fields.Field(attribute="protection", column_name="protection", widget=widgets.JSONWidget())

    class Meta(Rows.Meta):
        model = Strategy
        import_id_fields = ("name",)
        exclude = ("id", "created_at", "updated_at")

    def import_instance(self, instance: Any, row: Any, **words: Any) -> None:
        """The tickers of a row are saved after it; its stop is judged by their prices before that."""
        super().import_instance(instance, row, **words)
        told = self.fields["tickers"]
        if told.column_name in row:
            self._tickers = list(told.clean(row, **words))
        else:
            self._tickers = list(instance.tickers.all()) if instance.pk else []

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        faults = dict(import_validation_errors or {})
        try:
            instance.protection = read_plan(instance.protection).as_json()
        except PlanRefused as refusal:
            faults["protection"] = ValidationError([str(one) for one in refusal.faults])
        else:
            faults |= _unfit(instance, self._tickers)
        super().validate_instance(instance, faults, validate_unique)


def _unfit(strategy: Strategy, tickers: list[Ticker]) -> dict[str, ValidationError]:
    """As its own page would refuse it."""
    found: dict[str, list[str]] = {}
    judged = ("kind", "leverage", "opposite_signal", "protection", "use_all_tickers")
    values = {name: getattr(strategy, name) for name in judged} | {"tickers": tickers}
    for what, objection in objections_to_plan(values):
        found.setdefault("opposite_signal" if what == OPPOSITE else "protection", []).append(objection)
    own = StrategyAccount.objects.filter(strategy=strategy.pk).values_list("leverage", flat=True)
    for leverage in sorted({one for one in own if one is not None}):
        found.setdefault("protection", []).extend(objections_with_leverage(strategy.protection, leverage))
    return {name: ValidationError(sentences) for name, sentences in found.items() if sentences}
