"""The stories of docs/errors.md: what the exchange says to which request, and what the system must make of it.

After changing a story: `python -m tests.exchanges.error_stories` draws the page again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.exchanges.capture import sample

_SAMPLES = sample("error_answers")
ANSWERS = {case["id"]: case for case in _SAMPLES if case["exchange"] == "binanceusdm"}
OF_BYBIT = {case["id"]: case for case in _SAMPLES if case["exchange"] == "bybit"}


@dataclass(frozen=True)
class Seen:
    order: str
    position: str
    account: str = "active"
    told: str = ""
    next: str = ""


@dataclass(frozen=True)
class Story:
    """`end` is what some minutes of sweeps make of it: every order, the position, what is held, what was sent."""

    name: str
    said: str
    asked: str
    trouble: dict[str, Any]
    at_once: Seen
    end: str
    venue: str = "binance"


def sampled(case: str, asked: str, at_once: Seen, end: str) -> Story:
    """One of the recorded answers."""
    found = ANSWERS.get(case) or OF_BYBIT[case]
    status, body = found["http_status"], found["body"]
    return answered(case, asked, status, body, at_once, end)


def answered(name: str, asked: str, status: int, body: object, at_once: Seen, end: str) -> Story:
    text = body if isinstance(body, str) else json.dumps(body)
    trouble = {"kind": "answer", "status": status, "body": text}
    return Story(f"{name} to {asked}", f"HTTP {status} {_sentence(body)}", asked, trouble, at_once, end)


def code(number: int, message: str) -> dict[str, Any]:
    return {"code": number, "msg": message}


def _sentence(body: object) -> str:
    if isinstance(body, dict):
        return f"{body.get('code', body.get('retCode'))} {body.get('msg', body.get('retMsg'))}"
    return f"`{body[:40]}`" if body else "with nothing in it"


def on_the_wire(what: str, asked: str, trouble: dict[str, Any], at_once: Seen, end: str) -> Story:
    return Story(f"{trouble['kind']} of {asked}", what, asked, trouble, at_once, end)


REFUSED = "order_refused (medium)"
HALTED = "account_halted (critical)"
OTHER_MODE = "position_mode_differs (critical)"
BANNED = "banned (critical)"
NEVER = Seen("rejected", "closed (never_opened)", told=REFUSED)
SHORT_OF_MONEY = Seen(
    "rejected", "closed (never_opened)", "active, entries paused", f"{REFUSED}, entries_paused (high)"
)
NOTHING_BOUGHT = "entry 1 rejected; closed (never_opened); 0 held; sent 1x"
BOUGHT_ON_SECOND = "entry 1 filled, stop 1 accepted; open; 0.01 held; sent 2x"
BOUGHT_ON_FIRST = "entry 1 filled, stop 1 accepted; open; 0.01 held; sent 1x"
STOP_ASKED_AGAIN = "entry 1 filled, stop 1 rejected, stop 2 accepted; open; 0.01 held; sent 2x"
STOP_LATER = "entry 1 filled, stop 1 accepted; open; 0.01 held; sent 2x"
STOP_STOOD = "entry 1 filled, stop 1 accepted; open; 0.01 held; sent 1x"
CLOSED_ON_SECOND = "entry 1 filled, close 1 filled; closed (manual); 0 held; sent 2x"
CLOSED_ON_FIRST = "entry 1 filled, close 1 filled; closed (manual); 0 held; sent 1x"
CLOSED_BY_SECOND = "entry 1 filled, close 1 rejected, close 2 filled; closed (manual); 0 held; sent 2x"
UNKNOWN_ENTRY = Seen("submitted", "opening", next="looked up")
UNKNOWN_STOP = Seen("submitted", "open", next="looked up")
UNKNOWN_CLOSE = Seen("submitted", "closing (manual)", next="looked up")
CANCELED_LATER = "entry 1 filled, stop 1 canceled, stop 2 accepted; open; 0.01 held; sent 2x"


def entry_again_in(seconds: int, **seen: str) -> Seen:
    return Seen("initialized", "opening", next=f"sent again in {seconds} s", **seen)


def stop_again_in(seconds: int, **seen: str) -> Seen:
    return Seen("initialized", "open", next=f"sent again in {seconds} s", **seen)


def close_again_in(seconds: int, **seen: str) -> Seen:
    return Seen("initialized", "closing (manual)", next=f"sent again in {seconds} s", **seen)


HTML = "<html>Bad Gateway</html>"
REFUSED_STOP = Seen("rejected", "open", told=REFUSED)
REFUSED_CLOSE = Seen("rejected", "open (manual)", told=f"close_refused (high), {REFUSED}")
REFUSED_FOR_ITS_MODE = Seen("rejected", "closed (never_opened)", told=f"{OTHER_MODE}, {REFUSED}")
REFUSED_AND_HALTED = Seen("rejected", "closed (never_opened)", "halted", f"{HALTED}, {REFUSED}")

SAMPLED = [
    sampled("b-2019", "entry", SHORT_OF_MONEY, NOTHING_BOUGHT),
    sampled("b-2021", "stop", Seen("rejected", "closing (stop_loss)", told=REFUSED),
            "entry 1 filled, stop 1 rejected, close 1 filled; closed (stop_loss); 0 held; sent 1x"),
    sampled("b-2022", "stop", REFUSED_STOP, STOP_ASKED_AGAIN),
    sampled("b-4061", "entry", REFUSED_FOR_ITS_MODE, NOTHING_BOUGHT),
    sampled("b-4061", "stop", stop_again_in(30, told=OTHER_MODE), STOP_LATER),
    sampled("b-4164", "entry", NEVER, NOTHING_BOUGHT),
    sampled("b-1111", "entry", NEVER, NOTHING_BOUGHT),
    sampled("b-4003", "entry", NEVER, NOTHING_BOUGHT),
    sampled("b-1021", "entry", entry_again_in(1), BOUGHT_ON_SECOND),
    sampled("b-1021", "close", close_again_in(1), CLOSED_ON_SECOND),
    sampled("b-1003", "entry", entry_again_in(10), BOUGHT_ON_SECOND),
    sampled("b-1003", "stop", stop_again_in(10), STOP_LATER),
    sampled("b-1003", "cancel", Seen("pending_cancel", "open", next="canceled again"), CANCELED_LATER),
    sampled("b-418", "entry", Seen("rejected", "closed (never_opened)", told=f"{BANNED}, {REFUSED}"), NOTHING_BOUGHT),
    sampled("b-418", "cancel", Seen("pending_cancel", "open", told=BANNED, next="canceled again"), CANCELED_LATER),
    sampled("b-2011", "cancel", Seen("pending_cancel", "open", next="canceled again"), CANCELED_LATER),
    sampled("b-2011", "entry", UNKNOWN_ENTRY, NOTHING_BOUGHT),
    sampled("b-2013", "stop", UNKNOWN_STOP, STOP_ASKED_AGAIN),
    sampled("b-2015", "entry", REFUSED_AND_HALTED, NOTHING_BOUGHT),
    sampled("b-2015", "stop", stop_again_in(30, account="halted", told=HALTED), STOP_LATER),
    sampled("b-2015", "cancel", Seen("pending_cancel", "open", "halted", HALTED, "canceled again"), CANCELED_LATER),
    sampled("b-2015", "close", close_again_in(30, account="halted", told=HALTED), CLOSED_ON_SECOND),
    sampled("b-4130", "stop", REFUSED_STOP, STOP_ASKED_AGAIN),
    sampled("b-1007", "entry", UNKNOWN_ENTRY, NOTHING_BOUGHT),
    sampled("b-1007", "close", UNKNOWN_CLOSE, CLOSED_BY_SECOND),
    sampled("b-503", "entry", entry_again_in(2), BOUGHT_ON_SECOND),
    sampled("b-503", "close", close_again_in(2), CLOSED_ON_SECOND),
    sampled("b-html502", "entry", UNKNOWN_ENTRY, NOTHING_BOUGHT),
    sampled("b-empty", "entry", UNKNOWN_ENTRY, NOTHING_BOUGHT),
    sampled("b-empty", "stop", UNKNOWN_STOP, STOP_ASKED_AGAIN),
    sampled("b-5022", "entry", NEVER, NOTHING_BOUGHT),
]  # fmt: skip

OTHER_ANSWERS = [
    answered("-1000", "entry", 503, code(-1000, "Unknown error"), UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("-4116", "entry", 400, code(-4116, "ClientOrderId is duplicated"), UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("-9999", "entry", 400, code(-9999, "A number nobody listed"), UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("-2027", "entry", 400, code(-2027, "Exceeded the maximum allowable position"), NEVER, NOTHING_BOUGHT),
    answered("-2023", "entry", 400, code(-2023, "User in liquidation mode now"), REFUSED_AND_HALTED, NOTHING_BOUGHT),
    answered("-4131", "close", 400, code(-4131, "PERCENT_PRICE filter limit"), REFUSED_CLOSE,
             "entry 1 filled, close 1 rejected, close 2 filled; closed (manual); 0 held; sent 2x"),
    answered("-4045", "stop", 400, code(-4045, "Reach max stop order limit"), REFUSED_STOP, STOP_ASKED_AGAIN),
    answered("200 {}", "entry", 200, "{}", UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("200 html", "entry", 200, HTML, UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("403", "entry", 403, HTML, UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("504", "entry", 504, "", UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("429", "entry", 429, "", entry_again_in(10), BOUGHT_ON_SECOND),
    answered("418", "stop", 418, HTML, stop_again_in(120, told=BANNED), STOP_LATER),
    answered("-4028", "leverage", 400, code(-4028, "Leverage 200 is not valid"), NEVER,
             "entry 1 rejected; closed (never_opened); 0 held; sent 1x"),
    answered("-1000", "leverage", 503, code(-1000, "Unknown error"), entry_again_in(2),
             "entry 1 filled, stop 1 accepted; open; 0.01 held; sent 2x"),
]  # fmt: skip

REFUSED_CONNECTION = "nobody listens (connection refused)"
CUT_BEFORE = "connection cut before the work was done"
CUT_AFTER = "work done, connection cut before the answer"
HALF = "work done, half an answer"
LATE = "work done, answer later than we wait"
VERY_LATE = "work done only after we had given up"
WIRE = [
    on_the_wire(REFUSED_CONNECTION, "entry", {"kind": "refused"}, entry_again_in(1), BOUGHT_ON_FIRST),
    on_the_wire(REFUSED_CONNECTION, "stop", {"kind": "refused"}, stop_again_in(1), STOP_STOOD),
    on_the_wire(CUT_BEFORE, "entry", {"kind": "close_before"}, UNKNOWN_ENTRY, NOTHING_BOUGHT),
    on_the_wire(CUT_BEFORE, "stop", {"kind": "close_before"}, UNKNOWN_STOP, STOP_ASKED_AGAIN),
    on_the_wire(CUT_BEFORE, "close", {"kind": "close_before"}, UNKNOWN_CLOSE, CLOSED_BY_SECOND),
    on_the_wire(CUT_AFTER, "entry", {"kind": "close_after"}, UNKNOWN_ENTRY, BOUGHT_ON_FIRST),
    on_the_wire(CUT_AFTER, "stop", {"kind": "close_after"}, UNKNOWN_STOP, STOP_STOOD),
    on_the_wire(CUT_AFTER, "close", {"kind": "close_after"}, UNKNOWN_CLOSE, CLOSED_ON_FIRST),
    on_the_wire(HALF, "entry", {"kind": "half_body"}, UNKNOWN_ENTRY, BOUGHT_ON_FIRST),
    on_the_wire(HALF, "close", {"kind": "half_body"}, UNKNOWN_CLOSE, CLOSED_ON_FIRST),
    on_the_wire(LATE, "entry", {"kind": "delay_after", "seconds": 5}, UNKNOWN_ENTRY, BOUGHT_ON_FIRST),
    on_the_wire(VERY_LATE, "entry", {"kind": "delay_before", "seconds": 0.6}, UNKNOWN_ENTRY, BOUGHT_ON_FIRST),
]

GONE = "-2022 ReduceOnly Order is rejected, and the position is gone: a person closed it"
FIRED = "-2011 Unknown order, because the stop had fired"
TRUE_REFUSALS = [
    on_the_wire(GONE, "close", {"kind": "closed_by_hand"}, REFUSED_CLOSE,
                "entry 1 filled, close 1 rejected; closed (external); 0 held; sent 1x"),
    on_the_wire(FIRED, "cancel", {"kind": "fired"}, Seen("filled", "closed (stop_loss)"),
                "entry 1 filled, stop 1 filled; closed (stop_loss); 0 held; sent 1x"),
]  # fmt: skip


def ret(number: int, message: str) -> dict[str, Any]:
    return {"retCode": number, "retMsg": message, "result": {}}


GONE_TOO = "110017 current position is zero, because a person closed it"
FIRED_TOO = "110001 order not exists or too late to cancel, because the stop had fired"
OVERTAKEN = "entry 1 filled, stop 1 rejected, close 1 filled; closed (stop_loss); 0 held; sent 1x"
CANCEL_UNKNOWN = Seen("pending_cancel", "open", next="canceled again")
ON_BYBIT = [
    sampled("y110007", "entry", SHORT_OF_MONEY, NOTHING_BOUGHT),
    sampled("y110017", "stop", REFUSED_STOP, STOP_ASKED_AGAIN),
    sampled("y110094", "entry", NEVER, NOTHING_BOUGHT),
    sampled("y10001idx", "entry", REFUSED_FOR_ITS_MODE, NOTHING_BOUGHT),
    sampled("y10001idx", "stop", stop_again_in(30, told=OTHER_MODE), STOP_LATER),
    sampled("y10002", "entry", entry_again_in(1), BOUGHT_ON_SECOND),
    sampled("y10002", "close", close_again_in(1), CLOSED_ON_SECOND),
    sampled("y10003", "entry", REFUSED_AND_HALTED, NOTHING_BOUGHT),
    sampled("y10003", "cancel", Seen("pending_cancel", "open", "halted", HALTED, "canceled again"), CANCELED_LATER),
    sampled("y10010", "close", close_again_in(30, account="halted", told=HALTED), CLOSED_ON_SECOND),
    sampled("y10006", "entry", entry_again_in(10), BOUGHT_ON_SECOND),
    sampled("y10006", "stop", stop_again_in(10), STOP_LATER),
    sampled("y110001", "cancel", CANCEL_UNKNOWN, CANCELED_LATER),
    sampled("y110001", "entry", UNKNOWN_ENTRY, NOTHING_BOUGHT),
    sampled("y10016", "entry", UNKNOWN_ENTRY, NOTHING_BOUGHT),
    sampled("y10016", "close", UNKNOWN_CLOSE, CLOSED_BY_SECOND),
    answered("110093", "stop", 200, ret(110093, "expect Falling, but trigger_price >= current"),
             Seen("rejected", "closing (stop_loss)", told=REFUSED), OVERTAKEN),
    answered("110072", "entry", 200, ret(110072, "OrderLinkedID is duplicate"), UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("110079", "cancel", 200, ret(110079, "order is being processed"), CANCEL_UNKNOWN, CANCELED_LATER),
    answered("999999", "entry", 200, ret(999999, "A number nobody listed"), UNKNOWN_ENTRY, NOTHING_BOUGHT),
    answered("110013", "leverage", 200, ret(110013, "cannot set leverage gt maxLeverage"), NEVER, NOTHING_BOUGHT),
    answered("110043", "leverage", 200, ret(110043, "leverage not modified"), entry_again_in(2), BOUGHT_ON_SECOND),
    on_the_wire(CUT_AFTER, "entry", {"kind": "close_after"}, UNKNOWN_ENTRY, BOUGHT_ON_FIRST),
    on_the_wire(CUT_AFTER, "stop", {"kind": "close_after"}, UNKNOWN_STOP, STOP_STOOD),
    on_the_wire(CUT_AFTER, "close", {"kind": "close_after"}, UNKNOWN_CLOSE, CLOSED_ON_FIRST),
    on_the_wire(HALF, "entry", {"kind": "half_body"}, UNKNOWN_ENTRY, BOUGHT_ON_FIRST),
    on_the_wire(VERY_LATE, "entry", {"kind": "delay_before", "seconds": 0.6}, UNKNOWN_ENTRY, BOUGHT_ON_FIRST),
    on_the_wire(GONE_TOO, "close", {"kind": "closed_by_hand"}, REFUSED_CLOSE,
                "entry 1 filled, close 1 rejected; closed (external); 0 held; sent 1x"),
    on_the_wire(FIRED_TOO, "cancel", {"kind": "fired"}, Seen("filled", "closed (stop_loss)"),
                "entry 1 filled, stop 1 filled; closed (stop_loss); 0 held; sent 1x"),
]  # fmt: skip

ON_BINANCE = [*SAMPLED, *OTHER_ANSWERS, *WIRE, *TRUE_REFUSALS]
STORIES = [*ON_BINANCE, *(replace(story, name=f"bybit {story.name}", venue="bybit") for story in ON_BYBIT)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
INTRO = """# What the exchange says, and what we do

Drawn from the stories of `tests/exchanges/error_stories.py`; each runs against the paper exchange over a socket, with
a real database. *Then* is the state right after the answer, *in the end* what some minutes of sweeps make of it.
"""
HEADS = (
    "The exchange",
    "To",
    "Order then",
    "Position then",
    "Account",
    "Told to the owner",
    "Next",
    "In the end",
)


def page() -> str:
    return f"{INTRO}\n## Binance\n\n{_table(ON_BINANCE)}\n## Bybit\n\n{_table(ON_BYBIT)}"


def _table(stories: Sequence[Story]) -> str:
    lines = [HEADS, ("---",) * len(HEADS), *map(_row, stories)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(story: Story) -> tuple[str, ...]:
    then = story.at_once
    return (
        story.said, story.asked, then.order, then.position, then.account, then.told, then.next, story.end,
    )  # fmt: skip


if __name__ == "__main__":
    PAGE.write_text(page())
