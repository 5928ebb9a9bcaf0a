"""Plans that protect and take profit, through the whole stack, with prices that jump and reverse; long and short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from exchanges.marks import latest_mark
from exchanges.types import PositionSide
from positions.models import Order, Position, RiskEvent
from tests.integration.stack import SYMBOL, Stack, Trader
from tests.ops.waiting import until
from tests.sampling import sample
from trailing.models import PartialTakeProfit, TrailingStop
from trailing.plan import read_plan

START = D(100_000)
TICK = D("0.1")
LONG, SHORT = PositionSide
BOTH = pytest.mark.parametrize("side", sample([LONG, SHORT], 2))
# told always on Bybit, where a conditional order keeps its number and an order is only acknowledged; what has one
# venue is told on Binance
BINANCE = [("binance", LONG), ("binance", SHORT)]
ALSO_LONG = pytest.mark.parametrize(("venue", "side"), sample([("bybit", LONG), *BINANCE], 3))
ALSO_SHORT = pytest.mark.parametrize(("venue", "side"), sample([("bybit", SHORT), *reversed(BINANCE)], 3))
HOUR = D("0.001")  # 3.6 seconds, the shortest a plan can say
PATIENCE = 60.0  # of a machine that is busy with other tests


class Story:
    """One position opened at 100000 by a plan, and prices told as percent of profit."""

    def __init__(self, trader: Trader, side: PositionSide, is_protected: bool) -> None:
        self.trader, self.side, phrase = trader, side, f"GO {side.upper()}"
        trader.set_price(START)
        until(
            lambda: latest_mark(trader.account.venue, SYMBOL, timezone.now()) == START,
            "the price to be heard",
            PATIENCE,
        )
        self.position = trader.open(phrase) if is_protected else trader.position_of(trader.send(phrase))

    def price(self, profit_percent: str) -> D:
        return self.position.average_entry_price * (1 + self.side.sign * D(profit_percent) / 100)

    def moves_to(self, profit_percent: str) -> D:
        told = self.price(profit_percent) // TICK * TICK
        self.trader.set_price(told)
        return told

    def leg(self) -> dict[str, str]:
        return {"api_key": self.trader.key, "symbol": SYMBOL, "position_side": self.side.upper()}

    def grows_old(self) -> None:
        old_enough = self.position.opened_at + timedelta(hours=float(HOUR))
        until(lambda: timezone.now() > old_enough, "its age")

    def compares(self) -> None:
        self.trader.run("positions.tasks.reconcile_account", str(self.trader.account.pk), queue="reconcile")

    def has_stop_at(self, profit_percent: str, quantity: D) -> None:
        """One confirmed stop, at this profit, rounded away from the market."""
        wished = self.price(profit_percent)

        def stands() -> bool:
            working = Order.objects.filter(position=self.position, purpose="protect").exclude(
                status__in=("canceled", "expired", "rejected", "denied", "filled")
            )
            placed = [(one.trigger_price, one.quantity, one.status) for one in working]
            return [(abs(trigger - wished) < TICK, q, s) for trigger, q, s in placed] == [
                (True, quantity, "accepted")
            ]

        until(stands, f"the stop at {wished:f}", PATIENCE)

    def ends(self, reason: str) -> Position:
        position = self.trader.wait_for(self.position, "closed")
        assert position.close_reason == reason
        assert self.trader.ask(lambda client: client.positions()) == []
        until(
            lambda: self.trader.ask(lambda client: client.open_orders()) == [], "nothing left over", PATIENCE
        )
        assert not TrailingStop.objects.filter(position=position).exists()
        return position

    def levels(self) -> list[str]:
        rows = PartialTakeProfit.objects.filter(position=self.position).order_by("level")
        return list(rows.values_list("status", flat=True))


class Opening:
    """Each story has an account of its own."""

    def __init__(self, stack: Stack, lines: ExitStack) -> None:
        self.stack, self._lines = stack, lines

    def __call__(
        self, side: PositionSide, is_protected: bool = True, venue: str = "binance", **plan: Any
    ) -> Story:
        trader = Trader(self.stack, venue=venue, protection=read_plan({"trailing": None} | plan).as_json())
        self._lines.callback(trader.lines.close)
        return Story(trader, side, is_protected)


@pytest.fixture
def opened(transactional_db: None, stack: Stack) -> Iterator[Opening]:
    with ExitStack() as lines:
        yield Opening(stack, lines)


@BOTH
def test_breakeven(opened: Opening, side: PositionSide) -> None:
    story = opened(side, breakeven={"trigger_percent": "1", "offset_percent": "0.2"})
    story.has_stop_at("-2", D("0.01"))
    story.moves_to("1.1")
    story.has_stop_at("0.2", D("0.01"))
    story.moves_to("0.1")
    story.ends("breakeven")


@BOTH
def test_profit_locks(opened: Opening, side: PositionSide) -> None:
    locks = [{"trigger_percent": "2", "lock_percent": "1"}, {"trigger_percent": "3", "lock_percent": "2"}]
    story = opened(side, profit_locks=locks)
    story.moves_to("2.1")
    story.has_stop_at("1", D("0.01"))
    story.moves_to("3.5")
    story.has_stop_at("2", D("0.01"))
    story.moves_to("1.9")
    story.ends("profit_lock")


@ALSO_SHORT
def test_two_levels_in_one_jump_and_a_reversal(opened: Opening, venue: str, side: PositionSide) -> None:
    levels = [
        {"at": {"type": "percent", "percent": percent}, "close_ratio": ratio}
        for percent, ratio in (("1", "0.3"), ("2", "0.3"), ("3", "0.4"))
    ]
    story = opened(
        side, venue=venue, take_profits={"levels": levels, "stop_after_level": {"type": "previous_level"}}
    )
    resting = Order.objects.filter(position=story.position, level__isnull=False, status="accepted")
    until(lambda: resting.count() == 3, "the levels at the exchange", PATIENCE)
    story.moves_to("2.5")
    until(lambda: story.levels() == ["executed", "executed", "pending"], "two levels", PATIENCE)
    story.has_stop_at("1", D("0.004"))
    [held] = story.trader.ask(lambda client: client.positions())
    assert held.quantity == D("0.004")
    story.moves_to("0.9")
    story.ends("after_level")
    assert story.levels() == ["executed", "executed", "canceled"]
    made = Order.objects.filter(position=story.position, level__isnull=False)
    assert sorted(made.values_list("level", flat=True)) == [1, 2, 3], "each level once"


@ALSO_LONG
def test_trailing_exit(opened: Opening, venue: str, side: PositionSide) -> None:
    story = opened(
        side, venue=venue, trailing={"type": "percent", "activation_percent": "1", "callback_percent": "0.5"}
    )
    wished = story.moves_to("2") * (1 - side.sign * D("0.005"))
    until(
        lambda: any(
            0 <= (wished - one.trigger_price) * side.sign < TICK
            for one in story.trader.stops(story.position, "accepted")
        ),
        "the trailing stop",
        PATIENCE,
    )
    assert TrailingStop.objects.get(pk=story.position.pk).state == "active"
    story.moves_to("1")
    story.ends("trailing_stop")


@BOTH
def test_an_aged_position_leaves_as_soon_as_it_costs_nothing(opened: Opening, side: PositionSide) -> None:
    story = opened(side, age={"max_age_hours": HOUR, "grace_hours": 1, "commission_percent": "0.1"})
    story.moves_to("-0.5")
    story.grows_old()
    story.moves_to("0.1")
    story.moves_to("0.25")
    left = story.ends("age")
    [close] = left.orders.filter(purpose="close")
    assert (close.average_price - story.price("0.2")) * side.sign >= 0, "both commissions are earned"


@ALSO_LONG
@pytest.mark.parametrize(("age", "reason"), [(None, "external"), ({"max_age_hours": HOUR}, "PHANTOM_AGED")])
def test_a_phantom_is_closed_with_what_is_known(
    opened: Opening, venue: str, side: PositionSide, age: Any, reason: str
) -> None:
    """Nothing tells at what price it went: no profit is made up."""
    story = opened(side, venue=venue, age=age)
    story.moves_to("-0.5")
    story.grows_old()
    story.trader.stack.paper.hook("lose", **story.leg())
    missed = Position.objects.filter(pk=story.position.pk, absent_since__isnull=False)
    story.compares()
    until(missed.exists, "the first answer without it", PATIENCE)
    assert Position.objects.get(pk=story.position.pk).status == "open", "one answer proves nothing"
    missed.update(absent_since=timezone.now() - timedelta(minutes=1))
    story.compares()
    assert story.ends(reason).realized_pnl == 0


@BOTH
def test_an_entry_whose_stop_is_refused_is_rolled_back(opened: Opening, side: PositionSide) -> None:
    paper = opened.stack.paper
    body = '{"code": -1111, "msg": "Precision is over the maximum defined for this asset."}'
    paper.hook(
        "faults", method="POST", path="/fapi/v1/algoOrder", kind="answer", status=400, body=body, times=1000
    )
    try:
        story = opened(side, is_protected=False)
        bare = Position.objects.filter(pk=story.position.pk, unprotected_since__isnull=False)
        refused = Order.objects.filter(position=story.position, purpose="protect", status="rejected")
        until(lambda: bare.exists() and refused.exists(), "the refusal", PATIENCE)
        bare.update(unprotected_since=timezone.now() - settings.UNPROTECTED_CLOSE_AFTER)
        story.trader.run("trailing.tasks.sweep", queue="sweeps")
        left = story.ends("unprotected")
    finally:
        paper.clear_faults()
    assert left.orders.filter(purpose="protect", status="accepted").count() == 0
    assert RiskEvent.objects.filter(event_type="order_refused", position_id=str(left.pk)).exists()
