"""What the kill switch says and what a FLAT has come to, as texts and rows. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.utils import timezone

from exchanges.models import (
    KEYS,
    KEYS_OF_ACCOUNT,
    ExchangeAccount,
    FlatReport,
    FlatRun,
    GlobalState,
    StateChange,
    TradingState,
)
from exchanges.switch import EVERYWHERE, since_and_who
from exchanges.switch_models import Switched
from exchanges.trading_state import FlatOutcome, Move
from positions import queries
from positions.flatness import by_our_rows
from positions.lifecycle import DONE, OrderPurpose, PositionStatus
from positions.models import Order, Position
from positions.services.flat_books import books_of
from positions.services.halting import Answer

SHOWN = 20

SENTENCES = {
    FlatOutcome.CLOSING: "is being closed",
    FlatOutcome.FLAT: "is flat: the exchange lists no position and no order",
    FlatOutcome.FOREIGN_LEFT: "has nothing of ours any more, but something of somebody else",
    FlatOutcome.NOT_ASKED: "could not be asked, so nothing is proven; by our own rows it holds nothing",
    FlatOutcome.GIVEN_UP: "was let go on before it was proven flat",
}


def report_rows(run: FlatRun) -> list[dict[str, Any]]:
    reports = (
        FlatReport.objects.filter(run=run)
        .select_related("account")
        .defer(*KEYS_OF_ACCOUNT)
        .order_by("account__name")
    )
    return [_row(report) for report in reports]


def _row(report: FlatReport) -> dict[str, Any]:
    outcome, left = FlatOutcome(report.outcome), _left(report)
    return {
        "account": report.account.name,
        "venue": report.account.venue,
        "outcome": outcome,
        "sentence": SENTENCES[outcome],
        "positions": sum(one["kind"] == "position" for one in left),
        "orders": sum(one["kind"] == "order" for one in left),
        "asked_at": report.asked_at,
        "ended_at": report.ended_at,
        "error": report.error,
        "left": left,
    }


def _left(report: FlatReport) -> list[dict[str, Any]]:
    """By our own rows until the exchange was asked."""
    if report.tried_at is not None or report.ended_at is not None:
        return list(report.left)
    return [one.as_row for one in by_our_rows(books_of(report.account_id, timezone.now()))]


def lines_of(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in row["left"]:
        whose = "ours" if one["is_ours"] else "somebody else's"
        yield {
            "account": row["account"],
            "kind": one["kind"],
            "what": one["what"],
            "whose": whose,
            "why": one["why"],
        }


def page_of(run: FlatRun) -> dict[str, Any]:
    reports = report_rows(run)
    return {
        "run": run,
        "whose": run.account.name if run.account else "every account",
        "is_over": run.ended_at is not None,
        "is_flat": bool(reports) and all(one["outcome"] == FlatOutcome.FLAT for one in reports),
        "reports": reports,
        "progress": list(_progress(run)),
        "left": [line for one in reports for line in lines_of(one)],
        "now": timezone.now(),
    }


def _progress(run: FlatRun) -> Iterator[dict[str, Any]]:
    """Each position that was held when it began, or was found since; what was refused stays listed until it is gone."""
    accounts = run.reports.values("account")
    concerned = Q(is_live=True) | Q(closed_at__gte=run.begun_at, opened_at__isnull=False)
    found = Position.objects.filter(concerned, account__in=accounts).exclude(
        created_at__gt=run.ended_at or timezone.now()
    )
    for position in found.select_related("instrument", "account").defer(*KEYS_OF_ACCOUNT).order_by("pk"):
        yield {
            "id": position.pk,
            "what": f"{position.instrument.symbol.split('/')[0]} {position.position_side}",
            "account": position.account.name,
            **_how_far(position),
        }


def _how_far(position: Position) -> dict[str, Any]:
    """Whatever is refused is asked again by itself, or by a person now."""
    if not position.is_live:
        return {"tone": "good", "state": "closed", "why": queries.ending(position.pk), "again_at": None}
    if position.close_again_at is None:
        state = "being closed" if position.status == PositionStatus.CLOSING else position.status
        return {"tone": "warn", "state": state, "why": "", "again_at": None}
    closes = Order.objects.filter(position=position, purpose=OrderPurpose.CLOSE)
    why = closes.order_by("-generation").values_list("reason", flat=True).first() or ""
    state = f"refused {position.close_refusals}×"  # noqa: RUF001  (the multiplication sign is meant)
    return {"tone": "bad", "state": state, "why": why, "again_at": position.close_again_at}


def switch_page() -> dict[str, Any]:
    everywhere = GlobalState.objects.filter(pk=EVERYWHERE).first() or GlobalState()
    accounts = ExchangeAccount.objects.order_by("name").defer(*KEYS)
    own = [_standing(one.name, one) for one in accounts]
    return {
        "rows": [_standing("", everywhere), *own],
        "changes": StateChange.objects.select_related("account")
        .defer(*KEYS_OF_ACCOUNT)
        .order_by("-pk")[:SHOWN],
        "runs": FlatRun.objects.select_related("account").defer(*KEYS_OF_ACCOUNT).order_by("-pk")[:SHOWN],
        "now": timezone.now(),
    }


def _standing(name: str, row: Switched) -> dict[str, Any]:
    return {
        "account": name,
        "state": row.trading_state,
        "is_active": row.trading_state == TradingState.ACTIVE,
        "why": row.state_reason,
        "since": since_and_who(row),
        "held": held_by(name),
    }


def standing_of(account: str) -> dict[str, Any]:
    """Without a name: of all accounts."""
    if account:
        return _standing(account, ExchangeAccount.objects.defer(*KEYS).get(name=account))
    return _standing("", GlobalState.objects.filter(pk=EVERYWHERE).first() or GlobalState())


def stopped_besides(account: str) -> list[str]:
    """What stays stopped when this is resumed: the stricter of both states counts."""
    stopped = ExchangeAccount.objects.exclude(trading_state=TradingState.ACTIVE).order_by("name")
    if not account:
        return [f"{one.name} is {one.trading_state} itself" for one in stopped.defer(*KEYS)]
    everywhere = GlobalState.objects.filter(pk=EVERYWHERE).exclude(trading_state=TradingState.ACTIVE).first()
    return [f"every account is {everywhere.trading_state}"] if everywhere else []


def held_by(account: str) -> dict[str, int]:
    """By our own rows; without a name: of all accounts."""
    mine = Q(account__name=account) if account else Q()
    return {
        "positions": Position.objects.filter(mine, is_live=True).count(),
        "orders": Order.objects.filter(mine).exclude(status__in=DONE).count(),
    }


def sentence_of(answer: Answer) -> str:
    how = {Move.CHANGE: "is now", Move.KEEP: "was already", Move.REFUSE: "stays"}[answer.move]
    why = "" if answer.move is Move.CHANGE or not answer.reason else f": {answer.reason}"
    told = [f"{answer.name or 'Every account'} {how} {answer.state}{why}."]
    if answer.called_off:
        told.append(f"{answer.called_off} entries were called off.")
    if answer.in_flight:
        told.append(
            f"{len(answer.in_flight)} entries were on the wire; the exchange is asked for them, and what they opened "
            "is protected like any position."
        )
    return " ".join(told)
