from __future__ import annotations

from decimal import Decimal as D

import pytest

from positions.risk import Allowed, Denied, Limits, OpenBook, judge, judge_stop

LIMITS = Limits(max_open_positions=3, max_exposure=D(1000), max_strategy_positions=2)


def book(
    positions: int = 0, exposure: str = "0", strategy: int = 0, available: str | None = "500"
) -> OpenBook:
    return OpenBook(positions, D(exposure), strategy, D(available) if available else None)


def test_within_all_limits_is_allowed() -> None:
    assert judge(LIMITS, book(2, "800", 1), D(200), D(40)) == Allowed()


def test_an_unknown_balance_does_not_deny() -> None:
    assert judge(LIMITS, book(available=None), D(200), D(40)) == Allowed()


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (book(positions=3), "account already holds 3 of 3"),
        (book(strategy=2), "strategy already holds 2 of 2"),
        (book(exposure="800.01"), "exposure 1000.01 would pass the limit 1000.00"),
        (book(available="39.99"), "margin 40.00 is more than the free balance 39.99"),
    ],
)
def test_each_limit_denies_with_its_figures(state: OpenBook, word: str) -> None:
    verdict = judge(LIMITS, state, D(200), D(40))
    assert isinstance(verdict, Denied)
    assert word in verdict.reason


@pytest.mark.parametrize(("percent", "leverage"), [("19.49", 5), ("2", 39), ("0.49", 100), ("99", 1)])
def test_a_stop_nearer_than_the_liquidation_is_allowed(percent: str, leverage: int) -> None:
    assert judge_stop(D(percent), leverage) == Allowed()


@pytest.mark.parametrize(("percent", "leverage"), [("19.5", 5), ("2", 40), ("0.5", 100), ("99.5", 1)])
def test_a_stop_that_would_be_liquidated_first_is_denied(percent: str, leverage: int) -> None:
    assert isinstance(judge_stop(D(percent), leverage), Denied)


def test_such_a_denial_tells_its_figures() -> None:
    said = "the stop is 2.00 % away, but leverage 100 may be liquidated at 0.50 %"
    assert judge_stop(D(2), 100) == Denied(said)
