"""Entries as sentences: the turns that a calm day does not take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ops.trail.story import tell, written
from ops.trail.telling.entries import Names, Told
from ops.trail.telling.signals import VERDICTS
from signals_app.models import EntryStatus

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
FIRST: dict[str, dict[str, Any]] = {
    "positions": {
        "id": 5, "status": "opening", "instrument_id": 1, "account_id": 1, "position_side": "long",
        "planned_quantity": Decimal("0.01"), "planned_notional": Decimal(970), "reference_price": Decimal(97000),
        "leverage": 5, "quantity": Decimal(0), "close_reason": "", "close_requested_by": "", "opened_at": None,
        "realized_pnl": Decimal(0), "fees": Decimal(0), "unprotected_since": None, "unprotected_seconds": Decimal(0),
    },
    "orders": {
        "client_order_id": "tb-x-e1", "purpose": "entry", "order_type": "limit", "side": "buy", "symbol": "BTCUSDT",
        "quantity": Decimal("0.01"), "price": Decimal(96000), "trigger_price": None, "reduce_only": False,
        "status": "initialized", "attempts": 0, "filled_quantity": Decimal(0), "average_price": None, "reason": "",
    },
    "partial_tp_history": {
        "id": 5, "trade_id": 7, "level": 2, "percent": Decimal(2), "close_ratio": Decimal("0.25"),
        "close_qty": Decimal("0.002"), "price": Decimal(99000), "order_id": "", "status": "pending", "error": "",
    },
    "trailing_stop_state": {
        "state": "inactive", "stop_price": None, "stop_reason": "stop_loss", "high_water_mark": None,
        "entry_price": None, "activation_price": None, "last_mark_price": None, "levels_taken": 0,
    },
}  # fmt: skip


def said_of(table: str, *updates: dict[str, Any], change: str = "insert") -> list[str]:
    entries = [Told(AT, table, "5", change, FIRST[table])]
    for step, update in enumerate(updates, 1):
        entries.append(Told(AT + timedelta(seconds=step), table, "5", "update", update))
    return [sentence.text for sentence in tell(entries, Names(accounts={1: "main"}, symbols={1: "BTCUSDT"}))]


CLAIMED = {"status": "submitted", "attempts": 1, "submitted_at": AT.isoformat()}


@pytest.mark.parametrize(
    ("update", "sentence"),
    [
        (CLAIMED | {"attempts": 2}, "order tb-x-e1 is claimed for sending for the 2. time"),
        (
            {
                "status": "initialized",
                "reason": "429 slow down",
                "next_attempt_at": "2026-11-21T10:00:02+00:00",
            },
            "order tb-x-e1 was not sent and waits: 429 slow down (next attempt at 2026-11-21 10:00:02.000 UTC)",
        ),
        ({"status": "rejected", "reason": "-2019 Margin"}, "order tb-x-e1 was refused: -2019 Margin"),
        ({"status": "denied", "reason": "halted"}, "order tb-x-e1 is not sent: halted"),
        (
            {
                "status": "partially_filled",
                "filled_quantity": Decimal("0.004"),
                "average_price": Decimal(96000),
            },
            "order tb-x-e1 is partly filled with 0.004 at 96,000",
        ),
        ({"status": "canceled"}, "order tb-x-e1 is canceled"),
        ({"status": "not_yet_known"}, "order tb-x-e1 is not yet known"),
        ({"wanted_price": Decimal(95000)}, "order tb-x-e1: wanted price 95,000"),
        ({"quantity": Decimal(2), "reduce_only": True}, "order tb-x-e1: quantity 2, reduce only yes"),
    ],
)
def test_what_becomes_of_an_order(update: dict[str, Any], sentence: str) -> None:
    assert said_of("orders", update) == [
        "entry order tb-x-e1 is written: limit buy 0.01 BTCUSDT at 96,000",
        sentence,
    ]


@pytest.mark.parametrize(("starts_at", "since"), [(None, "at once"), (Decimal(98000), "from 98,000 on")])
def test_a_backstop_says_how_far_behind_and_since_when(starts_at: Decimal | None, since: str) -> None:
    row = FIRST["orders"] | {
        "purpose": "backstop", "order_type": "trailing_stop_market", "side": "sell", "price": None,
        "callback_rate": Decimal("1.5"), "activation_price": starts_at, "reduce_only": True,
    }  # fmt: skip
    told = tell([Told(AT, "orders", "5", "insert", row)], Names(accounts={1: "main"}, symbols={1: "BTCUSDT"}))
    assert told[0].text == (
        "backstop order tb-x-e1 is written: trailing stop market sell 0.01 BTCUSDT "
        f"1.5 % behind the best price, {since}, only to reduce"
    )


def test_a_close_that_is_refused_and_asked_again() -> None:
    asked = {"status": "closing", "close_reason": "manual", "close_requested_by": "owner"}
    sentences = said_of(
        "positions",
        {"status": "open", "opened_at": AT.isoformat(), "unprotected_since": AT.isoformat()},
        asked,
        {"close_refusals": 1},
        {"status": "open", "close_again_at": "2026-11-21T10:00:03+00:00"},
        {"unprotected_since": AT.isoformat()},
        {"differs_since": "2026-11-21T10:00:02+00:00"},
    )
    assert sentences[1:] == [
        "position 5 is open",
        "owner asks to close position 5 (manual)",
        "position 5: close refusals 1",
        "the close was refused; position 5 is open, and is to be closed at 2026-11-21 10:00:03.000 UTC",
        "position 5 has no stop on the exchange any more",
        "position 5: differs since 2026-11-21 10:00:02.000 UTC",
        "so far: position 5 is open and holds 0",
    ]


def test_a_position_that_never_held_anything() -> None:
    ended = {
        "status": "closed",
        "close_reason": "never_opened",
        "closed_at": AT.isoformat(),
        "is_live": False,
    }
    assert said_of("positions", ended)[1:] == [
        "position 5 is closed (never opened)",
        "result: position 5 never held anything",
    ]


@pytest.mark.parametrize(
    ("update", "sentence"),
    [
        (
            {"stop_price": Decimal(96100), "high_water_mark": Decimal(96600), "stop_reason": "trailing"},
            "the stop of position 5 moves to 96,100 behind the best price 96,600 (trailing)",
        ),
        ({"stop_price": Decimal(96100)}, "the stop of position 5 moves to 96,100 (stop loss)"),
        (
            {"crossed_at": AT.isoformat(), "last_mark_price": Decimal(95000)},
            "the price 95,000 is beyond the stop of position 5 at none",
        ),
        ({"levels_taken": 1}, "the stop of position 5: levels taken 1"),
        ({"crossed_at": None}, "the stop of position 5: crossed at none"),
    ],
)
def test_what_becomes_of_a_stop(update: dict[str, Any], sentence: str) -> None:
    assert said_of("trailing_stop_state", update)[1:] == [sentence]


def test_an_entry_whose_rows_beginning_is_gone_is_told_as_it_stands() -> None:
    told = [Told(AT, "orders", "5", "update", CLAIMED), Told(AT, "orders", "5", "delete", FIRST["orders"])]
    sentences = [sentence.text for sentence in tell(told, Names())]
    assert sentences == [
        "orders 5 changed: status submitted, attempts 1, submitted at 2026-11-21 10:00:00.000 UTC",
        "row 5 of orders was deleted",
    ]


def test_notes_payments_and_tables_without_words_of_their_own() -> None:
    payment = {"payment_id": "8", "symbol": "BTCUSDT", "amount": Decimal("-0.12"), "currency": "USDT"}
    note = {"risk_level": "high", "event_type": "close_refused", "details": {"order_id": "\x1b[2Jx"}}
    sentences = tell(
        [
            Told(AT, "funding_payments", "1", "insert", payment),
            Told(AT, "risk_events", "1", "insert", note),
            Told(AT, "something_else", "1", "insert", {"a": {"b": 1}}),
        ],
        Names(),
    )
    assert [sentence.text for sentence in sentences] == [
        "funding payment 8 for BTCUSDT: \N{MINUS SIGN}0.12 USDT",
        "noted (high): close refused",
        'something_else 1: a {"b": 1}',
    ]
    assert sentences[1].details == ("order id: \\x1b[2Jx",)


def test_nothing_to_tell_is_a_title() -> None:
    assert list(written("Position 5", tell([], Names()))) == ["Position 5"]


LEVEL = "take-profit level 2 of position 7"


@pytest.mark.parametrize(
    ("update", "sentence"),
    [
        ({"order_id": "tb-x-t2"}, f"{LEVEL}: order id tb-x-t2"),
        ({"status": "executed", "error": ""}, f"{LEVEL} is sold"),
        ({"status": "error", "error": "beyond"}, f"{LEVEL} cannot be placed: beyond"),
        (
            {"status": "canceled", "error": "the position was closed before"},
            f"{LEVEL} is called off: the position was closed before",
        ),
    ],
)
def test_a_level_is_told_from_its_wish_to_its_end(update: dict[str, Any], sentence: str) -> None:
    begin = f"{LEVEL} is to sell 25 %: 0.002 at 99,000"
    assert said_of("partial_tp_history", update) == [begin, sentence]


def test_a_level_that_never_became_an_order_says_so_at_once() -> None:
    merged = FIRST["partial_tp_history"] | {"status": "merged", "price": None}
    told = tell([Told(AT, "partial_tp_history", "5", "insert", merged)], Names())
    assert [one.text for one in told] == [
        f"{LEVEL} is to sell 25 %: 0.002",
        f"{LEVEL} is too small for an order and goes with the next",
    ]


def test_every_verdict_has_words() -> None:
    assert set(VERDICTS) == set(EntryStatus)
