"""How much each account of a pair would put in, and what both can hold alike. Asked under the accounts' locks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from exchanges.models import AccountBalance, ExchangeAccount, Instrument
from exchanges.types import PositionSide
from positions.arbitrage import Spread
from positions.arbitrage_models import ArbitragePair
from positions.matched_quantity import Place, matched_quantity, most_notional
from positions.services.instruments import spec_of
from positions.services.proposals import Proposal, size_here
from positions.sizing import Skip
from signals_app.routing import StrategyKind


@dataclass(frozen=True, slots=True)
class PlannedLegs:
    """In the order of the pair's accounts. `base`: of each leg, base units."""

    base: Decimal
    proposals: tuple[Proposal, Proposal]


@dataclass(frozen=True, slots=True)
class _Leg:
    account: ExchangeAccount
    fee_percent: Decimal
    side: PositionSide
    price: Decimal


def planned_legs(pair: ArbitragePair, spread: Spread) -> PlannedLegs | Skip:
    """Limits are not asked here: they say no to a leg, and so to both."""
    sides = [_side(pair, leg) for leg in _legs(pair, spread)]
    for side in sides:
        if isinstance(side, Skip):
            return side
    (first, here), (second, there) = (side for side in sides if not isinstance(side, Skip))
    matched = matched_quantity((here, there))
    if isinstance(matched, Skip):
        return matched
    one, other = matched.contracts
    return PlannedLegs(matched.base, (replace(first, quantity=one), replace(second, quantity=other)))


def _legs(pair: ArbitragePair, spread: Spread) -> list[_Leg]:
    sold = PositionSide.SHORT, spread.sell_at
    bought = PositionSide.LONG, spread.buy_at
    first, second = (sold, bought) if spread.short == 0 else (bought, sold)
    return [
        _Leg(pair.first_account, pair.first_fee_percent, *first),
        _Leg(pair.second_account, pair.second_fee_percent, *second),
    ]


def _side(pair: ArbitragePair, leg: _Leg) -> tuple[Proposal, Place] | Skip:
    """What would be asked for, before both are made alike."""
    account = leg.account
    instrument = Instrument.objects.filter(venue=account.venue, symbol=pair.symbol, active=True).first()
    if instrument is None:
        return Skip(f"{account.name}: {pair.symbol} is not traded on {account.venue}")
    name, kind = instrument.exchange_symbol, StrategyKind.ARBITRAGE
    proposal = Proposal(pair.strategy_id, account.pk, name, leg.side, leg.price, kind=kind)
    sized = size_here(proposal, instrument)
    if isinstance(sized, Skip):
        return Skip(f"{account.name}: {sized.reason}", sized.code)
    strategy, wanted = sized
    balance = AccountBalance.objects.filter(account=account).first()
    available = balance.available_balance if balance else None
    most = most_notional(wanted.notional, available, strategy.leverage, leg.fee_percent)
    return proposal, Place(account.name, spec_of(instrument), leg.price, most)
