"""Django's admin, sorted by what an owner does: trading, setting up, looking after the system."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

TRADING = (
    "Position", "Order", "Fill", "SignalLog", "SignalAttempt", "TrailingStop", "PartialTakeProfit", "FundingPayment",
    "ArbitrageTrade", "Wave", "RiskEvent", "AccountEquity",
)  # fmt: skip
SETUP = (
    "Strategy", "Ticker", "Instrument", "ExchangeAccount", "RiskLimits", "SignalSender", "ArbitragePair",
    "ForecastFeed", "ForecastModel", "CandleSpan", "NotifyTarget", "PeriodicTask", "IntervalSchedule",
    "CrontabSchedule",
)  # fmt: skip
GROUPS = {"Trading": TRADING, "Setup": SETUP}
REST = "System"
# where the model's own name would not tell an owner what it is
NAMES = {
    "SignalLog": "Signals",
    "SignalAttempt": "Repeated signals",
    "PartialTakeProfit": "Take-profit levels",
    "AccountEquity": "Equity and limits in use",
    "PeriodicTask": "Schedules",
    "Instrument": "Contracts of the exchanges",
    "ForecastFeed": "Feeds of forecasts",
    "ForecastModel": "Models of forecasts",
    "CandleSpan": "Candles that are kept",
    "AccountWatch": "How well accounts are heard",
    "LogEntry": "Acts in the admin",
}


class DeskSite(admin.AdminSite):
    site_header = site_title = "Control room"
    index_title = "Set-up and records"
    site_url = "/"
    final_catch_all_view = False

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from ops.desk import setting_up  # models are not there yet when the site is made
        from positions import queries

        steps = {"is_set_up": setting_up.is_over}
        return super().each_context(request) | {"mode": queries.mode()} | steps

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        by_app = super().get_app_list(request, app_label)
        if app_label is not None:
            return by_app
        known = {model["object_name"]: _named(model) for app in by_app for model in app["models"]}
        grouped = {name: _those(names, known) for name, names in GROUPS.items()}
        grouped[REST] = sorted(known.values(), key=lambda model: str(model["name"]).lower())
        for model in grouped["Trading"]:
            if model["object_name"] == "Position":
                model["open"] = _open_positions()
        return [_group(name, models) for name, models in grouped.items() if models]


def _those(names: tuple[str, ...], known: dict[str, Any]) -> list[Any]:
    """In this order; what is taken out of `known` is listed once."""
    return [known.pop(name) for name in names if name in known]


def _named(model: dict[str, Any]) -> dict[str, Any]:
    return model | {"name": NAMES.get(model["object_name"], model["name"])}


def _open_positions() -> int:
    from positions.models import Position

    return Position.objects.filter(is_live=True).count()


def _group(name: str, models: list[Any]) -> dict[str, Any]:
    label = name.lower()
    url = f"{reverse('admin:index')}#group-{label}"
    return {"name": name, "app_label": label, "app_url": url, "has_module_perms": True, "models": models}
