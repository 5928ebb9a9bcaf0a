"""Addresses that tell what happened: events, messages, and what trading earned by day and by strategy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query

from exchanges.models import KEYS_OF_ACCOUNT
from ops.health.lines import Line
from ops.health.page import page
from ops.health.recent_errors import RecentError
from ops.models import NotifyMessage
from ops.notify.decisions import Delivery
from positions.models import RiskEvent
from positions.reports.figures import Statistics, Trade, by_day, by_strategy
from positions.reports.reading import closed_positions, trades_of
from tradingbot.api import finding
from tradingbot.api import report_contract as contract
from tradingbot.api.paging import Page, Paged, page_of
from tradingbot.api.reading import Wanted, router

Days = Annotated[int, Query(ge=1, le=366, description="How far back, by when a position closed")]
BY_HAND = "by hand or found"


@router.get("/events", response=Page[contract.RiskEvent], tags=["reports"])
def events(
    request: HttpRequest,
    paged: Paged,
    kind: Wanted = None,
    level: Wanted = None,
    account: Wanted = None,
    position_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Any:
    """Denials, alarms, differences that were found."""
    position = None if position_id is None else str(position_id)
    chosen = finding.given(event_type=kind, risk_level=level, account__name=account, position_id=position)
    return page_of(_events().filter(**chosen), "created_at", paged, _event)


def _events() -> QuerySet[RiskEvent]:
    return RiskEvent.objects.select_related("account").defer(*KEYS_OF_ACCOUNT)


def _event(row: RiskEvent) -> contract.RiskEvent:
    return contract.RiskEvent(
        id=row.pk, at=row.created_at, kind=row.event_type, level=row.risk_level,
        account=row.account.name if row.account else None, position_id=row.position_id, details=row.details,
    )  # fmt: skip


@router.get("/notifications", response=Page[contract.Notification], tags=["reports"])
def notifications(
    request: HttpRequest, paged: Paged, delivery: Delivery | None = None, target: Wanted = None
) -> Any:
    """What was to be told to people, and what became of it. Never where to: an address is a secret."""
    rows = NotifyMessage.objects.select_related("target").defer("target__address")
    chosen = finding.given(delivery=delivery, target__name=target)
    return page_of(rows.filter(**chosen), "created_at", paged, _notification)


def _notification(row: NotifyMessage) -> contract.Notification:
    return contract.Notification(
        id=row.pk, target=row.target.name, kind=row.kind, severity=row.severity, title=row.title, body=row.body,
        delivery=row.delivery, count=row.count, attempts=row.attempts, created_at=row.created_at,
        sent_at=row.sent_at, error=row.error,
    )  # fmt: skip


@router.get("/health/page", response=contract.HealthPage, tags=["figures"])
def health_page(request: HttpRequest) -> Any:
    """All that the page says, with the errors of the last days; what must be true alone is at /health."""
    found = page()
    lines = {name: [_line(one) for one in section] for name, section in found["sections"].items()}
    return contract.HealthPage(
        at=found["at"], state=found["state"], verdict=found["verdict"], sections=lines,
        protects=[contract.SentenceOfHealth(state=one.state, text=one.text) for one in found["protects"]],
        errors=None if found["errors"] is None else [_error(one) for one in found["errors"]],
    )  # fmt: skip


def _line(one: Line) -> contract.Line:
    return contract.Line(name=one.name, state=one.state, figure=one.figure, words=one.words)


def _error(one: RecentError) -> contract.RecentError:
    return contract.RecentError(**asdict(one))


@router.get("/reports/days", response=list[contract.Report], tags=["reports"])
def days(request: HttpRequest, days: Days = 31, account: Wanted = None, strategy: Wanted = None) -> Any:
    """By the day, in UTC, on which positions closed; newest first. A day on which none closed is not there."""
    found = by_day(_trades(days, account, strategy))
    return _reports({day.isoformat(): figures for day, figures in found.items()})


@router.get("/reports/strategies", response=list[contract.Report], tags=["reports"])
def strategies(request: HttpRequest, days: Days = 30, account: Wanted = None) -> Any:
    found = by_strategy(_trades(days, account, None))
    return _reports({name or BY_HAND: figures for name, figures in found.items()})


def _trades(days: int, account: str | None, strategy: str | None) -> list[Trade]:
    chosen = finding.given(account__name=account, strategy__name=strategy)
    since = timezone.now() - timedelta(days=days)
    return trades_of(closed_positions().filter(closed_at__gte=since, **chosen))


def _reports(found: Mapping[str, Statistics]) -> list[contract.Report]:
    return [_report(of, figures) for of, figures in found.items()]


def _report(of: str, one: Statistics) -> contract.Report:
    return contract.Report(
        of=of, trades=one.count, wins=one.wins, losses=one.losses, profit=one.profit, fees=one.fees,
        funding=one.funding, result=one.result, win_rate=one.win_rate, profit_factor=one.profit_factor,
        expectancy=one.expectancy, max_drawdown=one.max_drawdown, sum_r=one.sum_r, average_r=one.average_r,
        trades_with_r=one.with_r, exposure_seconds=one.exposure.total_seconds(),
    )  # fmt: skip
