"""A signal against an open position, by what its strategy wants: rows through the intake, long and short."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from exchanges.types import PositionSide
from positions.models import Order, Position
from positions.services.plans import kept
from signals_app.models import SignalLogEntry, Strategy
from signals_app.registry import load
from tests.builders import a_position, a_trailing_stop, account_of, an_account, an_instrument
from tests.signals_app.test_intake import a_trader, frame, outcomes, receive
from trailing.ladder import LevelStatus
from trailing.models import PartialTakeProfit, TrailingStop
from trailing.plan import read_plan
from trailing.services import advance

ENTRY = Decimal("97250.4")
LEVELS = [{"at": {"type": "percent", "percent": 2}, "close_ratio": "0.5"}]
AGAINST = {"long": "DOWN", "short": "UP"}
MOVES_TO = ("protected", "the stop goes to the entry")
sides = pytest.mark.parametrize("side", ["long", "short"])


def better(side: str, by: str = "200") -> Decimal:
    return ENTRY + PositionSide(side).sign * Decimal(by)


def held(strategy: Strategy, side: str, stop: Decimal, **plan: Any) -> Position:
    """Open, with its stop; `take_profits` brings a ladder whose one level waits."""
    position = a_position(
        account=account_of(strategy), strategy=strategy, position_side=side, plan=kept(read_plan(plan))
    )
    a_trailing_stop(position, stop_price=stop)
    if "take_profits" in plan:
        PartialTakeProfit.objects.create(
            position=position, level=1, close_ratio=Decimal("0.5"), price=better(side)
        )
    return position


def stands(position: Position) -> tuple[Decimal | None, str]:
    row = TrailingStop.objects.get(position=position)
    return row.stop_price, row.stop_reason


@pytest.fixture
def price_is(engine: Engine):
    return lambda price: engine.set_price("BTCUSDT", price, now_ms())


@sides
def test_protect_moves_the_stop_of_a_position_in_profit_to_its_entry(account, price_is, side) -> None:
    strategy = a_trader(account, opposite_signal="protect")
    position = held(strategy, side, better(side, "-900"))
    price_is(better(side))
    assert outcomes(receive(frame(AGAINST[side]))) == [MOVES_TO]
    assert stands(position) == (ENTRY, "opposite")
    position.refresh_from_db()
    assert (position.status, Position.objects.count()) == ("open", 1)
    entry = SignalLogEntry.objects.get()
    assert (entry.status, entry.position) == ("protected", position)


@sides
def test_the_exchanges_stop_follows_and_neither_prices_nor_a_restart_loosen_it(
    account, price_is, side
) -> None:
    strategy = a_trader(account, opposite_signal="protect")
    position = held(strategy, side, better(side, "-900"))
    price_is(better(side))
    receive(frame(AGAINST[side]))
    advance(position.pk, better(side, "300"), timezone.now())
    assert stands(position) == (ENTRY, "opposite")
    assert Order.objects.get(position=position, purpose="protect").trigger_price == ENTRY


@sides
def test_protect_closes_what_is_at_a_loss(account, price_is, side) -> None:
    strategy = a_trader(account, opposite_signal="protect")
    position = held(strategy, side, better(side, "-900"))
    price_is(better(side, "-1"))
    assert outcomes(receive(frame(AGAINST[side]))) == [("closed", "")]
    position.refresh_from_db()
    assert (position.status, position.close_reason, Position.objects.count()) == ("closing", "signal", 1)


@sides
def test_a_stop_that_is_better_than_the_entry_stays(account, price_is, side) -> None:
    strategy = a_trader(account, opposite_signal="protect")
    position = held(strategy, side, better(side, "100"))
    price_is(better(side))
    (entry,) = receive(frame(AGAINST[side])).entries
    assert (entry.status, entry.reason_code) == ("skipped", "stop_not_moved")
    assert "never loosened" in entry.note
    assert stands(position)[0] == better(side, "100")


def test_a_price_that_is_not_known_protects_nothing(account, settings) -> None:
    strategy = a_trader(account, opposite_signal="protect")
    position = held(strategy, "long", better("long", "-900"))
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"
    (entry,) = receive(frame("DOWN")).entries
    assert (entry.status, entry.reason_code) == ("skipped", "no_price")
    assert stands(position)[0] == better("long", "-900")


def test_the_price_that_judges_is_the_plans_own(account, engine) -> None:
    """By the mark price it is at a loss; its plan looks at the last one."""
    strategy = a_trader(account, opposite_signal="protect")
    position = held(strategy, "long", better("long", "-900"), reference="last")
    engine.set_price("BTCUSDT", better("long", "-50"), now_ms(), last=better("long"))
    assert outcomes(receive(frame("DOWN"))) == [MOVES_TO]
    assert stands(position) == (ENTRY, "opposite")


@sides
def test_protect_reverse_with_a_level_ahead_moves_the_stop(account, price_is, side) -> None:
    strategy = a_trader(account, opposite_signal="protect_reverse")
    position = held(strategy, side, better(side, "-900"), take_profits={"levels": LEVELS})
    price_is(better(side))
    assert outcomes(receive(frame(AGAINST[side]))) == [MOVES_TO]
    assert stands(position) == (ENTRY, "opposite")


@sides
def test_protect_reverse_without_a_level_left_does_nothing(account, price_is, side) -> None:
    strategy = a_trader(account, opposite_signal="protect_reverse")
    position = held(strategy, side, better(side, "-900"), take_profits={"levels": LEVELS})
    PartialTakeProfit.objects.update(status=LevelStatus.EXECUTED)
    price_is(better(side))
    (entry,) = receive(frame(AGAINST[side])).entries
    assert (entry.status, entry.reason_code) == ("skipped", "no_level_left")
    assert stands(position)[0] == better(side, "-900")


@sides
def test_protect_reverse_turns_round_where_the_rest_waits_for_a_signal(account, price_is, side) -> None:
    strategy = a_trader(account, opposite_signal="protect_reverse")
    ladder = {"levels": LEVELS, "rest_waits_for_signal": True}
    position = held(strategy, side, better(side, "-900"), take_profits=ladder)
    PartialTakeProfit.objects.update(status=LevelStatus.EXECUTED)
    assert outcomes(receive(frame(AGAINST[side]))) == [("opened", "")]
    position.refresh_from_db()
    opened = Position.objects.exclude(pk=position.pk).get()
    assert (position.status, opened.status) == ("closing", "opening")
    assert opened.position_side == PositionSide(side).opposite


@sides
@pytest.mark.parametrize("policy", ["ignore", "close", "hedge", "protect", "protect_reverse"])
def test_the_same_direction_is_already_open_whatever_the_policy(account, policy, side) -> None:
    held(a_trader(account, opposite_signal=policy), side, better(side, "-900"))
    same = {"long": "UP", "short": "DOWN"}[side]
    (entry,) = receive(frame(same)).entries
    assert (entry.status, entry.note, entry.reason_code) == ("skipped", "already open", "already_open")


def test_what_another_strategy_holds_is_not_protected(account, price_is) -> None:
    other = held(a_trader(an_account(), "other"), "long", better("long", "-900"))
    mine = a_trader(account, opposite_signal="protect", allow_open=True)
    other.strategy.phrases.all().delete()
    price_is(better("long"))
    assert outcomes(receive(frame("DOWN"), load())) == [("opened", "")]
    assert Position.objects.get(strategy=mine).position_side == "short"
    assert stands(other)[0] == better("long", "-900")


def test_levels_that_sell_all_leave_nothing_for_a_signal() -> None:
    levels = [{"at": {"type": "percent", "percent": 2}, "close_ratio": 1}]
    with pytest.raises(ValueError, match="leave nothing that could wait for a signal"):
        read_plan({"take_profits": {"levels": levels, "rest_waits_for_signal": True}})


def test_an_entry_that_bought_nothing_yet_is_left_alone(account, price_is) -> None:
    strategy = a_trader(account, opposite_signal="protect")
    position = a_position(
        account=account,
        strategy=strategy,
        status="opening",
        instrument=an_instrument(),
        plan=kept(read_plan({})),
    )
    a_trailing_stop(position)
    price_is(better("long"))
    (entry,) = receive(frame("DOWN")).entries
    assert (entry.status, entry.reason_code) == ("skipped", "entry_pending")


def test_what_was_handed_over_takes_its_side_and_is_left_alone(account, price_is) -> None:
    strategy = a_trader(account, opposite_signal="close")
    position = held(strategy, "long", better("long", "-900"))
    Position.objects.filter(pk=position.pk).update(handed_over_at=timezone.now())
    price_is(better("long"))
    (entry,) = receive(frame("UP")).entries
    assert (entry.status, entry.reason_code) == ("skipped", "already_open")
    receive(frame("DOWN"))
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("open", "")
