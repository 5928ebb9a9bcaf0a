"""Every row of the decision table, long and short."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from exchanges.types import PositionSide
from signals_app.decisions import Action, Decision, Held, decide
from signals_app.routing import OppositeSignal
from trailing.ladder import NextLevel

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
ENTRY = Decimal(100)
BETTER = {LONG: Decimal("100.1"), SHORT: Decimal("99.9")}
WORSE = {LONG: Decimal("99.9"), SHORT: Decimal("100.1")}


def held(
    side: PositionSide,
    price: Decimal | None,
    level: NextLevel = NextLevel.NONE,
    entry: Decimal | None = ENTRY,
) -> Held:
    return Held(side, entry, price, level)


def told(decision: Decision) -> str:
    return decision.action if decision.code is None else f"{decision.action}: {decision.code}"


@pytest.mark.parametrize("policy", OppositeSignal)
def test_with_nothing_open_it_opens(policy: OppositeSignal) -> None:
    assert told(decide(policy, holds_same=False, opposite=None)) == "open"


@pytest.mark.parametrize("policy", OppositeSignal)
@pytest.mark.parametrize("side", PositionSide)
def test_the_same_direction_comes_first_whatever_else_is_open(policy: OppositeSignal, side) -> None:
    opposite = held(side, BETTER[side], NextLevel.SIGNAL)
    assert told(decide(policy, holds_same=True, opposite=opposite)) == "skip: already_open"
    assert decide(policy, holds_same=True, opposite=None).reason == "already open"


ROWS = [
    ("ignore", "better", NextLevel.NONE, "skip: opposite_open"),
    ("ignore", "worse", NextLevel.SIGNAL, "skip: opposite_open"),
    ("close", "better", NextLevel.NONE, "close_and_open"),
    ("close", "unknown", NextLevel.NONE, "close_and_open"),
    ("hedge", "worse", NextLevel.PRICE, "open"),
    ("protect", "better", NextLevel.NONE, "protect"),
    ("protect", "better", NextLevel.SIGNAL, "protect"),
    ("protect", "worse", NextLevel.PRICE, "close"),
    ("protect", "level", NextLevel.PRICE, "close"),
    ("protect", "unknown", NextLevel.PRICE, "skip: no_price"),
    ("protect_reverse", "better", NextLevel.NONE, "skip: no_level_left"),
    ("protect_reverse", "worse", NextLevel.NONE, "skip: no_level_left"),
    ("protect_reverse", "better", NextLevel.PRICE, "protect"),
    ("protect_reverse", "worse", NextLevel.PRICE, "close"),
    ("protect_reverse", "unknown", NextLevel.PRICE, "skip: no_price"),
    ("protect_reverse", "worse", NextLevel.SIGNAL, "close_and_open"),
    ("protect_reverse", "unknown", NextLevel.SIGNAL, "close_and_open"),
]


@pytest.mark.parametrize("side", PositionSide)
@pytest.mark.parametrize(("policy", "price", "level", "outcome"), ROWS)
def test_an_opposite_signal(policy: str, price: str, level: NextLevel, outcome: str, side) -> None:
    prices = {"better": BETTER[side], "worse": WORSE[side], "level": ENTRY, "unknown": None}
    opposite = held(side, prices[price], level)
    assert told(decide(OppositeSignal(policy), holds_same=False, opposite=opposite)) == outcome


def test_every_policy_has_a_row() -> None:
    assert {row[0] for row in ROWS} == set(OppositeSignal)


@pytest.mark.parametrize("policy", ["protect", "protect_reverse"])
def test_what_has_bought_nothing_yet_has_no_entry_to_go_to(policy: str) -> None:
    opposite = held(LONG, ENTRY, NextLevel.PRICE, entry=None)
    assert told(decide(OppositeSignal(policy), holds_same=False, opposite=opposite)) == "skip: entry_pending"


def test_a_decision_that_skips_says_why_and_the_others_say_nothing() -> None:
    for policy, _, level, _ in ROWS:
        decision = decide(OppositeSignal(policy), holds_same=False, opposite=held(LONG, BETTER[LONG], level))
        assert bool(decision.reason) is bool(decision.code) is (decision.action is Action.SKIP)


# the page that the owner reads

PAGE = Path(__file__).parents[2] / "docs" / "routing.md"
SITUATIONS = {
    "": (NextLevel.NONE, BETTER),
    "price better than its entry": (NextLevel.NONE, BETTER),
    "price at the entry or worse": (NextLevel.NONE, WORSE),
    "no take-profit left": (NextLevel.NONE, BETTER),
    "the next level has a price": (NextLevel.PRICE, BETTER),
    "the rest waits for a signal": (NextLevel.SIGNAL, WORSE),
}
WORDS = {"open": "opened", "close_and_open": "opened", "protect": "protected", "close": "closed"}


def rows_of_the_page() -> list[list[str]]:
    table = PAGE.read_text().split("## The decision table")[1].split("\n\n")[2]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("row", rows_of_the_page(), ids=lambda row: " ".join(row[:2]))
def test_the_page_says_what_is_decided(row: list[str]) -> None:
    holds, setting, _, entry = row
    policy, _, situation = setting.replace("`", "").partition(", ")
    for one in OppositeSignal if policy == "any" else [OppositeSignal(policy)]:
        level, prices = SITUATIONS[situation]
        for side in PositionSide:
            opposite = held(side, prices[side], level) if holds == "the other side" else None
            decision = decide(one, holds_same=holds == "the same side", opposite=opposite)
            said = f"skipped, `{decision.code}`" if decision.code else WORDS[decision.action]
            assert said in entry, (one, side)
