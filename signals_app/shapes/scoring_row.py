"""A row of the legacy table of scores: scores 0..1, the exchange by id and by name. Pure."""

from __future__ import annotations

from datetime import datetime

from signals_app.shapes import fields as read
from signals_app.shapes import legacy
from signals_app.shapes.shape import Shape
from signals_app.shapes.signal import Details, Refused, Signal

BEST_SCORE = 1


def _signal(fields: read.Fields, received_at: datetime) -> Signal:
    created_at = read.required_time(fields, "created_at", received_at)
    return Signal(
        symbol=read.symbol(fields, "pair_symbol"),
        message=read.action(fields, "recommended_action", legacy.RECOMMENDED),
        bar_time=created_at,
        sent_at=created_at,
        signal_id=read.signal_id(fields),
        details=Details(
            exchange=_exchange(fields),
            score_week=read.score(fields, "score_week", BEST_SCORE),
            score_month=read.score(fields, "score_month", BEST_SCORE),
        ),
    )


def _exchange(fields: read.Fields) -> str:
    known = legacy.exchange(fields)
    name = read.required_text(fields, "exchange_name").strip()
    if name.lower() != known:
        raise Refused(f"exchange_name {name[:40]!r} contradicts exchange_id {fields['exchange_id']}")
    return known


SCORING_ROW = Shape(
    "a row of scores",
    needs=(
        "pair_symbol", "recommended_action", "created_at", "exchange_id", "exchange_name", "score_week",
        "score_month",
    ),
    never=("message", "timestamp"),
    read=_signal,
)  # fmt: skip
