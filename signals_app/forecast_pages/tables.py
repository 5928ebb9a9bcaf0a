"""How good forecasts were as tables of cells, to be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from positions.reports.cells import Cell
from positions.reports.figures import Statistics
from positions.reports.tables import Table
from signals_app.forecasts.hindsight import Bin, Record, Share

RECORD_HEAD = (
    "horizon", "source", "judged", "calls", "hits", "hit_rate", "hit_rate_low", "hit_rate_high", "calls_apart",
    "hits_apart", "hit_rate_apart", "hit_rate_apart_low", "hit_rate_apart_high", "expected_return_per_call",
    "net_return_per_call",
)  # fmt: skip
CURVE_HEAD = ("source", "said", "came_true", "low", "high", "answers")
EARNED_HEAD = ("source", "positions", "profit", "fees", "funding", "result")


def record_table(found: list[Record]) -> Table:
    return RECORD_HEAD, [_record_cells(one) for one in found]


def _record_cells(one: Record) -> tuple[Cell, ...]:
    return (
        one.horizon, one.source, one.judged, *_share_cells(one.calls), *_share_cells(one.apart),
        _rounded(one.expected), _rounded(one.net),
    )  # fmt: skip


def _share_cells(one: Share) -> tuple[Cell, ...]:
    low, high = one.interval or (None, None)
    return one.count, one.hits, _rounded(one.rate), _rounded(low), _rounded(high)


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(value, 6)


def curve_table(curves: Mapping[str, list[Bin]]) -> Table:
    return CURVE_HEAD, [_bin_cells(source, one) for source, bins in curves.items() for one in bins]


def _bin_cells(source: str, one: Bin) -> tuple[Cell, ...]:
    low, high = one.came.interval or (None, None)
    return (
        source, _rounded(one.said), _rounded(one.came.rate), _rounded(low), _rounded(high), one.came.count,
    )  # fmt: skip


def earned_table(found: Mapping[str, Statistics]) -> Table:
    return EARNED_HEAD, [
        (name, one.count, one.profit, one.fees, one.funding, one.result) for name, one in found.items()
    ]
