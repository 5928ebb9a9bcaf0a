from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import PositionSide
from positions.risk import Allowed, Denied, judge, judge_stop, uses
from positions.risk_limits import Book, Held, Limits, Scope, Tier, Wish, tiers_from
from signals_app.reasons import ReasonCode as R

LONG = PositionSide.LONG
WISH = Wish("BTCUSDT", LONG, notional=D(200), leverage=5, risk=D(4))  # a margin of 40
A, G, S = Scope.ACCOUNT, Scope.GLOBAL, Scope.STRATEGY
CENT = D("0.01")


def book(scope: Scope = A, equity: str | None = "1000", **held: object) -> Book:
    counted = Held(**{name: D(value) if isinstance(value, str) else value for name, value in held.items()})
    return Book({scope: counted}, D(equity) if equity else None, D(900))


# limit, the book at which the wish just fits, the one at which it does not, the code, what is said
EDGES = [
    (G, Limits(max_positions=3), {"positions": 2}, {"positions": 3}, R.GLOBAL_POSITIONS,
     "all accounts already hold 3 of 3 positions"),
    (A, Limits(max_positions=3), {"positions": 2}, {"positions": 3}, R.ACCOUNT_POSITIONS,
     "account already holds 3 of 3 positions"),
    (S, Limits(max_positions=3), {"positions": 2}, {"positions": 3}, R.STRATEGY_POSITIONS,
     "strategy already holds 3 of 3 positions"),
    (A, Limits(max_positions_per_symbol=1), {"on_symbol": 0}, {"on_symbol": 1}, R.SYMBOL_POSITIONS,
     "account already holds 1 of 1 positions in BTCUSDT"),
    (A, Limits(max_positions_per_direction=2), {"on_side": 1}, {"on_side": 2}, R.DIRECTION_POSITIONS,
     "account already holds 2 of 2 long positions"),
    (G, Limits(max_exposure=D(1000)), {"exposure": "800"}, {"exposure": "800.01"}, R.GLOBAL_EXPOSURE,
     "exposure 1000.01 would pass the limit of all accounts 1000.00"),
    (A, Limits(max_exposure=D(1000)), {"exposure": "800"}, {"exposure": "800.01"}, R.ACCOUNT_EXPOSURE,
     "exposure 1000.01 would pass the limit 1000.00"),
    (S, Limits(max_exposure=D(1000)), {"exposure": "800"}, {"exposure": "800.01"}, R.STRATEGY_EXPOSURE,
     "exposure 1000.01 would pass the limit of strategy 1000.00"),
    (A, Limits(max_utilisation=D(80)), {"margin": "760"}, {"margin": "760.1"}, R.UTILISATION_LIMIT,
     "margin in use would be 80.01 % of equity, the limit is 80.00 %"),
    (A, Limits(max_concentration=D(30)), {"margin_on_symbol": "260"}, {"margin_on_symbol": "260.1"},
     R.CONCENTRATION_LIMIT, "margin of one symbol would be 30.01 % of equity, the limit is 30.00 %"),
    (A, Limits(max_total_risk=D(10)), {"risk": "96"}, {"risk": "96.1"}, R.TOTAL_RISK_LIMIT,
     "risk to the stops would be 10.01 % of equity, the limit is 10.00 %"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "limits", "fits", "beyond", "code", "said"), EDGES, ids=lambda v: str(v)[:20]
)
def test_each_counted_limit_denies_at_its_edge_and_not_before(
    scope, limits, fits, beyond, code, said
) -> None:
    assert judge({scope: limits}, book(scope, **fits), WISH) == Allowed()
    verdict = judge({scope: limits}, book(scope, **beyond), WISH)
    assert isinstance(verdict, Denied)
    assert (verdict.reason, verdict.code) == (said, code)
    assert verdict.use is not None
    assert verdict.use.scope is scope


@pytest.mark.parametrize(
    ("limits", "losses", "code", "said"),
    [
        (Limits(max_daily_loss=D(5)), {"daily_loss": D(5)}, R.DAILY_LOSS, "the loss of the day is 5.00 %"),
        (Limits(max_drawdown=D(20)), {"drawdown": D(20)}, R.DRAWDOWN, "the drawdown is 20.00 %"),
    ],
)
@pytest.mark.parametrize("scope", [A, G])
def test_a_loss_denies_when_it_is_reached(scope, limits, losses, code, said) -> None:
    at_the_edge = replace(book(), **losses)
    just_before = replace(book(), **{name: value - CENT for name, value in losses.items()})
    assert judge({scope: limits}, just_before, WISH) == Allowed()
    verdict = judge({scope: limits}, at_the_edge, WISH)
    assert isinstance(verdict, Denied)
    assert verdict.code is code
    assert verdict.reason.startswith(said)


def test_leverage_and_the_notional_at_an_equity() -> None:
    tiers = tiers_from([{"equity_from": 0, "max_notional": 200}, {"equity_from": "5000", "max_notional": 0}])
    limits = {A: Limits(notional_tiers=tiers, max_leverage=5)}
    assert judge(limits, book(), WISH) == Allowed()
    more = judge(limits, book(), replace(WISH, notional=D("200.01")))
    assert more.reason == "notional 200.01 is more than 200.00, the most at this equity"
    assert judge(limits, book(equity="5000"), replace(WISH, notional=D(400))) == Allowed()  # 0: no limit
    assert judge(limits, book(), replace(WISH, leverage=6)).code is R.LEVERAGE_LIMIT


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_utilisation=D(80)),
        Limits(max_concentration=D(30)),
        Limits(max_total_risk=D(10)),
        Limits(notional_tiers=(Tier(D(0), D(500)),)),
    ],
)
def test_where_the_equity_is_not_known_a_limit_on_it_denies(limits: Limits) -> None:
    verdict = judge({A: limits}, book(equity=None), WISH)
    assert isinstance(verdict, Denied)
    assert verdict.code is R.EQUITY_UNKNOWN


def test_without_limits_all_is_allowed() -> None:
    held = book(equity=None, positions=900, exposure="1000000000", risk="9999999")
    assert judge(dict.fromkeys(Scope, Limits()), held, WISH) == Allowed()


def test_free_margin_denies_where_it_is_known() -> None:
    assert judge({}, replace(book(), available_balance=D(40)), WISH) == Allowed()
    verdict = judge({}, replace(book(), available_balance=D("39.99")), WISH)
    assert verdict == Denied("margin 40.00 is more than the free balance 39.99", R.NO_FUNDS)
    assert judge({}, replace(book(), available_balance=None), WISH) == Allowed()


def test_the_use_of_limits_can_be_shown_without_a_wish() -> None:
    limits = {A: Limits(max_positions=4, max_utilisation=D(80), max_leverage=5)}
    shown = [
        (use.rule.value, use.used, use.of, use.percent)
        for use in uses(limits, book(positions=1, margin="400"))
    ]
    assert shown == [("positions", 1, 4, 25), ("margin in use", 40, 80, 50)]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("500", "tiers are a list"),
        ([{"equity_from": 0}], "a tier has equity_from and max_notional"),
        ([{"equity_from": 10, "max_notional": 5}], "begins at an equity of 0"),
        ([{"equity_from": 0, "max_notional": 5}] * 2, "a higher equity"),
        ([{"equity_from": 0, "max_notional": "lots"}], "max_notional is a number"),
        ([{"equity_from": 0, "max_notional": -1}], "0 or more"),
        ([{"equity_from": 0, "max_notional": float("nan")}], "0 or more"),
        ([{"equity_from": True, "max_notional": 1}], "equity_from is a number"),
    ],
)
def test_tiers_that_mean_nothing_are_refused_with_a_sentence(said: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tiers_from(said)


# whatever is held and set

counts = st.integers(0, 6)
amounts = st.decimals(0, 3000, places=2)
percents = st.decimals(0, 200, places=2)
helds = st.builds(Held, counts, counts, counts, amounts, amounts, amounts, amounts)
limits_of_any_kind = st.builds(
    Limits, counts, counts, counts, amounts, counts,
    st.just(()) | st.builds(lambda most: (Tier(D(0), most),), amounts),
    percents, percents, percents, percents, percents,
)  # fmt: skip
limit_rows = st.dictionaries(st.sampled_from(Scope), limits_of_any_kind)
books = st.builds(
    Book,
    st.dictionaries(st.sampled_from(Scope), helds),
    st.none() | amounts,
    st.none() | amounts,
    percents,
    percents,
)
wishes = st.builds(
    Wish,
    st.just("BTCUSDT"),
    st.sampled_from(PositionSide),
    st.decimals(1, 2000, places=2),
    st.integers(1, 20),
    amounts,
)


def with_more(book: Book, more: Held) -> Book:
    held = {scope: book.held.get(scope, Held()) for scope in Scope}
    grown = {
        scope: Held(*(getattr(one, name) + getattr(more, name) for name in Held.__slots__))
        for scope, one in held.items()
    }
    return replace(book, held=grown)


def is_denied(rows: dict[Scope, Limits], book: Book, wish: Wish) -> bool:
    return isinstance(judge(rows, book, wish), Denied)


@given(limit_rows, books, helds, wishes)
def test_more_positions_never_turn_a_no_into_a_yes(rows, held, more, wish) -> None:
    assert not is_denied(rows, held, wish) or is_denied(rows, with_more(held, more), wish)


@given(limit_rows, books, percents, wishes)
def test_a_greater_loss_never_turns_a_no_into_a_yes(rows, held, more, wish) -> None:
    worse = replace(held, daily_loss=held.daily_loss + more, drawdown=held.drawdown + more)
    assert not is_denied(rows, held, wish) or is_denied(rows, worse, wish)


@given(limit_rows, books, amounts, wishes)
def test_a_larger_wish_never_turns_a_no_into_a_yes(rows, held, more, wish) -> None:
    larger = replace(wish, notional=wish.notional + more, risk=wish.risk + more)
    assert not is_denied(rows, held, wish) or is_denied(rows, held, larger)


@given(limit_rows, limit_rows, books, wishes)
def test_one_more_row_of_limits_never_turns_a_no_into_a_yes(rows, others, held, wish) -> None:
    more = others | rows
    assert not is_denied(rows, held, wish) or is_denied(more, held, wish)


@given(limit_rows, books, wishes)
def test_a_no_always_says_which_figure_of_how_many(rows, held, wish) -> None:
    verdict = judge(rows, held, wish)
    if isinstance(verdict, Denied) and verdict.code not in (R.NO_FUNDS, R.EQUITY_UNKNOWN):
        assert verdict.use is not None
        assert verdict.use.is_beyond
        assert any(letter.isdigit() for letter in verdict.reason)


# the stop


@pytest.mark.parametrize(("percent", "leverage"), [("19.49", 5), ("2", 39), ("0.49", 100), ("99", 1)])
def test_a_stop_nearer_than_the_liquidation_is_allowed(percent: str, leverage: int) -> None:
    assert judge_stop(D(percent), leverage) == Allowed()


@pytest.mark.parametrize(("percent", "leverage"), [("19.5", 5), ("2", 40), ("0.5", 100), ("99.5", 1)])
def test_a_stop_that_would_be_liquidated_first_is_denied(percent: str, leverage: int) -> None:
    assert isinstance(judge_stop(D(percent), leverage), Denied)


def test_such_a_denial_tells_its_figures() -> None:
    said = "the stop is 2.00 % away, but leverage 100 may be liquidated at 0.50 %"
    assert judge_stop(D(2), 100) == Denied(said, R.STOP_BEYOND_LIQUIDATION)
