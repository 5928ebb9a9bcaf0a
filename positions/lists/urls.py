from __future__ import annotations

from django.urls import path, register_converter

from positions.lists import strategy_views, views, year_views


class YearConverter:
    regex = "20[0-9]{2}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(YearConverter, "year")

urlpatterns = [
    path("signals/", views.signals, name="signals"),
    path("signals/newer.json", views.newer_signals, name="newer-signals"),
    path("signals/<int:log_id>/replay/", views.replay_signal, name="replay-signal"),
    path("orders/", views.orders, name="orders"),
    path("trades/", views.trades, name="trades"),
    path("trades/trades.csv", views.trades_csv, name="trades-csv"),
    path("trades/fills.csv", views.fills_csv, name="fills-csv"),
    path("trades/<year:year>/", year_views.year, name="year"),
    path("trades/<year:year>/positions.csv", year_views.year_csv, name="year-csv"),
    path("trades/<year:year>/contracts.csv", year_views.contracts_csv, name="year-contracts-csv"),
    path("strategies/", strategy_views.strategies, name="strategies"),
    path("strategies/<int:strategy_id>/", strategy_views.strategy, name="strategy"),
    path("strategies/<int:strategy_id>/pause/", strategy_views.pause, name="pause-strategy"),
    path("strategies/<int:strategy_id>/resume/", strategy_views.resume, name="resume-strategy"),
    path("strategies/<int:strategy_id>/clone/", strategy_views.clone, name="clone-strategy"),
]
