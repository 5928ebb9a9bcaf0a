"""Opens, watches and ends the trades of pairs. Each leg is an ordinary position; a trade only says which two belong
together and what has to follow for one from the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from exchanges.models import KEYS, ExchangeAccount
from positions import formats
from positions.arbitrage import Cause, Close, Markets, Open, Wait, decide_entry, decide_exit, rests_until
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from positions.arbitrage_quotes import markets_of, places_of
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.pair_figures import holding_of, legs_of, positions_of, settings_of
from positions.pair_lifecycle import TRADE_ENDS, TradeEvent, TradeStatus, next_trade_status
from positions.pair_steps import Step, next_step
from positions.services import events
from positions.services.closing import REQUESTABLE, request_close
from positions.services.gate import no_entries
from positions.services.opening import open_position
from positions.services.pair_sizing import planned_legs
from positions.services.proposals import Proposal
from positions.services.sweeping import for_each
from positions.sizing import Skip
from signals_app.reasons import ReasonCode
from signals_app.routing import StrategyKind

GOOD_ENDS = (Cause.CONVERGED, Cause.HELD_TOO_LONG)
COUNTED_FAILURES = 10
NOTED_EVERY = timedelta(seconds=3)
PAIR_ACCOUNTS = "first_account", "second_account"
LEG_ACCOUNTS = "long_position__account", "short_position__account"


def _keys_of(accounts: Iterable[str]) -> list[str]:
    """Of accounts whose keys cannot be opened the legs are still looked after."""
    return [f"{account}__{key}" for account in accounts for key in KEYS]


class LegRefused(Exception):
    """Nothing was opened; the text says on which account and why."""

    def __init__(self, decision: Open, reason: str) -> None:
        super().__init__(reason)
        self.decision = decision


def watch_pairs(now: datetime) -> int:
    """Asks for prices, and acts by them."""
    pairs = {pair.pk: pair for pair in _watched()}
    markets = markets_of(pairs.values(), now)
    return for_each(pairs, lambda pk: _watch(pairs[pk], markets[pk]), "pair %s could not be judged")


def _watched() -> QuerySet[ArbitragePair]:
    holding = ArbitrageTrade.objects.filter(status=TradeStatus.OPEN).values("pair")
    may_open = Q(enabled=True, strategy__kind=StrategyKind.ARBITRAGE, strategy__enabled=True)
    may_open &= Q(strategy__archived=False, strategy__allow_open=True)
    pairs = ArbitragePair.objects.filter(may_open | Q(pk__in=holding))
    return pairs.select_related("first_account", "second_account", "strategy").defer(*_keys_of(PAIR_ACCOUNTS))


def _watch(pair: ArbitragePair, markets: Markets) -> None:
    now, trade = timezone.now(), live_trade_of(pair)
    if trade is not None and trade.status != TradeStatus.OPEN:
        return _note(pair, f"trade {trade.pk} is {trade.status}", now)
    decision = _decided(pair, trade, markets, now)
    _note(pair, decision.reason, now)
    if isinstance(decision, Open):
        open_trade(pair.pk, markets)
    elif isinstance(decision, Close) and trade is not None:
        close_trade(trade.pk, decision.cause, decision.reason)


def _decided(
    pair: ArbitragePair, trade: ArbitrageTrade | None, markets: Markets, now: datetime
) -> Open | Close | Wait:
    for account in (pair.first_account, pair.second_account):
        shut = no_entries(account.pk)
        if shut is not None and (trade is None or shut.code is ReasonCode.UNREACHABLE):
            return Wait(f"{shut.reason}; one leg would be left alone")
    if trade is not None:
        return decide_exit(holding_of(trade), markets, settings_of(pair), now)
    if now < (until := resting_until(pair, now)):
        return Wait(f"rests until {formats.moment(until)} after its last trade")
    return decide_entry(markets, settings_of(pair), now)


def _note(pair: ArbitragePair, text: str, now: datetime) -> None:
    """For the owner; now and then is enough."""
    if pair.judged_at is None or now - pair.judged_at >= NOTED_EVERY:
        ArbitragePair.objects.filter(pk=pair.pk).update(judgement=text, judged_at=now)


def live_trade_of(pair: ArbitragePair) -> ArbitrageTrade | None:
    live = ArbitrageTrade.objects.filter(pair=pair).exclude(status__in=TRADE_ENDS)
    return live.select_related("pair", "long_position__instrument", "short_position__instrument").first()


# opening


def open_trade(pair_id: int, markets: Markets) -> ArbitrageTrade | None:
    """Both legs or none, in one transaction; what one account refuses is a row too. None: it is not the moment."""
    try:
        with transaction.atomic():
            return _open(_lock_pair(pair_id), markets)
    except LegRefused as refusal:
        return _note_refusal(pair_id, refusal.decision, str(refusal))


def _lock_pair(pair_id: int) -> ArbitragePair:
    """Both accounts in the order of all who lock accounts, then the pair as it is now."""
    pair = ArbitragePair.objects.get(pk=pair_id)
    accounts = ExchangeAccount.objects.filter(pk__in=(pair.first_account_id, pair.second_account_id))
    in_order = accounts.defer(*KEYS).order_by("pk").select_for_update(no_key=True)
    locked = {account.pk: account for account in in_order}
    pair = ArbitragePair.objects.select_for_update(of=("self",)).select_related("strategy").get(pk=pair_id)
    for name in PAIR_ACCOUNTS:  # one that was changed before the lock stays unread: nothing opens there now
        if (account := locked.get(getattr(pair, f"{name}_id"))) is not None:
            setattr(pair, name, account)
    return pair


def _open(pair: ArbitragePair, markets: Markets) -> ArbitrageTrade | None:
    """Decided again under the locks: the quotes have aged, and the pair may have been changed."""
    now = timezone.now()
    if not _may_open(pair) or places_of(pair) != tuple(market.place for market in markets):
        return None
    decision = decide_entry(markets, settings_of(pair), now)
    if not isinstance(decision, Open) or _is_busy(pair, now):
        return None
    planned = planned_legs(pair, decision.spread)
    if isinstance(planned, Skip):
        raise LegRefused(decision, planned.reason)
    trade = _row(pair, decision)
    trade.quantity = planned.base
    legs = [_leg(decision, proposal) for proposal in planned.proposals]
    trade.short_position, trade.long_position = legs if trade.short_is_first else legs[::-1]
    trade.save()
    return trade


def _may_open(pair: ArbitragePair) -> bool:
    strategy = pair.strategy
    its_strategy_may = strategy.enabled and strategy.allow_open and not strategy.archived
    return pair.enabled and its_strategy_may and strategy.kind == StrategyKind.ARBITRAGE


def _is_busy(pair: ArbitragePair, now: datetime) -> bool:
    return live_trade_of(pair) is not None or now < resting_until(pair, now)


def resting_until(pair: ArbitragePair, now: datetime) -> datetime:
    ended = ArbitrageTrade.objects.filter(pair=pair, status__in=TRADE_ENDS).order_by("-ended_at")
    last = list(ended[:COUNTED_FAILURES])
    if not last or last[0].ended_at is None:
        return now
    failures = next((n for n, trade in enumerate(last) if trade.cause in GOOD_ENDS), len(last))
    return rests_until(last[0].ended_at, timedelta(seconds=pair.rest_seconds), failures)


def _row(pair: ArbitragePair, decision: Open) -> ArbitrageTrade:
    spread = decision.spread
    return ArbitrageTrade(
        pair=pair,
        short_is_first=spread.short == 0,
        buy_at=spread.buy_at,
        sell_at=spread.sell_at,
        net_percent=spread.net.quantize(Decimal("0.0001")),
        opened_because=decision.reason,
    )


def _leg(decision: Open, proposal: Proposal) -> Position:
    outcome = open_position(proposal)
    if isinstance(outcome, Skip):
        name = ExchangeAccount.objects.values_list("name", flat=True).get(pk=proposal.account_id)
        raise LegRefused(decision, f"{name}: {outcome.reason}")
    return Position.objects.get(pk=outcome.position_id)


@transaction.atomic
def _note_refusal(pair_id: int, decision: Open, reason: str) -> ArbitrageTrade | None:
    """So that the owner can read it, and that the pair rests instead of asking each second."""
    pair, now = _lock_pair(pair_id), timezone.now()
    if _is_busy(pair, now):
        return None
    trade = _row(pair, decision)
    trade.status, trade.cause, trade.reason, trade.ended_at = (
        TradeStatus.FAILED,
        Cause.NOT_OPENED,
        reason,
        now,
    )
    trade.save()
    events.record(
        "arbitrage_not_opened", "medium", account_id=pair.first_account_id, pair=pair, reason=reason
    )
    return trade


# what follows from its legs


def tend_trades() -> int:
    """Trades whose legs moved without anybody telling, also after a kill at any line."""
    live = ArbitrageTrade.objects.exclude(status__in=TRADE_ENDS).order_by("pk").values_list("pk", flat=True)
    return for_each(live, tend_trade, "arbitrage trade %s could not be looked after")


@transaction.atomic
def tend_trade(trade_id: int) -> None:
    trade = _lock_trade(trade_id)
    step = next_step(TradeStatus(trade.status), legs_of(trade), timezone.now() - trade.created_at)
    if step is not None:
        _take(trade, step)
    _end_legs(trade)


@transaction.atomic
def close_trade(trade_id: int, cause: Cause, reason: str) -> None:
    trade = _lock_trade(trade_id)
    if trade.status == TradeStatus.OPEN:
        _take(trade, Step(TradeEvent.CLOSE_WANTED, cause, reason))
        _end_legs(trade)


def _lock_trade(trade_id: int) -> ArbitrageTrade:
    """After accounts and before positions, like the pair."""
    trades = ArbitrageTrade.objects.select_for_update(of=("self",))
    related = "pair", "long_position__instrument", "short_position__instrument", *LEG_ACCOUNTS
    return trades.select_related(*related).defer(*_keys_of(LEG_ACCOUNTS)).get(pk=trade_id)


def _take(trade: ArbitrageTrade, step: Step) -> None:
    now = timezone.now()
    trade.status = next_trade_status(trade.status, step.event)
    if step.cause is not None:
        trade.cause, trade.reason = step.cause, step.reason
    if step.event is TradeEvent.BOTH_FILLED:
        trade.opened_at = now
    if trade.status in TRADE_ENDS:
        trade.ended_at = now
    trade.save(update_fields=["status", "cause", "reason", "opened_at", "ended_at"])
    if step.event is TradeEvent.LEG_FAILED:
        _tell_of_failure(trade)


def _tell_of_failure(trade: ArbitrageTrade) -> None:
    events.record(
        "arbitrage_leg_failed", "high", account_id=trade.pair.first_account_id, trade=trade.pk, pair=trade.pair,
        cause=trade.cause, reason=trade.reason,
    )  # fmt: skip


def _end_legs(trade: ArbitrageTrade) -> None:
    """Asked at each look: `request_close` knows what is under way, and what must wait."""
    if trade.status not in (TradeStatus.CLOSING, TradeStatus.UNWINDING):
        return
    why = CloseReason.ARBITRAGE if trade.status == TradeStatus.CLOSING else CloseReason.UNWOUND
    for leg in sorted(positions_of(trade), key=lambda one: one.pk):
        if leg.status in REQUESTABLE:
            request_close(leg.pk, reason=why, requested_by=f"arbitrage trade {trade.pk}: {trade.cause}")
