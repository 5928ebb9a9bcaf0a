from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import PositionSide
from positions.risk import liquidated_at_percent
from tests.trailing.strategies import bodies, decimals
from tests.trailing.tables import ENHANCED, LONG, PLAN, SHORT, mirrored, plan_of, walk
from trailing.engine import Close, Entry, ExitReason, Hold, StopReason, TrailingPhase, TrailingState
from trailing.plan import ProtectionPlan, read_plan
from trailing.protection import (
    Candidate,
    Seen,
    advance,
    candidates,
    first_stop,
    is_too_wide,
    judged,
    start,
    stop_loss,
    take_level,
)
from trailing.thresholds import band

WAITING, ACTIVE, TRIGGERED = TrailingPhase.WAITING, TrailingPhase.ACTIVE, TrailingPhase.TRIGGERED


def test_after_the_fill_only_the_stop_loss_stands() -> None:
    assert start(LONG, PLAN) == TrailingState(WAITING, None, D("98.0"))
    assert start(SHORT, PLAN) == TrailingState(WAITING, None, D("102.0"))


STOPS = [
    ({"type": "percent", "percent": "2.01"}, {}, "97.9", "102.1"),
    ({"type": "distance", "distance": "3.25"}, {}, "96.7", "103.3"),
    ({"type": "atr", "multiple": "1.5"}, {"atr": D(2)}, "97", "103"),
    ({"type": "atr", "multiple": "1.5", "percent": 4}, {}, "96", "104"),
    ({"type": "return_on_margin", "percent": 10}, {"leverage": 5}, "98", "102"),
]


@pytest.mark.parametrize(("rule", "of", "long", "short"), STOPS, ids=str)
def test_each_kind_of_stop_loss(rule: dict, of: dict, long: str, short: str) -> None:
    plan = plan_of(stop_loss=rule)
    assert stop_loss(replace(LONG, **of), plan.stop_loss) == D(long)
    assert stop_loss(replace(SHORT, **of), plan.stop_loss) == D(short)


def test_a_stop_below_zero_is_refused() -> None:
    far = plan_of(stop_loss={"type": "distance", "distance": 100})
    with pytest.raises(ValueError, match=r"^a stop 100 away from 100 is not above zero$"):
        first_stop(LONG, far)
    assert first_stop(SHORT, far) == D(200)


def test_what_was_bought_cheaper_than_its_distance_has_the_widest_stop_its_margin_bears() -> None:
    far = plan_of(stop_loss={"type": "distance", "distance": 100})
    assert start(LONG, far).stop_price == D("0.6")
    assert start(replace(LONG, leverage=5), far).stop_price == D("80.6")
    assert start(replace(LONG, leverage=125), far).stop_price == D("99.8")
    assert start(SHORT, far).stop_price == D(200)


def test_a_price_below_one_tick_cannot_be_protected_and_leaves_at_once() -> None:
    entry = replace(LONG, price=D("0.05"))
    assert isinstance(judged(entry, start(entry, plan_of()), D("0.05")), Close)


@given(
    body=bodies(),
    side=st.sampled_from(list(PositionSide)),
    price=st.one_of(decimals("0.01", "100", places=4), decimals("0.0001", "0.1", places=8)),
    tick=st.sampled_from([D("0.00000001"), D("0.01"), D(1)]),
    leverage=st.integers(1, 125),
    atr=st.none() | decimals("0.01", "200"),
    seen=decimals("0.0001", "200", places=4),
)
def test_no_price_paid_makes_a_plan_unable_to_protect(
    body: dict, side: PositionSide, price: D, tick: D, leverage: int, atr: D | None, seen: D
) -> None:
    entry, plan = Entry(side, price, tick, leverage, atr), read_plan(body)
    state = start(entry, plan)
    assert state.stop_price is not None
    assert state.stop_price >= tick
    assert state.stop_price % tick == 0
    if is_too_wide(entry, plan.stop_loss):
        assert side is PositionSide.LONG
        assert abs(price - state.stop_price) < max(price * liquidated_at_percent(leverage) / 100, tick)
    assert advance(entry, plan, state, Seen(seen, atr=atr)).state.stop_price >= tick
    band(entry, plan, state, D(0), atr)


# prices of a long and what they lead to: phase, best price, stop; a short is the mirror at the entry
WAYS = [
    (["100"], (WAITING, "100", "98")),
    (["99", "98.01"], (WAITING, "99", "98")),
    (["101.49999999"], (WAITING, "101.49999999", "98")),
    (["101.5"], (ACTIVE, "101.5", "100.9")),  # inclusive; 100.9925 rounded down
    (["102"], (ACTIVE, "102", "101.4")),  # a jump over the activation; 101.49
    (["102", "101.8"], (ACTIVE, "102", "101.4")),
    (["102", "101.8", "104", "103.9"], (ACTIVE, "104", "103.4")),  # 103.48
    (["98"], (TRIGGERED, None, "98")),  # on the stop is crossed
    (["97"], (TRIGGERED, None, "98")),
    (["102", "101.4"], (TRIGGERED, "102", "101.4")),
    (["102", "50"], (TRIGGERED, "102", "101.4")),
    (["102", "50", "150"], (TRIGGERED, "102", "101.4")),  # nothing follows the end
]
# the mirror of a stop is not exact: callback is percent of the best price, 99.4975 for a short from 99
SHORT_STOPS = {"101.5": "99.0", "102": "98.5", "104": "96.5"}


@pytest.mark.parametrize(("prices", "expected"), WAYS, ids=lambda way: "-".join(map(str, way)))
def test_a_long_goes_its_way(prices: list[str], expected: tuple) -> None:
    phase, best, stop = expected
    state = walk(LONG, *prices).state
    assert (state.phase, state.high_water_mark, state.stop_price) == (phase, best and D(best), D(stop))


@pytest.mark.parametrize(("prices", "expected"), WAYS, ids=lambda way: "-".join(map(str, way)))
def test_a_short_is_the_mirror(prices: list[str], expected: tuple) -> None:
    phase, best, _ = expected
    state = walk(SHORT, *(mirrored(price) for price in prices)).state
    stop = D(SHORT_STOPS.get(best, "102"))
    assert (state.phase, state.high_water_mark, state.stop_price) == (phase, best and mirrored(best), stop)


def test_without_trailing_the_stop_loss_stays() -> None:
    state = walk(LONG, "150", "120", plan=plan_of(trailing=None)).state
    assert state == TrailingState(WAITING, D(150), D(98))


# best prices of the Enhanced plan without its trailing, the stop and why
STEPS = [
    ("100.99", "98", StopReason.STOP_LOSS),
    ("101", "100.2", StopReason.BREAKEVEN),
    ("101.99", "100.2", StopReason.BREAKEVEN),
    ("102", "101", StopReason.PROFIT_LOCK),
    ("103", "102", StopReason.PROFIT_LOCK),
    ("104", "103", StopReason.PROFIT_LOCK),
    ("110", "103", StopReason.PROFIT_LOCK),
]


@pytest.mark.parametrize(("best", "stop", "reason"), STEPS)
def test_profit_is_kept_in_steps(best: str, stop: str, reason: StopReason) -> None:
    plan = plan_of(**ENHANCED | {"trailing": None})
    for entry, price, kept in ((LONG, D(best), D(stop)), (SHORT, mirrored(best), mirrored(stop))):
        state = walk(entry, price, plan=plan).state
        assert (state.stop_price, state.stop_reason) == (kept, reason)


def test_the_most_protective_candidate_is_the_stop() -> None:
    plan = plan_of(**ENHANCED)
    state = walk(LONG, "102.5", plan=plan).state
    assert list(candidates(LONG, plan, state, None)) == [
        Candidate(StopReason.STOP_LOSS, D(98)),
        Candidate(StopReason.BREAKEVEN, D("100.2")),
        Candidate(StopReason.PROFIT_LOCK, D(101)),
        Candidate(StopReason.TRAILING, D("101.9")),  # 101.9875
    ]
    assert (state.stop_price, state.stop_reason) == (D("101.9"), StopReason.TRAILING)


def laddered(**policy: object) -> ProtectionPlan:
    return plan_of(**ENHANCED | {"take_profits": ENHANCED["take_profits"] | {"stop_after_level": policy}})


# policy, levels taken, average true range now, stop of a long (None: unchanged)
POLICIES = [
    ({"type": "none"}, 3, None, None),
    ({"type": "breakeven", "offset_percent": "0.1"}, 1, None, "100.1"),
    ({"type": "breakeven", "offset_percent": "0.1"}, 3, None, "100.1"),
    ({"type": "previous_level"}, 1, None, "100"),
    ({"type": "previous_level"}, 2, None, "101"),
    ({"type": "previous_level"}, 3, None, "102"),
    ({"type": "percent", "percent": "1"}, 2, None, "100.9"),  # 100.98
    ({"type": "atr", "multiple": "2"}, 2, None, None),
    ({"type": "atr", "multiple": "2"}, 2, "0.3", "101.4"),
    ({"type": "entry_percent", "percent": "0.7"}, 2, None, "99.3"),
    ({"type": "entry_atr", "multiple": "2"}, 2, None, None),
    ({"type": "entry_atr", "multiple": "2"}, 2, "0.3", "99.4"),
]


@pytest.mark.parametrize(("policy", "taken", "atr", "stop"), POLICIES, ids=str)
def test_after_a_level_the_stop_follows_the_policy(
    policy: dict, taken: int, atr: str | None, stop: str | None
) -> None:
    plan, known = laddered(**policy), atr and D(atr)
    long = take_level(LONG, plan, start(LONG, plan), taken, known)
    assert (long.stop_price, long.levels_taken) == (D(stop or 98), taken)
    assert long.stop_reason is (StopReason.AFTER_LEVEL if stop else StopReason.STOP_LOSS)
    if policy["type"] != "percent":  # percent of the level's price has no exact mirror
        short = take_level(SHORT, plan, start(SHORT, plan), taken, known)
        assert short.stop_price == mirrored(stop or 98)


# by level; what is taken; stop of a long
TO_ENTRY, KEEP = {"type": "breakeven", "offset_percent": "0"}, {"type": "none"}
NEARER = {"type": "entry_percent", "percent": "0.5"}
OF_EACH_LEVEL = [
    ((NEARER, TO_ENTRY, KEEP), 1, "99.5"),
    ((NEARER, TO_ENTRY, KEEP), 2, "100"),
    ((NEARER, TO_ENTRY, KEEP), 3, "100"),  # a price that jumped over all of them
    ((None, KEEP, TO_ENTRY), 2, "100.1"),  # None: the ladder's own
]


@pytest.mark.parametrize(("policies", "taken", "stop"), OF_EACH_LEVEL, ids=str)
def test_a_level_may_have_a_policy_of_its_own(policies: tuple, taken: int, stop: str) -> None:
    pairs = zip(ENHANCED["take_profits"]["levels"], policies, strict=True)
    wished = [level | {"stop_after": policy} for level, policy in pairs]
    plan = plan_of(trailing=None, take_profits=ENHANCED["take_profits"] | {"levels": wished})
    long = take_level(LONG, plan, start(LONG, plan), taken, None)
    short = take_level(SHORT, plan, start(SHORT, plan), taken, None)
    assert (long.stop_price, short.stop_price) == (D(stop), mirrored(stop))


def test_a_level_told_twice_or_late_changes_nothing() -> None:
    plan = laddered(type="previous_level")
    taken = take_level(LONG, plan, start(LONG, plan), 2, None)
    assert take_level(LONG, plan, taken, 2, None) == taken
    assert take_level(LONG, plan, taken, 1, None) == taken


@pytest.mark.parametrize(
    ("best", "stop"),
    [("104", "103.4"), ("104.3", "103.4"), ("104.5", "103.4"), ("104.6", "104"), ("106", "105.4")],
)
def test_a_trailing_stop_moves_in_steps_of_the_least_improvement(best: str, stop: str) -> None:
    """0.5 % of 103.4 is 0.517: nothing below 103.917, so 104.0, is worth a request."""
    plan = plan_of(updates={"min_improvement_percent": "0.5"})
    assert walk(LONG, "104", best, plan=plan).state.stop_price == D(stop)


def test_least_improvement_does_not_hold_back_the_first_trailing_stop_or_a_lock() -> None:
    plan = plan_of(**ENHANCED | {"updates": {"min_improvement_percent": 1}})
    state = walk(LONG, "101", plan=plan).state
    assert (state.stop_price, state.stop_reason) == (
        D("100.4"),
        StopReason.TRAILING,
    )  # from breakeven at 100.2
    state = walk(LONG, "101", "102", plan=plan).state
    assert (state.stop_price, state.stop_reason) == (
        D("101.4"),
        StopReason.TRAILING,
    )  # the lock at 101 moved first


def test_a_crossed_stop_says_which_it_was() -> None:
    plan = plan_of(**ENHANCED | {"trailing": None})
    reasons = [walk(LONG, best, "50", plan=plan).reason for best in ("100", "101", "102")]
    assert reasons == [ExitReason.STOP_LOSS, ExitReason.BREAKEVEN, ExitReason.PROFIT_LOCK]
    assert walk(LONG, "102", "101").reason is ExitReason.TRAILING


def test_after_the_end_nothing_is_asked_again() -> None:
    assert isinstance(walk(LONG, "97", "96"), Hold)


def test_a_crossing_fires_before_the_same_price_could_move_the_stop() -> None:
    eager = plan_of(trailing={"type": "percent", "activation_percent": 0, "callback_percent": "0.1"})
    standing = TrailingState(ACTIVE, D(102), D("101.8"), StopReason.TRAILING)
    assert advance(LONG, eager, standing, Seen(D("101.8"))) == Close(
        TrailingState(TRIGGERED, D(102), D("101.8"), StopReason.TRAILING), ExitReason.TRAILING
    )


@pytest.mark.parametrize("entry", [LONG, SHORT])
def test_a_stop_on_the_price_itself_fires(entry: Entry) -> None:
    assert isinstance(advance(entry, PLAN, TrailingState(WAITING, None, D(100)), Seen(D(100))), Close)


@pytest.mark.parametrize("entry", [LONG, SHORT])
def test_calmer_volatility_may_lift_the_stop_beyond_the_market_and_that_fires_at_once(entry: Entry) -> None:
    plan = plan_of(trailing={"type": "atr", "multiple": 1})
    best, back = entry.offset(D(100), D(10)), entry.offset(D(100), D("8.5"))
    wild = advance(entry, plan, start(entry, plan), Seen(best, atr=D(2))).state
    assert isinstance(advance(entry, plan, wild, Seen(back, atr=D(2))), Hold)
    calm = advance(entry, plan, wild, Seen(back, atr=D("0.5")))
    assert isinstance(calm, Close)
    assert calm.reason is ExitReason.TRAILING


def test_a_late_fill_may_leave_the_stop_beyond_the_market() -> None:
    plan = laddered(type="previous_level")
    state = take_level(LONG, plan, start(LONG, plan), 2, None)
    verdict = judged(LONG, state, D("100.9"))
    assert isinstance(verdict, Close)
    assert verdict.reason is ExitReason.AFTER_LEVEL
    assert isinstance(judged(LONG, state, D("101.1")), Hold)


def test_a_stop_that_stands_nearer_is_never_loosened() -> None:
    tight = TrailingState(WAITING, None, D("99.5"), StopReason.BY_HAND)
    assert advance(LONG, PLAN, tight, Seen(D(100))).state.stop_price == D("99.5")
    held = advance(LONG, PLAN, tight, Seen(D("101.5"))).state
    assert (held.stop_price, held.stop_reason) == (D("100.9"), StopReason.TRAILING)
    short = TrailingState(WAITING, None, D("100.5"), StopReason.BY_HAND)
    assert advance(SHORT, PLAN, short, Seen(D(100))).state.stop_price == D("100.5")


def test_a_wide_callback_leaves_the_stop_loss_in_force() -> None:
    wide = plan_of(trailing={"type": "percent", "callback_percent": 10})
    assert walk(LONG, "101.5", plan=wide).state.stop_price == D(98)
    whole = plan_of(trailing={"type": "distance", "distance": 500})
    assert walk(LONG, "101.5", plan=whole).state.stop_price == D(98)


def test_a_state_without_a_stop_gets_the_stop_loss() -> None:
    assert advance(LONG, PLAN, TrailingState(), Seen(D(100))).state.stop_price == D(98)


def test_an_active_state_without_a_best_price_starts_from_this_one() -> None:
    lost = TrailingState(ACTIVE, None, D(98))
    assert advance(LONG, PLAN, lost, Seen(D(103))).state.high_water_mark == D(103)


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_price_that_is_none_is_refused(price: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        Seen(D(price))


@pytest.mark.parametrize("side", PositionSide)
@pytest.mark.parametrize(
    ("policy", "levels"),
    [
        ({"type": "breakeven", "offset_percent": "0.1"}, ("0.05", "5")),
        ({"type": "previous_level"}, ("0.05", "0.08")),
    ],
)
def test_a_stop_on_the_level_just_taken_or_beyond_it_is_none(
    side: PositionSide, policy: dict, levels: tuple[str, str]
) -> None:
    """The levels are nearer than the offset, or on one tick: the rest would leave at once."""
    wished = [{"at": {"type": "atr", "multiple": at}, "close_ratio": "0.25"} for at in levels]
    plan = plan_of(trailing=None, take_profits={"levels": wished, "stop_after_level": policy})
    entry = replace(LONG, side=side, atr=D(1))
    taken = 1 if policy["type"] == "breakeven" else 2
    state = take_level(entry, plan, start(entry, plan), taken, None)
    assert (state.stop_price, state.stop_reason) == (entry.offset(D(100), D(-2)), StopReason.STOP_LOSS)
