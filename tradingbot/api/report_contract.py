"""What the API tells of what happened: events, messages, reports, health. As contract.py: a field is a promise."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from tradingbot.api.values import Amount


class RiskEvent(BaseModel):
    id: int
    at: datetime
    kind: str
    level: str
    account: str | None
    position_id: str | None
    details: dict[str, Any]


class Notification(BaseModel):
    id: int
    target: str = Field(description="The name that its owner gave it; its address is told nobody")
    kind: str
    severity: str
    title: str
    body: str
    delivery: str
    count: int = Field(description="How often it happened while it was not said again")
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    error: str


class Report(BaseModel):
    """Closed positions, after fees and funding. Null is unknown: a rate of nothing, a factor without a loss."""

    of: str = Field(description="The day, or the strategy's name")
    trades: int
    wins: int
    losses: int
    profit: Amount
    fees: Amount
    funding: Amount
    result: Amount
    win_rate: Amount | None = Field(description="Percent of all")
    profit_factor: Amount | None
    expectancy: Amount | None
    max_drawdown: Amount
    sum_r: Amount
    average_r: Amount | None
    trades_with_r: int = Field(description="Those whose first stop is known")
    exposure_seconds: float = Field(description="Something was held; two at once count once")


class Line(BaseModel):
    name: str
    state: str
    figure: str
    words: str


class SentenceOfHealth(BaseModel):
    state: str
    text: str


class RecentError(BaseModel):
    level: str
    place: str
    message: str
    count: int
    first_seen: datetime
    last_seen: datetime


class HealthPage(BaseModel):
    """What the page at /health/ says."""

    at: datetime
    state: str = Field(description="good, warn, unknown or bad: the worst of what is asked")
    verdict: str
    protects: list[SentenceOfHealth] = Field(description="What protects the positions, the stops first")
    sections: dict[str, list[Line]]
    errors: list[RecentError] | None = Field(description="Of the last days, each once; null: cannot be asked")
