"""Tries out each kind of order in use, far from the market, before one of them is needed and refused."""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from exchanges import session
from exchanges.errors import ExchangeError
from exchanges.models import AccountWatch, ExchangeAccount, Instrument
from exchanges.switch import switch_of
from exchanges.types import BreakerState, OrderType, PriceKind
from exchanges.venues.abilities import TRAILS_BY_PERCENT
from positions.canary import (
    STEPS,
    Outcome,
    ProbeState,
    is_far,
    quantity_for,
    terms_for,
    verdict_of,
)
from positions.canary_models import CanaryOrder, CanaryRun
from positions.models import Position
from positions.services import canary_orders, position_modes, reachability, stop_refusals
from positions.services.differences import say_once
from positions.services.instruments import spec_of
from positions.services.sweeping import for_each, for_each_account
from signals_app.models import Strategy, Ticker

logger = logging.getLogger(__name__)

LOOKED_AT = 5  # contracts whose price is asked for until one is cheap enough
BROKE_OFF = "the canary of account %s broke off"


def run_due(now: datetime) -> int:
    """An account's turn is its own, and alone over all processes: what is not over here belongs to a run that broke
    off."""
    accounts = ExchangeAccount.objects.order_by("pk").values_list("pk", "pk")
    return for_each_account(accounts, partial(_turn, now=now), BROKE_OFF)


def _turn(account_id: int, now: datetime) -> None:
    clean_up(account_id)
    account = _allowed().filter(pk=account_id).first()
    if account is not None and _is_due(account, now):
        run(account_id)


def clean_up(account_id: int | None = None) -> None:
    """No account: of all of them."""
    runs = CanaryRun.objects.filter(ended_at=None)
    if account_id is not None:
        runs = runs.filter(account=account_id)
    left = CanaryOrder.objects.filter(run__in=runs, ended_at=None).select_related(
        "run__account", "run__instrument", "position"
    )
    for_each(left, _tend, "canary order %s is still there")
    unsettled = CanaryOrder.objects.filter(run=OuterRef("pk"), ended_at=None)
    running = runs.filter(~Exists(unsettled)).select_related("account")
    for_each(running, _end, "canary run %s could not be ended")


def _tend(order: CanaryOrder) -> None:
    if order.state == ProbeState.FILLED:
        canary_orders.close(order)
    else:
        canary_orders.look_up(order)


def _allowed() -> QuerySet[ExchangeAccount]:
    """Paper always; real money only where its owner said so."""
    allowed = ExchangeAccount.objects.select_related("watch").order_by("pk")
    return allowed if settings.DRY_RUN is not False else allowed.filter(canary_allowed=True)


def _is_due(account: ExchangeAccount, now: datetime) -> bool:
    watch: AccountWatch | None = getattr(account, "watch", None)
    if switch_of(account.pk).refusal or (watch and watch.breaker != BreakerState.CLOSED):
        return False
    every = settings.CANARY_AGAIN if watch and watch.stops_refused_since else settings.CANARY_EVERY
    last = CanaryRun.objects.filter(account=account).order_by("-started_at").first()
    if last is not None and last.ended_at is None:
        return False
    return bool((last.started_at if last else account.created_at) + every <= now)


def run(account_id: int) -> CanaryRun | None:
    """None: nowhere to try, or price or position mode are not known."""
    account = ExchangeAccount.objects.get(pk=account_id)
    found = _where(account)
    if found is None:
        logger.debug("the canary of %s finds no contract that nobody holds", account.name)
        return None
    instrument, mark, quantity = found
    if not _mode_agrees(account, instrument.symbol):
        return None
    made = CanaryRun.objects.create(
        account=account, instrument=instrument, mark_price=mark, started_at=timezone.now()
    )
    for kind in _kinds(account):
        terms = terms_for(kind, mark, instrument.price_increment)
        if is_far(terms, mark):
            canary_orders.try_out(made, terms, quantity)
    if not made.orders.filter(ended_at=None).exists():
        _end(made)
    return made


def _mode_agrees(account: ExchangeAccount, symbol: str) -> bool:
    """In another position mode no order is taken, whatever its kind."""
    try:
        if not position_modes.is_known(account, symbol):
            position_modes.learn(account, symbol)
    except ExchangeError as error:
        reachability.hear(account.pk, error)
        return False
    return position_modes.objection(account) is None


def _where(account: ExchangeAccount) -> tuple[Instrument, Decimal, Decimal] | None:
    for instrument in _free_contracts(account):
        mark = _mark(account, instrument.symbol)
        if mark is not None and (quantity := quantity_for(spec_of(instrument), mark)):
            return instrument, mark, quantity
    return None


def _mark(account: ExchangeAccount, symbol: str) -> Decimal | None:
    try:
        return session.call(account, lambda client: client.price(symbol, PriceKind.MARK)).price
    except ExchangeError as error:
        reachability.hear(account.pk, error)
        return None


def _free_contracts(account: ExchangeAccount) -> list[Instrument]:
    """That we trade and nobody holds there, the cheapest first: a fill must not mix with a position."""
    held = Position.objects.filter(account=account, is_live=True).values("instrument")
    legs = AccountWatch.objects.filter(account=account).values_list("unknown_legs", flat=True).first() or {}
    strange = {leg.split(" ")[0] for leg in legs}
    tickers = Ticker.objects.filter(enabled=True, trade_permission=True).values("symbol")
    listed = Instrument.objects.filter(venue=account.venue, active=True, exchange_symbol__in=tickers)
    free = listed.exclude(Q(pk__in=held) | Q(symbol__in=strange))
    return list(free.order_by("min_notional", "symbol")[:LOOKED_AT])


def _kinds(account: ExchangeAccount) -> list[OrderType]:
    trails = Strategy.objects.filter(
        accounts__account=account, archived=False, protection__backstop__has_key="callback_percent"
    )
    trailing = account.venue in TRAILS_BY_PERCENT and trails.exists()
    return [*STEPS, *([OrderType.TRAILING_STOP_MARKET] if trailing else [])]


def _end(made: CanaryRun) -> None:
    orders = list(made.orders.order_by("asked_at"))
    verdict = verdict_of(
        Outcome(OrderType(one.order_type), ProbeState(one.state), one.kind_refused) for one in orders
    )
    now = timezone.now()
    CanaryRun.objects.filter(pk=made.pk, ended_at=None).update(verdict=verdict, ended_at=now)
    made.verdict, made.ended_at = verdict, now
    for order in orders:
        _follow(made.account, order, now)


def _follow(account: ExchangeAccount, order: CanaryOrder, now: datetime) -> None:
    if order.order_type == OrderType.STOP_MARKET and order.kind_refused:
        stop_refusals.refused(account.pk, order.reason)
    elif order.order_type == OrderType.STOP_MARKET and order.state == ProbeState.WORKED:
        stop_refusals.taken(account.pk, now)
    elif order.kind_refused:
        say_once(account, "order_type_refused", order_type=order.order_type, reason=order.reason)


def last_runs() -> list[dict[str, object]]:
    """The newest of each account, for health."""
    newest = CanaryRun.objects.order_by("account", "-started_at").distinct("account")
    return [
        {
            "account": one.account.name,
            "started_at": one.started_at,
            "verdict": one.verdict,
            "orders": {
                kind: f"{state} {reason}".strip()
                for kind, state, reason in one.orders.values_list("order_type", "state", "reason")
            },
        }
        for one in newest.select_related("account")
    ]
