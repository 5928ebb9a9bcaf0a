"""Addresses that show. Newest first, a page at a time."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router

from ops.trail.queries import story_of
from positions import limits_page, position_page, queries
from positions.lifecycle import OrderStatus
from positions.services.reconciliation import get_health_status
from signals_app.models import SignalStatus
from tradingbot.api import contract, finding, showing
from tradingbot.api.doors import looking
from tradingbot.api.paging import Page, Paged, page_of
from tradingbot.api.problems import Refusal
from tradingbot.api.values import Name, OrderNumber, RowNumber

router = Router(auth=looking)

State = Annotated[Literal["open", "closed", "all"], Query(description="open: whatever is not closed")]
IS_LIVE = {"open": True, "closed": False, "all": None}
Wanted = Annotated[Name | None, Query()]
Named = Annotated[Name, Path()]


@router.get("/positions", response=Page[contract.Position], tags=["positions"])
def positions(
    request: HttpRequest,
    paged: Paged,
    state: State = "open",
    account: Wanted = None,
    symbol: Wanted = None,
    strategy: Wanted = None,
) -> Any:
    chosen = finding.given(
        is_live=IS_LIVE[state],
        account__name=account,
        instrument__exchange_symbol=symbol,
        strategy__name=strategy,
    )
    return page_of(finding.positions().filter(**chosen), "created_at", paged, showing.position)


@router.get("/positions/{position_id}", response=contract.WholePosition, tags=["positions"])
def position(request: HttpRequest, position_id: RowNumber) -> Any:
    """With its orders, fills, and the story of how it came about and went on."""
    record = position_page.record_of(position_id, timezone.now())
    if record is None:
        raise Refusal(404, "There is no such position.")
    return showing.whole_position(record, story_of("position", str(position_id)).sentences)


@router.get("/orders", response=Page[contract.Order], tags=["orders"])
def orders(
    request: HttpRequest,
    paged: Paged,
    status: OrderStatus | None = None,
    position_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    symbol: Wanted = None,
) -> Any:
    chosen = finding.given(status=status, position_id=position_id, symbol=symbol)
    return page_of(finding.orders().filter(**chosen), "created_at", paged, showing.order)


@router.get("/orders/{order_id}", response=contract.Order, tags=["orders"])
def order(request: HttpRequest, order_id: OrderNumber) -> Any:
    return showing.order(finding.the_one(finding.orders(), pk=order_id))


@router.get("/fills", response=Page[contract.Fill], tags=["orders"])
def fills(
    request: HttpRequest,
    paged: Paged,
    position_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    symbol: Wanted = None,
) -> Any:
    chosen = finding.given(position_id=position_id, symbol=symbol)
    return page_of(finding.fills().filter(**chosen), "executed_at", paged, showing.fill)


@router.get("/signals", response=Page[contract.Signal], tags=["signals"])
def signals(
    request: HttpRequest,
    paged: Paged,
    status: SignalStatus | None = None,
    symbol: Wanted = None,
    source: Wanted = None,
) -> Any:
    chosen = finding.given(status=status, symbol=symbol, source=source)
    return page_of(finding.signals().filter(**chosen), "received_at", paged, showing.signal)


@router.get("/signals/{signal_number}", response=contract.Signal, tags=["signals"])
def signal(request: HttpRequest, signal_number: RowNumber) -> Any:
    return showing.signal(finding.the_one(finding.signals(), pk=signal_number))


@router.get("/strategies", response=Page[contract.Strategy], tags=["settings"])
def strategies(request: HttpRequest, paged: Paged) -> Any:
    return page_of(finding.strategies(), "created_at", paged, showing.strategy)


@router.get("/strategies/{name}", response=contract.Strategy, tags=["settings"])
def strategy(request: HttpRequest, name: Named) -> Any:
    return showing.strategy(finding.the_one(finding.strategies(), name=name))


@router.get("/tickers", response=Page[contract.Ticker], tags=["settings"])
def tickers(request: HttpRequest, paged: Paged) -> Any:
    return page_of(finding.tickers(), "created_at", paged, showing.ticker)


@router.get("/accounts", response=Page[contract.Account], tags=["settings"])
def accounts(request: HttpRequest, paged: Paged) -> Any:
    """Without keys: not even that there are some."""
    return page_of(finding.accounts(), "created_at", paged, showing.account)


@router.get("/equity", response=list[contract.AccountEquity], tags=["figures"])
def equity(request: HttpRequest) -> Any:
    return finding.equity()


@router.get("/figures", response=contract.Figures, tags=["figures"])
def figures(request: HttpRequest) -> Any:
    return finding.figures(timezone.now())


@router.get("/limits", response=dict[str, list[contract.Limit]], tags=["figures"])
def limits(request: HttpRequest) -> Any:
    """What of each limit is in use, by account."""
    return limits_page.limits_in_use()


@router.get("/health", response=contract.Health, tags=["figures"])
def health(request: HttpRequest) -> Any:
    return {"comparisons": get_health_status()["accounts"], "sentences": queries.invariant_checks()}


@router.get("/close-all/{run_id}", response=contract.FlatRun, tags=["acts"])
def flat_run(request: HttpRequest, run_id: RowNumber) -> Any:
    """How far it has come, account by account, by the exchange's own listing."""
    return showing.flat_run(finding.the_one(finding.flat_runs(), pk=run_id))
