"""How the first bot protected a position, as ours: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from exchanges.types import PositionSide
from ops.legacy.mapping.history import OldParams
from ops.legacy.mapping.positions import old_position
from ops.legacy.mapping.protection import OldProtection, plan, protection
from ops.legacy.mapping.settings import EARLIER, LATER, Named, Usual, came_with, usual
from ops.legacy.mapping.states import NO_STATE, state_of
from trailing.engine import Entry
from trailing.protection import Hold, Seen, advance

OPENED = datetime(2025, 10, 28, 10, tzinfo=UTC)
LONG = {
    "id": 301, "symbol": "BTCUSDT", "exchange": "binance", "side": "long", "status": "active", "quantity": D(1),
    "entry_price": D(100), "opened_at": OPENED, "created_at": OPENED,
}  # fmt: skip
STATE = {"id": 101, "symbol": "BTCUSDT", "exchange": "binance", "side": "long", "entry_price": D(100)}
ACTIVE = STATE | {"state": "active", "is_activated": True}
TICK = D("0.1")


def protected(row: dict[str, Any], state: Any = NO_STATE, market: str = "110") -> OldProtection:
    old = old_position(row)
    return protection(row, state, old, plan(row, state, old, EARLIER), TICK, D(market))


def stands(found: OldProtection) -> tuple[D | None, str, str]:
    return found.state.stop_price, found.state.stop_reason.value, found.state.phase.value


def test_profit_that_was_locked_in_stays_locked_in() -> None:
    """The earliest bot kept no states: its row says that it trailed, and where its stop was."""
    row = LONG | {"current_price": D(110), "stop_loss_price": D(105), "trailing_activated": True}
    assert stands(protected(row)) == (D(105), "trailing", "active")
    assert stands(protected(row | {"trailing_activated": False})) == (D(105), "breakeven", "waiting")


def test_a_stop_at_the_entry_stays_there() -> None:
    at_entry = LONG | {"current_price": D(110), "stop_loss_price": D(100)}
    assert stands(protected(at_entry)) == (D(100), "breakeven", "waiting")
    moved = STATE | {"state": "waiting", "highest_price": D(110), "current_stop_price": D("100.2")}
    assert stands(protected(LONG, moved)) == (D("100.2"), "breakeven", "waiting")


def test_where_no_price_it_saw_is_known_the_price_of_now_judges_its_stop() -> None:
    unset = ACTIVE | {"highest_price": D(999999), "current_stop_price": D(105)}
    assert stands(protected(LONG, unset)) == (D(105), "trailing", "active")
    assert protected(LONG, unset, market="103").passed == D(105)


def test_a_stop_beyond_every_price_it_saw_protected_nothing() -> None:
    odd = ACTIVE | {"highest_price": D(108), "current_stop_price": D(120)}
    found = protected(LONG, odd)
    assert (found.passed, stands(found)) == (None, (D(98), "stop_loss", "active"))


@pytest.mark.parametrize(("side", "best", "stop", "market"), [
    (PositionSide.LONG, 112, "111.4", "103"), (PositionSide.SHORT, 88, "88.5", "97"),
])  # fmt: skip
def test_a_stop_that_the_market_has_passed_ends_nothing(
    side: PositionSide, best: int, stop: str, market: str
) -> None:
    """It trails on, from the price of now."""
    named = "highest_price" if side is PositionSide.LONG else "lowest_price"
    state = ACTIVE | {"side": side, named: D(best), "current_stop_price": D(stop)}
    found = protected(LONG | {"side": side}, state, market)
    assert found.passed == D(stop)
    assert (found.state.phase, found.state.high_water_mark, found.known_until) == ("active", D(market), None)
    assert found.state.stop_price == {"103": D("102.4"), "97": D("97.5")}[market]
    verdict = advance(Entry(side, D(100), TICK), found.plan, found.state, Seen(D(market)))
    assert isinstance(verdict, Hold)


def test_a_best_price_whose_stop_was_never_placed_ends_nothing_either() -> None:
    found = protected(LONG, ACTIVE | {"highest_price": D(112)}, market="103")
    assert (found.passed, stands(found)) == (D("111.4"), (D("102.4"), "trailing", "active"))


def test_a_loss_beyond_the_first_stop_keeps_that_distance_from_now() -> None:
    row = LONG | {"stop_loss_price": D(98)}
    found = protected(row, market="97")
    assert (found.passed, stands(found)) == (D(98), (D("95"), "stop_loss", "waiting"))
    assert isinstance(
        advance(Entry(PositionSide.LONG, D(100), TICK), found.plan, found.state, Seen(D(97))), Hold
    )
    assert protected(row, market="98.1").plan == plan(row, NO_STATE, old_position(row), EARLIER)


def test_a_take_profit_that_was_off_is_none() -> None:
    row = LONG | {"take_profit_price": D(120)}
    old = old_position(row)

    def targets(**said: bool) -> bool:
        return plan(row | said, NO_STATE, old, EARLIER).take_profits is not None

    assert targets()
    assert targets(has_take_profit=True)
    assert not targets(has_take_profit=False)


def test_a_state_belongs_to_the_position_that_was_entered_at_its_price() -> None:
    other = STATE | {"entry_price": D(108), "position_id": 301}
    assert state_of(LONG, [other]) == (
        NO_STATE, "trailing state 101 is left out: it was entered at 108, the position at 100",
    )  # fmt: skip
    near = STATE | {"id": 102, "entry_price": D("100.05")}
    assert state_of(LONG, [other, near]) == (near, "")
    assert state_of(LONG, []) == (NO_STATE, "")


def test_a_state_last_written_before_the_position_opened_is_an_earlier_ones() -> None:
    named = STATE | {"position_id": 301}
    before, after = OPENED - timedelta(hours=1), OPENED + timedelta(seconds=1)
    old = named | {"last_update_time": before, "activated_at": before}
    state, why_not = state_of(LONG, [old])
    assert not state
    assert why_not.endswith("it was last written at 2025-10-28 09:00:00, before the position was opened")
    written_since = old | {"last_peak_save_time": after}
    assert state_of(LONG, [written_since]) == (written_since, "")
    opened_later = LONG | {"opened_at": after + timedelta(minutes=5), "created_at": OPENED}
    assert state_of(opened_later, [written_since]) == (written_since, "")
    assert state_of(LONG, [named]) == (named, "")


def test_what_a_row_does_not_say_its_params_say_then_its_owner_then_its_kind_of_bot() -> None:
    assert came_with(LONG) == EARLIER
    assert came_with(LONG | {"signal_stop_loss_percent": None}) == LATER == Usual(D(4), D(2), D("0.5"))
    params = OldParams("binance", D(3), None, None, None)
    owner = Named(stop_percent=D(5), activation_percent=D(1))
    assert usual(LATER, params, owner) == Usual(D(3), D(1), D("0.5"))
    assert usual(LATER, None, Named()) == LATER
    found = plan(LONG, NO_STATE, old_position(LONG), usual(LATER, params, owner))
    assert (found.stop_loss.percent, found.trailing.activation_percent) == (D(3), D(1))
