"""Which of the older bot's live rows are what the exchange shows, as values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

from exchanges.types import Book, OrderReport, PositionReport, PositionSide, ReportStatus, Side
from ops.legacy.mapping.positions import OldPosition, old_position
from ops.legacy.mapping.taking_over import (
    Answer,
    Taken,
    as_its_exchange_protects,
    as_shown,
    entry_differs,
    matched,
    note,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
SHOWN = PositionReport("BTC/USDT:USDT", LONG, D("0.004"), D(97250), mark_price=D(97900))
ANSWER = Answer("the exchange of account main", NOW, held={("BTCUSDT", LONG): SHOWN})
ROW = {"id": 301, "symbol": "BTCUSDT", "exchange": "binance", "side": "long", "status": "active",
       "quantity": D("0.004"), "entry_price": D(97000), "stop_loss_price": D(95060)}  # fmt: skip


def old(**said: Any) -> OldPosition:
    return old_position(ROW | said)


def taken_of(found: dict[str, Taken | str]) -> list[str]:
    return [key for key, one in found.items() if isinstance(one, Taken)]


def test_what_is_shown_is_taken_and_everything_else_waits() -> None:
    rows = {"1": old(), "2": old(side="short"), "3": old(symbol="ETHUSDT")}
    found = matched(rows, ANSWER)
    assert taken_of(found) == ["1"]
    assert found["2"] == "BTCUSDT short: the exchange of account main does not show it, but the other leg"
    assert found["3"] == "ETHUSDT long: the exchange of account main does not show it"


def test_an_answer_that_did_not_come_takes_nothing() -> None:
    found = matched({"1": old()}, replace(ANSWER, why_not="no answer"))
    assert found == {"1": "BTCUSDT long: the exchange of account main cannot be asked: no answer"}


def test_another_position_mode_takes_nothing_in_that_contract() -> None:
    found = matched({"1": old()}, replace(ANSWER, objections={"BTCUSDT": "other mode"}))
    assert found == {"1": "BTCUSDT long: other mode"}


def test_without_a_price_no_stop_can_be_judged() -> None:
    mute = replace(ANSWER, held={("BTCUSDT", LONG): replace(SHOWN, mark_price=None)})
    assert taken_of(matched({"1": old()}, mute)) == []


def test_of_two_rows_of_a_leg_the_one_of_that_quantity_is_it_else_the_younger() -> None:
    earlier, later = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
    exact = {"1": old(updated_at=earlier), "2": old(updated_at=later, quantity=D(3))}
    assert taken_of(matched(exact, ANSWER)) == ["1"]
    neither = {"1": old(updated_at=earlier, quantity=D(2)), "2": old(updated_at=later, quantity=D(3))}
    assert taken_of(matched(neither, ANSWER)) == ["2"]
    assert taken_of(matched(neither, replace(ANSWER, held={}))) == []


def test_the_exchange_tells_what_is_held() -> None:
    begun = old(status="pending_entry", quantity=D(1), entry_price=None)
    held = as_shown(begun, Taken(SHOWN, D(97900), (), NOW))
    assert (held.status, held.quantity, held.entry_price, held.opened_at) == (
        "open",
        D("0.004"),
        D(97250),
        NOW,
    )
    assert list(note(begun, held)) == [
        "its row said 1 at an unknown price; the exchange shows 0.004 at 97250"
    ]
    assert not entry_differs(begun, held)
    assert entry_differs(old(), held)
    assert not entry_differs(old(entry_price=D(97200)), held)


def test_the_stop_that_works_at_the_exchange_counts_where_it_protects_better() -> None:
    held = as_shown(old(), Taken(SHOWN, D(97900), (), NOW))

    def stop_beside(trigger: int) -> Any:
        order = OrderReport("BTC/USDT:USDT", "b-1", "1", Book.ALGO, ReportStatus.OPEN, trigger_price=D(trigger),
                            side=Side.SELL, reduce_only=True)  # fmt: skip
        return as_its_exchange_protects(ROW, held, [order])["stop_loss_price"]

    assert (stop_beside(96000), stop_beside(94000)) == (D(96000), D(95060))
    assert stop_beside(99000) == D(95060)  # beyond the market: a target
