"""Is the same contract dear enough on one account and cheap enough on another? Pure: quotes and settings in, a
decision with its numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from exchanges.types import FundingRate
from positions import formats

ZERO, HUNDRED = Decimal(0), Decimal(100)
# more than this is no opportunity: another contract of the same name, or prices of a venue that stands still
MOST_BELIEVED_PERCENT = Decimal(10)
LONGEST_REST_DOUBLINGS = 6


class Cause(StrEnum):
    """Why a trade ended, or never became one."""

    CONVERGED = "converged"
    HELD_TOO_LONG = "held_too_long"
    STOP_LOSS = "stop_loss"  # of both legs together
    LEG_LOST = "leg_lost"  # its stop, a liquidation or a person closed it
    UNEVEN = "uneven"  # the legs do not hold the same any more, or never did
    LEG_REFUSED = "leg_refused"
    LEG_UNKNOWN = "leg_unknown"  # for longer than anybody can wait
    NOT_OPENED = "not_opened"  # our own limits said no, nothing was sent


@dataclass(frozen=True, slots=True)
class Quote:
    """What a market order would get now, 0 where nobody trades. `at`: when the older of both sides was told."""

    bid: Decimal
    ask: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Market:
    """One account's side of the pair. `place`: account and symbol that were asked for. None: not known now."""

    place: tuple[int, str]
    name: str
    taker_fee_percent: Decimal
    quote: Quote | None
    funding: FundingRate | None

    @property
    def bid(self) -> Decimal:
        return self.quote.bid if self.quote else ZERO

    @property
    def ask(self) -> Decimal:
        return self.quote.ask if self.quote else ZERO


@dataclass(frozen=True, slots=True)
class Settings:
    """Percent everywhere. The exit compares what closing costs now, before fees; they are paid either way."""

    entry_percent: Decimal
    exit_percent: Decimal
    stop_loss_percent: Decimal
    expected_holding: timedelta
    max_holding: timedelta
    max_quote_age: timedelta


@dataclass(frozen=True, slots=True)
class Spread:
    """In percent of what the cheaper side costs. `short`: which of both markets is sold, 0 or 1."""

    short: int
    buy_at: Decimal
    sell_at: Decimal
    gross: Decimal
    fees: Decimal
    funding: Decimal

    @property
    def net(self) -> Decimal:
        return self.gross - self.fees + self.funding

    def __str__(self) -> str:
        parts = f"{self.gross:.4f} % - {self.fees:.4f} % of fees + {self.funding:.4f} % of funding"
        return f"{self.net:.4f} % net = {parts}"


@dataclass(frozen=True, slots=True)
class Open:
    spread: Spread
    reason: str


@dataclass(frozen=True, slots=True)
class Close:
    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    reason: str


@dataclass(frozen=True, slots=True)
class Holding:
    """An open trade: base units on each side, and what both legs have booked so far (fees and funding in it)."""

    short: int
    quantity: Decimal
    bought_at: Decimal
    sold_at: Decimal
    booked: Decimal
    opened_at: datetime


Markets = tuple[Market, Market]


def decide_entry(markets: Markets, settings: Settings, now: datetime) -> Open | Wait:
    if wrong := objection(markets, settings, now):
        return Wait(wrong)
    best = best_spread(markets, settings, now)
    if best is None:
        return Wait("the funding of one side is not known")
    if best.gross > MOST_BELIEVED_PERCENT:
        return Wait(f"{best.gross:.2f} % is more than can be true: are both the same contract?")
    if best.net < settings.entry_percent:
        return Wait(f"{best}, below {settings.entry_percent:f} %")
    seller, buyer = markets[best.short].name, markets[1 - best.short].name
    return Open(best, f"sell {seller} at {best.sell_at:f}, buy {buyer} at {best.buy_at:f}: {best}")


def decide_exit(held: Holding, markets: Markets, settings: Settings, now: datetime) -> Close | Wait:
    """Time ends a trade even where nobody knows a price."""
    if now - held.opened_at >= settings.max_holding:
        return Close(
            Cause.HELD_TOO_LONG, f"held since {held.opened_at:%Y-%m-%d %H:%M:%S}, {settings.max_holding}"
        )
    if wrong := objection(markets, settings, now):
        return Wait(wrong)
    result = result_now(held, markets)
    lost = -result / (held.quantity * held.bought_at) * HUNDRED
    if lost >= settings.stop_loss_percent:
        text = f"{result:.4f} after all fees is a loss of {lost:.4f} %, the limit is {settings.stop_loss_percent:f} %"
        return Close(Cause.STOP_LOSS, text)
    left = closing_spread(held, markets)
    if left <= settings.exit_percent:
        text = f"{left:.4f} % is left of the spread, the limit is {settings.exit_percent:f} %"
        return Close(Cause.CONVERGED, text)
    return Wait(f"{left:.4f} % is left of the spread, it is closed at {settings.exit_percent:f} %")


def objection(markets: Markets, settings: Settings, now: datetime) -> str | None:
    """Why these quotes decide nothing."""
    wrong = (_objection_to(market, settings.max_quote_age, now) for market in markets)
    return next((text for text in wrong if text), None)


def _objection_to(market: Market, max_age: timedelta, now: datetime) -> str | None:
    quote = market.quote
    if quote is None:
        return f"no prices of {market.name}"
    if abs(now - quote.at) > max_age:
        seconds = f"more than {max_age.total_seconds():g} s away"
        return f"the prices of {market.name} are of {formats.moment(quote.at)}, {seconds}"
    if not (_is_price(quote.bid) and _is_price(quote.ask)):
        return f"{market.name} has prices of one side only"
    if market.bid > market.ask:
        return f"the prices of {market.name} are crossed: bid {quote.bid:f}, ask {quote.ask:f}"
    return None


def _is_price(price: Decimal) -> bool:
    return price.is_finite() and price > 0


def best_spread(markets: Markets, settings: Settings, now: datetime) -> Spread | None:
    """Of both directions the one that leaves more. None: the funding of one side is not known."""
    both = [spread_of(markets, short, settings.expected_holding, now) for short in (0, 1)]
    known = [one for one in both if one is not None]
    return max(known, key=lambda one: one.net, default=None)


def spread_of(markets: Markets, short: int, holding: timedelta, now: datetime) -> Spread | None:
    """Each leg pays its taker fee twice; for the second time it is counted on the price of the first."""
    seller, buyer = markets[short], markets[1 - short]
    if seller.funding is None or buyer.funding is None:
        return None
    sell_at, buy_at = seller.bid, buyer.ask
    fees = 2 * (buyer.taker_fee_percent * buy_at + seller.taker_fee_percent * sell_at) / buy_at
    received = seller.funding.percent * payments(seller.funding, holding, now)
    paid = buyer.funding.percent * payments(buyer.funding, holding, now)
    return Spread(short, buy_at, sell_at, (sell_at - buy_at) / buy_at * HUNDRED, fees, received - paid)


def payments(funding: FundingRate, holding: timedelta, now: datetime) -> int:
    """How many fall into the time from now."""
    if funding.every <= timedelta(0) or funding.next_at > now + holding:
        return 0
    return 1 + (now + holding - max(funding.next_at, now)) // funding.every


def closing_spread(held: Holding, markets: Markets) -> Decimal:
    """What both closing orders would lose to each other now, in percent."""
    buy_back, sell = markets[held.short].ask, markets[1 - held.short].bid
    return (buy_back - sell) / sell * HUNDRED


def result_now(held: Holding, markets: Markets) -> Decimal:
    """Of both legs if they were closed now, closing fees included."""
    seller, buyer = markets[held.short], markets[1 - held.short]
    buy_back, sell = seller.ask, buyer.bid
    moved = held.sold_at - buy_back + sell - held.bought_at
    fees = (seller.taker_fee_percent * buy_back + buyer.taker_fee_percent * sell) / HUNDRED
    return held.booked + (moved - fees) * held.quantity


def rests_until(ended_at: datetime, rest: timedelta, failures: int) -> datetime:
    """After the end of a trade; twice as long for each failure in a row."""
    doubled: int = 2 ** min(failures, LONGEST_REST_DOUBLINGS)
    return ended_at + rest * doubled
