"""What the API tells of forecasts and of the models that make them. As contract.py: a field is a promise."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from tradingbot.api.values import Amount


class Horizon(BaseModel):
    """Probabilities of three directions, and returns as shares: 0.01 is one percent."""

    horizon: str
    long: Amount
    short: Amount
    neutral: Amount
    expected: Amount = Field(description="Logarithmic return")
    least: Amount = Field(description="The move that counts as a direction; less is neutral")
    came: Amount | None = Field(description="The return when it was over; null: not over yet")


class Forecast(BaseModel):
    id: int
    account: str
    symbol: str
    timeframe: str
    of_paper: bool = Field(description="Made of candles of the paper exchange")
    source: str = Field(description="model, or fallback: simple rules that are not known to foresee anything")
    candle_at: datetime
    made_at: datetime
    price: Amount
    direction: str
    confidence: Amount = Field(description="Strictly between 0 and 1")
    quality: Amount
    label: str
    strength: Amount
    agreement: int = Field(description="Horizons on its side")
    risk: str
    stop_percent: Amount
    target_percent: Amount
    horizons: list[Horizon]
    signal_number: int | None = Field(description="Of the signal it became")
    reason: str = Field(description="Why it was not sent; empty: it was, or is to be")
    judged_at: datetime | None = Field(description="When its last horizon was over")


class Model(BaseModel):
    """Without its bytes."""

    id: int
    timeframe: str
    of_paper: bool
    state: str
    is_worth_using: bool
    verdict: str
    features_version: str
    sha256: str
    trained_until: datetime
    trained_at: datetime
    put_in_use_at: datetime | None
    retired_at: datetime | None


class WholeModel(Model):
    card: dict[str, Any]


class Share(BaseModel):
    count: int
    hits: int
    rate: Amount | None
    low: Amount | None = Field(description="Wilson's interval, 19 times in 20")
    high: Amount | None


class Record(BaseModel):
    """Returns are means of a call. Overlapping horizons are not independent: the interval of `calls` is too narrow."""

    horizon: str
    source: str
    judged: int
    calls: Share
    apart: Share = Field(description="Calls of a contract that share no time with each other")
    expected: Amount | None = Field(description="What following a call was expected to bring, before costs")
    net: Amount | None = Field(description="What it brought, costs paid")


class Bin(BaseModel):
    said: Amount
    came_true: Share


class Curve(BaseModel):
    source: str
    error: Amount | None = Field(description="Mean distance of said and come true")
    bins: list[Bin]


class Earned(BaseModel):
    source: str = Field(description="Who gave the signal that opened the position")
    positions: int
    profit: Amount
    fees: Amount
    funding: Amount
    result: Amount


class HowGood(BaseModel):
    known: int = Field(description="Forecasts of the span of which a horizon or more is over")
    step: int = Field(description="Every how many-th candle was reckoned with")
    records: list[Record]
    calibration: list[Curve]
    earned: list[Earned]
