"""What the API shows and takes, as models. A field here is a promise; nothing of an account's keys is in any."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradingbot.api.values import Amount, GivenAmount, Name, NoteText, Percent, Reason, Text


class Position(BaseModel):
    id: int
    account: str
    venue: str
    symbol: str
    side: str
    status: str
    strategy: str | None
    signal_id: str | None
    quantity: Amount = Field(description="Held now, base units")
    leverage: int
    entry_price: Amount | None
    exit_price: Amount | None
    realized_pnl: Amount = Field(description="Quote currency, before fees")
    fees: Amount
    funding: Amount
    close_reason: str
    close_requested_by: str
    created_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None


class Order(BaseModel):
    id: UUID
    position_id: int
    account: str
    symbol: str
    purpose: str
    side: str
    type: str
    status: str
    quantity: Amount
    filled_quantity: Amount
    price: Amount | None
    trigger_price: Amount | None
    average_price: Amount | None
    reduce_only: bool
    client_order_id: str
    exchange_order_id: str
    reason: str
    created_at: datetime
    updated_at: datetime


class Fill(BaseModel):
    id: int
    account: str
    position_id: int | None
    order_id: UUID | None
    symbol: str
    side: str
    quantity: Amount
    price: Amount
    fee: Amount
    fee_currency: str
    realized_pnl: Amount = Field(description="As the exchange reported it")
    trade_id: str
    executed_at: datetime


class Event(BaseModel):
    """One line of the trail."""

    at: datetime
    text: str
    details: list[str]


class WholePosition(Position):
    mark_price: Amount | None = Field(description="Null: not known, or too old")
    stop_price: Amount | None = Field(description="Of the stop that stands on the exchange")
    unrealized_pnl: Amount | None
    orders: list[Order]
    fills: list[Fill]
    timeline: list[Event]


class Verdict(BaseModel):
    """What one strategy did with a signal on one account."""

    strategy: str
    account: str | None
    position_id: int | None
    status: str
    reason_code: str
    note: str


class Signal(BaseModel):
    id: int
    signal_id: str | None
    source: str
    symbol: str
    direction: str
    message: str
    status: str
    reason: str
    reason_code: str
    bar_time: datetime | None
    received_at: datetime
    decided_at: datetime | None
    verdicts: list[Verdict]


class Strategy(BaseModel):
    id: int
    name: str
    kind: str
    enabled: bool
    archived: bool
    allow_open: bool
    accounts: list[str]
    use_all_tickers: bool
    tickers: list[str]
    sizing_mode: str
    notional: Amount
    leverage: int
    max_open_positions: int = Field(description="On each account; 0: no limit")
    opposite_signal: str
    protection: dict[str, Any] = Field(description="The plan its positions are left by")
    updated_at: datetime


class Ticker(BaseModel):
    symbol: str
    enabled: bool
    trade_permission: bool = Field(description="False: signals are logged but not traded")
    aliases: list[str]
    created_at: datetime


class Account(BaseModel):
    name: str
    venue: str
    trading_state: str
    state_reason: str
    state_by: str
    state_since: datetime | None
    is_live_confirmed: bool
    position_mode: str
    margin_mode: str
    max_open_positions: int
    max_exposure: Amount
    created_at: datetime


class AccountEquity(BaseModel):
    account: str
    equity: Amount | None
    wallet_balance: Amount | None
    available_balance: Amount | None
    reported_at: datetime | None
    day: date | None = Field(description="UTC; of the figures behind it")
    earned: Amount | None = Field(description="That day, deposits and withdrawals left out")
    daily_loss_percent: Amount | None
    drawdown_percent: Amount | None


class Figures(BaseModel):
    mode: str = Field(description="PAPER or LIVE")
    at: datetime
    equity: Amount | None = Field(description="Null: of no account anything is known")
    unrealized_pnl: Amount | None = Field(description="Null: the price of a held contract is not known")
    open_positions: int
    accounts: list[AccountEquity]


class AccountHealth(BaseModel):
    last_success: datetime | None
    age_seconds: float | None
    differences_open: int | None
    positions_live: int | None
    positions_proven_protected: int | None
    last_error: str


class Sentence(BaseModel):
    """Something that must be true of the books."""

    name: str
    is_true: bool | None = Field(description="Null: nobody has asked lately")
    checked_at: datetime | None
    broken_since: datetime | None
    findings: list[Any]


class Health(BaseModel):
    comparisons: dict[str, AccountHealth] = Field(description="With the exchange, by account")
    sentences: list[Sentence]


class Limit(BaseModel):
    limit: str
    set_for: str
    used: Amount | None
    of: Amount | None
    percent_of_limit: Amount | None
    level: str | None


class FlatReport(BaseModel):
    account: str
    outcome: str
    error: str
    ended_at: datetime | None


class FlatRun(BaseModel):
    id: int
    reason: str
    by: str
    begun_at: datetime
    ended_at: datetime | None
    reports: list[FlatReport]


class Done(BaseModel):
    sentence: str
    order_id: UUID | None = None
    flat_run_id: int | None = Field(None, description="See /close-all/{run_id}")


class Received(BaseModel):
    """Of a signal: that it is in the ledger. What strategies make of it is told by /signals/{id}."""

    status: str
    reason: str
    reason_code: str | None
    id: int | None
    uid: str | None


class SignalIn(BaseModel):
    """Our own shape; what else a signal may say is in docs/signals.md. Other shapes are for the webhook."""

    model_config = ConfigDict(extra="allow")
    symbol: str = Field(max_length=60, examples=["BTCUSDT"])
    message: str = Field(max_length=500, examples=["buy"])
    bar_time: str = Field(max_length=60, examples=["2026-01-01T00:00:00Z"])


class Taking(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Part(Taking):
    """One of the two. Both are rounded down to the contract's step."""

    percent: Percent | None = None
    quantity: GivenAmount | None = None

    @model_validator(mode="after")
    def is_one_of_them(self) -> Part:
        if (self.percent is None) == (self.quantity is None):
            raise ValueError("give percent or quantity, one of them")
        return self


class NewStop(Taking):
    stop_price: GivenAmount
    may_loosen: bool = Field(False, description="Also where more could be lost than now")
    seen_stop_price: GivenAmount | None = Field(
        None,
        description="What a wider stop was weighed against, needed with may_loosen: refused when it came nearer to "
        "the market since",
    )

    @model_validator(mode="after")
    def says_what_is_given_up(self) -> NewStop:
        if self.may_loosen and self.seen_stop_price is None:
            raise ValueError("may_loosen needs seen_stop_price: the stop that is given up")
        return self


class Note(Taking):
    text: NoteText


class Pause(Taking):
    reason: Reason
    account: Name | None = Field(None, description="Null: every account")


class Resume(Taking):
    reason: Text = ""
    account: Name | None = None


class CloseAll(Taking):
    reason: Reason
    account: Name | None = None
    confirm: Name = Field(description="ALL, or the account's name: what is typed on the page")
