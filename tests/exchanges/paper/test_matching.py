"""The paper exchange's engine, rule by rule: first what it refuses, then what it does."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.paper.book import AccountEvent, AlgoEvent, OrderEvent, PaperOrder, Rules, VenueRefusal
from exchanges.paper.margin import liquidation_price
from exchanges.paper.matching import Engine

BTC = Rules("BTCUSDT", "BTC", "USDT", D("0.1"), D("0.001"), D("0.001"), D(100), D(5))
ETH = Rules("ETHUSDT", "ETH", "USDT", D("0.01"), D("0.001"), D("0.002"), D(1000), D(5))
NAME = "paper-1"


def make(*, hedge: bool = True, depth: D | None = None, balance: D = D(10_000)) -> Engine:
    engine = Engine([BTC, ETH], depth_notional=depth, spread_ticks=0)
    engine.open_account(NAME, balance)
    engine.set_price("BTCUSDT", D(50_000), 1)
    if hedge:
        engine.set_dual_side(NAME, True)
    return engine


def order(engine: Engine, **words: object) -> PaperOrder:
    base = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": D("0.1"),
        "position_side": "LONG" if engine.account(NAME).dual_side else "BOTH",
        "now_ms": 2,
    }
    return engine.place(NAME, **base | words)  # type: ignore[arg-type]


def stop(engine: Engine, **words: object):
    base = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_MARKET",
        "quantity": D("0.1"),
        "trigger_price": D(49_000),
        "position_side": "LONG" if engine.account(NAME).dual_side else "BOTH",
        "now_ms": 3,
    }
    return engine.place_algo(NAME, **base | words)  # type: ignore[arg-type]


def amount(engine: Engine, position_side: str = "LONG") -> D:
    return engine.account(NAME).position("BTCUSDT", position_side).amount


REFUSED_ORDERS = [
    ({"symbol": "NOPEUSDT"}, -1121),
    ({"symbol": "ETHUSDT"}, -4140),  # no price yet
    ({"side": "HOLD"}, -1117),
    ({"type": "STOP_MARKET"}, -4120),
    ({"type": "ICEBERG"}, -1116),
    ({"position_side": "BOTH"}, -4061),
    ({"reduce_only": True}, -1106),
    ({"quantity": D(0)}, -4003),
    ({"quantity": D("NaN")}, -4003),
    ({"quantity": D("0.0005")}, -1111),
    ({"quantity": D(101)}, -4005),
    ({"client_order_id": "with space"}, -4015),
    ({"client_order_id": "x" * 37}, -4015),
    ({"type": "LIMIT"}, -4014),
    ({"type": "LIMIT", "price": D("49999.95")}, -4014),
    ({"type": "LIMIT", "price": D(-5)}, -4014),
    ({"type": "LIMIT", "price": D("4000"), "quantity": D("0.001")}, -4164),
    ({"quantity": D(90)}, -2019),
    ({"side": "SELL"}, -2022),  # nothing to reduce on the long leg
    ({"type": "LIMIT", "price": D(50_000), "time_in_force": "GTX"}, -5022),
]


@pytest.mark.parametrize(("words", "code"), REFUSED_ORDERS)
def test_an_order_is_refused_with_the_venues_number_and_changes_nothing(words: dict, code: int) -> None:
    engine = make()
    engine.drain_events()
    with pytest.raises(VenueRefusal) as refusal:
        order(engine, **words)
    assert refusal.value.code == code
    assert not engine.drain_events()
    assert not engine.account(NAME).orders
    assert engine.balance(NAME).wallet == D(10_000)


def test_below_the_minimum_quantity() -> None:
    engine = make()
    engine.set_price("ETHUSDT", D(3000), 1)
    with pytest.raises(VenueRefusal, match="-4004"):
        order(engine, symbol="ETHUSDT", quantity=D("0.001"))


def test_fill_or_kill_needs_the_whole_depth() -> None:
    engine = make(depth=D(5000))
    with pytest.raises(VenueRefusal, match="-5021"):
        order(engine, type="LIMIT", price=D(50_000), quantity=D("0.2"), time_in_force="FOK")
    assert order(engine, type="LIMIT", price=D(50_000), time_in_force="FOK").status == "FILLED"


def test_a_client_id_is_unique_among_open_orders_only() -> None:
    engine = make()
    order(engine, client_order_id="same")
    order(engine, client_order_id="same")
    assert amount(engine) == D("0.2"), "a filled id buys again: it is no idempotency key"
    order(engine, type="LIMIT", price=D(40_000), client_order_id="resting")
    with pytest.raises(VenueRefusal, match="-4116"):
        order(engine, client_order_id="resting")
    assert engine.find(NAME, "BTCUSDT", client_order_id="same").order_id == 1_000_002


def test_a_market_order_fills_and_books_the_money() -> None:
    engine = make()
    filled = order(engine)
    assert (filled.status, filled.executed, filled.average_price) == ("FILLED", D("0.1"), D(50_000))
    engine.set_price("BTCUSDT", D(51_000), 3)
    assert engine.balance(NAME).unrealized == D(100)
    order(engine, side="SELL")
    assert amount(engine) == 0
    assert engine.balance(NAME).wallet == D(10_000) + D(100) - D("2.5") - D("2.55")
    assert [t.realized_pnl for t in engine.trades(NAME, "BTCUSDT")] == [D(0), D(100)]


def test_a_large_order_walks_through_the_levels_in_several_executions() -> None:
    engine = make(depth=D(5000))
    filled = order(engine, quantity=D("0.25"))
    trades = engine.trades(NAME, "BTCUSDT")
    assert [t.quantity for t in trades] == [D("0.100"), D("0.099"), D("0.051")]
    assert [t.price for t in trades] == [D(50_000), D("50000.1"), D("50000.2")]
    assert filled.status == "FILLED"
    assert engine.touch("BTCUSDT", "SELL") == D(50_000)


def test_the_last_level_takes_what_is_left() -> None:
    engine = make(depth=D(60))
    filled = order(engine, quantity=D("0.1"))
    assert filled.status == "FILLED"
    assert len(engine.trades(NAME, "BTCUSDT")) == 50


def test_a_selling_order_walks_down() -> None:
    engine = make(depth=D(5000))
    order(engine, side="SELL", position_side="SHORT", quantity=D("0.15"))
    assert [t.price for t in engine.trades(NAME, "BTCUSDT")] == [D(50_000), D("49999.9")]
    assert amount(engine, "SHORT") == D("-0.15")


def test_a_limit_order_rests_and_fills_part_by_part_as_a_maker() -> None:
    engine = make(depth=D(2000))
    resting = order(engine, type="LIMIT", price=D(49_000))
    assert resting.status == "NEW"
    engine.set_price("BTCUSDT", D(48_900), 4)
    assert (resting.status, resting.executed) == ("PARTIALLY_FILLED", D("0.040"))
    engine.set_price("BTCUSDT", D(49_500), 5)
    assert resting.executed == D("0.040")
    for at in (6, 7):
        engine.set_price("BTCUSDT", D(48_900), at)
    assert (resting.status, resting.average_price) == ("FILLED", D(49_000))
    assert all(t.maker and t.commission == t.quote * D("0.0002") for t in engine.trades(NAME, "BTCUSDT"))


def test_an_immediate_or_cancel_order_expires_with_what_it_got() -> None:
    engine = make(depth=D(5000))
    gone = order(engine, type="LIMIT", price=D("50000"), quantity=D("0.3"), time_in_force="IOC")
    assert (gone.status, gone.executed) == ("EXPIRED", D("0.1"))


def test_both_legs_of_one_symbol_stand_side_by_side() -> None:
    engine = make()
    order(engine)
    order(engine, side="SELL", position_side="SHORT", quantity=D("0.05"))
    assert {(p.position_side, p.amount) for p in engine.positions(NAME)} == {
        ("LONG", D("0.1")),
        ("SHORT", D("-0.05")),
    }
    order(engine, side="BUY", position_side="SHORT", quantity=D("0.05"))
    with pytest.raises(VenueRefusal, match="-2022"):
        order(engine, side="SELL", quantity=D("0.101"))


def test_a_resting_exit_that_finds_nothing_left_expires() -> None:
    engine = make()
    order(engine)
    exit_order = order(engine, side="SELL", type="LIMIT", price=D(52_000))
    order(engine, side="SELL")
    engine.set_price("BTCUSDT", D(52_000), 5)
    assert exit_order.status == "EXPIRED"


def test_a_resting_exit_takes_only_what_is_left() -> None:
    engine = make()
    order(engine)
    exit_order = order(engine, side="SELL", type="LIMIT", price=D(52_000))
    order(engine, side="SELL", quantity=D("0.06"))
    engine.set_price("BTCUSDT", D(52_000), 5)
    assert (exit_order.executed, amount(engine)) == (D("0.04"), D(0))


def test_one_way_mode_turns_the_position_round() -> None:
    engine = make(hedge=False)
    order(engine)
    order(engine, side="SELL", quantity=D("0.3"))
    held = engine.account(NAME).position("BTCUSDT", "BOTH")
    assert (held.amount, held.entry_price) == (D("-0.2"), D(50_000))
    order(engine, side="BUY", quantity=D("0.2"), reduce_only=True)
    with pytest.raises(VenueRefusal, match="-2022"):
        order(engine, side="BUY", reduce_only=True)


def test_adding_to_a_position_averages_its_entry() -> None:
    engine = make()
    order(engine)
    engine.set_price("BTCUSDT", D(52_000), 3)
    order(engine, quantity=D("0.3"))
    assert engine.account(NAME).position("BTCUSDT", "LONG").entry_price == D(51_500)


# conditional orders

REFUSED_STOPS = [
    ({"type": "MARKET"}, -1116),
    ({"type": "STOP"}, -4120),
    ({"position_side": "BOTH"}, -4061),
    ({"close_position": True}, -4136),
    ({"quantity": None}, -4003),
    ({"trigger_price": D("49000.05")}, -4014),
    ({"trigger_price": D(50_000)}, -2021),
    ({"trigger_price": D(51_000)}, -2021),
    ({"side": "BUY", "position_side": "SHORT", "trigger_price": D(49_000)}, -2021),
    ({"type": "TAKE_PROFIT_MARKET", "trigger_price": D(49_000)}, -2021),
    ({"client_algo_id": "ä"}, -4015),
]


@pytest.mark.parametrize(("words", "code"), REFUSED_STOPS)
def test_a_conditional_order_is_refused(words: dict, code: int) -> None:
    engine = make()
    order(engine)
    with pytest.raises(VenueRefusal) as refusal:
        stop(engine, **words)
    assert refusal.value.code == code
    assert not engine.open_algos(NAME)


def test_conditional_ids_are_unique_among_open_ones_and_ten_are_enough() -> None:
    engine = make()
    stop(engine, client_algo_id="one")
    with pytest.raises(VenueRefusal, match="-20132"):
        stop(engine, client_algo_id="one")
    for _ in range(9):
        stop(engine)
    with pytest.raises(VenueRefusal, match="-4045"):
        stop(engine)
    engine.cancel_all_algo(NAME, "BTCUSDT", 5)
    assert not engine.open_algos(NAME)
    stop(engine, client_algo_id="one")


def test_a_stop_fires_into_an_order_of_its_own() -> None:
    engine = make()
    order(engine)
    waiting = stop(engine, client_algo_id="guard")
    engine.set_price("BTCUSDT", D(49_100), 4)
    assert waiting.status == "NEW"
    engine.drain_events()
    engine.set_price("BTCUSDT", D(49_000), 5)
    child = engine.find(NAME, "BTCUSDT", order_id=waiting.actual_order_id)
    assert (child.client_order_id, child.status, child.orig_type) == ("guard", "FILLED", "STOP_MARKET")
    assert amount(engine) == 0
    told = engine.drain_events()
    assert [e.algo.status for e in told if isinstance(e, AlgoEvent)] == [
        "TRIGGERING",
        "TRIGGERED",
        "FINISHED",
    ]
    assert [e.execution for e in told if isinstance(e, OrderEvent)] == ["NEW", "TRADE"]
    assert any(isinstance(e, AccountEvent) for e in told)


def test_a_take_profit_and_a_short_stop_fire_upwards() -> None:
    engine = make()
    order(engine)
    order(engine, side="SELL", position_side="SHORT")
    stop(engine, type="TAKE_PROFIT_MARKET", trigger_price=D(51_000))
    stop(engine, side="BUY", position_side="SHORT", trigger_price=D(51_000))
    engine.set_price("BTCUSDT", D(51_500), 4)
    assert not engine.positions(NAME)


def test_a_stop_larger_than_what_is_held_is_rejected_when_it_fires() -> None:
    engine = make()
    order(engine)
    too_large = stop(engine)
    order(engine, side="SELL", quantity=D("0.05"))
    engine.set_price("BTCUSDT", D(48_000), 5)
    assert (too_large.status, too_large.reason) == ("REJECTED", "ReduceOnly Order is rejected.")
    assert amount(engine) == D("0.05")


def test_a_whole_position_stop_takes_what_is_there_and_ends_with_it() -> None:
    engine = make()
    order(engine)
    first = stop(engine, quantity=None, close_position=True)
    other = stop(engine, quantity=None, close_position=True, trigger_price=D(48_000))
    plain = stop(engine, trigger_price=D(47_000))
    engine.set_price("BTCUSDT", D(49_000), 5)
    assert (first.status, other.status, plain.status) == ("FINISHED", "EXPIRED", "NEW")


def test_liquidation_takes_everything_when_equity_is_gone() -> None:
    engine = make(balance=D(1000))
    engine.set_leverage(NAME, "BTCUSDT", 50)
    order(engine, quantity=D("0.5"))
    state = engine.account(NAME)
    edge = liquidation_price(state, state.position("BTCUSDT", "LONG"), engine.prices, engine.rules)
    assert D(48_000) < edge < D(50_000)
    engine.set_price("BTCUSDT", edge.quantize(D("0.1")) + 10, 4)
    assert engine.positions(NAME)
    engine.drain_events()
    engine.set_price("BTCUSDT", edge.quantize(D("0.1")) - 10, 5)
    assert not engine.positions(NAME)
    forced = [e for e in engine.drain_events() if isinstance(e, OrderEvent) and e.execution == "CALCULATED"]
    assert forced[0].order.client_order_id.startswith("autoclose-")


def test_a_short_is_liquidated_upwards_and_no_position_has_no_edge() -> None:
    engine = make(balance=D(1000))
    engine.set_leverage(NAME, "BTCUSDT", 50)
    order(engine, side="SELL", position_side="SHORT", quantity=D("0.5"))
    state = engine.account(NAME)
    assert liquidation_price(state, state.position("BTCUSDT", "SHORT"), engine.prices, engine.rules) > D(
        50_000
    )
    assert liquidation_price(state, state.position("BTCUSDT", "LONG"), engine.prices, engine.rules) == 0
    engine.set_price("BTCUSDT", D(53_000), 5)
    assert not engine.positions(NAME)


# settings, look-ups, cancels


def test_modes_and_leverage() -> None:
    engine = make(hedge=False)
    engine.open_account(NAME, D(5))
    assert engine.has_account(NAME)
    assert engine.balance(NAME).wallet == D(10_000), "opening twice changes nothing"
    for refused, code in [
        (lambda: engine.set_dual_side(NAME, False), -4059),
        (lambda: engine.set_leverage(NAME, "BTCUSDT", 51), -4028),
        (lambda: engine.set_leverage(NAME, "NOPE", 5), -1121),
        (lambda: engine.set_margin_type(NAME, "BTCUSDT", "CROSSED"), -4046),
    ]:
        with pytest.raises(VenueRefusal, match=str(code)):
            refused()
    engine.set_margin_type(NAME, "BTCUSDT", "ISOLATED")
    order(engine)
    with pytest.raises(VenueRefusal, match="-4068"):
        engine.set_dual_side(NAME, True)
    with pytest.raises(VenueRefusal, match="-4048"):
        engine.set_margin_type(NAME, "BTCUSDT", "CROSSED")
    resting = order(engine, type="LIMIT", price=D(40_000))
    with pytest.raises(VenueRefusal, match="-4067"):
        engine.set_dual_side(NAME, True)
    assert resting.is_open


def test_look_ups_and_cancels() -> None:
    engine = make()
    resting = order(engine, type="LIMIT", price=D(40_000), client_order_id="rest")
    waiting = stop(engine, client_algo_id="wait")
    assert engine.find(NAME, "BTCUSDT", order_id=resting.order_id) is resting
    assert engine.find_algo(NAME, client_algo_id="wait") is waiting
    assert engine.find_algo(NAME, algo_id=waiting.algo_id) is waiting
    assert engine.open_orders(NAME, "ETHUSDT") == engine.open_algos(NAME, "ETHUSDT") == []
    assert engine.cancel(NAME, "BTCUSDT", client_order_id="rest", now_ms=4).status == "CANCELED"
    assert engine.cancel_algo(NAME, client_algo_id="wait", now_ms=4).status == "CANCELED"
    for refused, code in [
        (lambda: engine.cancel(NAME, "BTCUSDT", order_id=resting.order_id, now_ms=5), -2011),
        (lambda: engine.cancel_algo(NAME, algo_id=waiting.algo_id, now_ms=5), -2011),
        (lambda: engine.find(NAME, "BTCUSDT", client_order_id="none"), -2013),
        (lambda: engine.find(NAME, "ETHUSDT", client_order_id="rest"), -2013),
        (lambda: engine.find_algo(NAME, client_algo_id="none"), -2013),
    ]:
        with pytest.raises(VenueRefusal, match=str(code)):
            refused()
    order(engine, type="LIMIT", price=D(40_000))
    engine.cancel_all(NAME, "BTCUSDT", 6)
    assert not engine.open_orders(NAME)
    assert len(engine.all_orders(NAME, "BTCUSDT")) == 2
    assert len(engine.all_algos(NAME, "BTCUSDT")) == 1


def test_the_right_one_of_several_is_canceled() -> None:
    engine = make()
    first, second = (order(engine, type="LIMIT", price=D(40_000)) for _ in range(2))
    one, other = stop(engine), stop(engine)
    engine.cancel(NAME, "BTCUSDT", order_id=second.order_id, now_ms=4)
    engine.cancel_algo(NAME, algo_id=other.algo_id, now_ms=4)
    assert (first.status, second.status, one.status, other.status) == ("NEW", "CANCELED", "NEW", "CANCELED")


def test_old_conditional_orders_are_forgotten() -> None:
    engine = make()
    for _ in range(3):
        gone = stop(engine)
        engine.cancel_algo(NAME, algo_id=gone.algo_id, now_ms=4)
    engine.trim(1)
    assert list(engine.account(NAME).algos) == [gone.algo_id]


def test_executions_are_listed_from_a_time_an_id_or_an_order() -> None:
    engine = make()
    first = order(engine)
    order(engine, now_ms=50)
    assert len(engine.trades(NAME, "BTCUSDT", start_ms=10)) == 1
    assert [t.trade_id for t in engine.trades(NAME, "BTCUSDT", from_id=2)] == [2]
    assert len(engine.trades(NAME, "BTCUSDT", limit=1)) == 1
    assert [t.order_id for t in engine.trades(NAME, "BTCUSDT", order_id=first.order_id)] == [first.order_id]
    assert engine.trades(NAME, "ETHUSDT") == []


def test_history_is_trimmed_but_nothing_that_works() -> None:
    engine = make()
    for _ in range(5):
        order(engine)
    gone = stop(engine)
    engine.cancel_algo(NAME, algo_id=gone.algo_id, now_ms=4)
    waiting = stop(engine)
    resting = order(engine, type="LIMIT", price=D(40_000))
    engine.trim(2)
    state = engine.account(NAME)
    assert len(state.orders) == 3
    assert len(state.trades) == 2
    assert resting.order_id in state.orders
    engine.trim(1)
    stop_ids = set(state.algos)
    assert waiting.algo_id in stop_ids


acts = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.sampled_from(["LONG", "SHORT"]),
        st.integers(1, 60),
        st.integers(-300, 300),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(acts)
def test_the_wallet_moves_by_profit_and_fees_and_fills_make_the_position(steps: list) -> None:
    engine = make(depth=D(1500))
    price = D(50_000)
    for at, (side, leg, thousandths, move) in enumerate(steps, start=10):
        price += move
        engine.set_price("BTCUSDT", price, at)
        try:
            order(engine, side=side, position_side=leg, quantity=D(thousandths) / 1000, now_ms=at)
        except VenueRefusal:
            continue
    trades = engine.trades(NAME, "BTCUSDT", limit=100_000)
    earned = sum((t.realized_pnl - t.commission for t in trades), D(0))
    assert engine.balance(NAME).wallet == D(10_000) + earned
    for leg, sign in (("LONG", 1), ("SHORT", -1)):
        filled = sum(
            (t.quantity * (1 if t.side == "BUY" else -1) for t in trades if t.position_side == leg), D(0)
        )
        assert filled == amount(engine, leg)
        assert amount(engine, leg) * sign >= 0, "a leg never crosses zero"


def test_an_order_good_till_a_date_ends_then() -> None:
    engine = make()
    words = {"type": "LIMIT", "price": D(49_000), "time_in_force": "GTD"}
    with pytest.raises(VenueRefusal, match="goodTillDate"):
        order(engine, **words, good_till_ms=600_002)
    resting = order(engine, **words, good_till_ms=700_000)
    engine.set_price("BTCUSDT", D(50_001), 699_999)
    assert resting.status == "NEW"
    engine.set_price("BTCUSDT", D(48_000), 700_000)
    assert (resting.status, resting.executed) == ("EXPIRED", 0)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"client_order_id": "market"}, -2013),
        ({"side": "SELL"}, -1117),
        ({"price": D("49000.05")}, -4014),
        ({"quantity": D("0.1005")}, -1111),
        ({"price": D(49_000)}, -5027),
        ({"quantity": D(90)}, -2019),
    ],
)
def test_what_cannot_be_amended_stays_as_it_was(words: dict[str, object], code: int) -> None:
    engine = make()
    order(engine, client_order_id="market")
    resting = order(engine, type="LIMIT", price=D(49_000), client_order_id="rest")
    wanted = {"client_order_id": "rest", "side": "BUY", "quantity": D("0.1"), "price": D(49_500)} | words
    with pytest.raises(VenueRefusal) as refusal:
        engine.amend(NAME, "BTCUSDT", **wanted, now_ms=5)
    assert (refusal.value.code, resting.price, resting.status) == (code, D(49_000), "NEW")


def test_an_amended_quantity_that_filled_already_ends_the_order() -> None:
    engine = make(depth=D(2500))
    resting = order(engine, type="LIMIT", price=D(50_000), client_order_id="rest")
    assert resting.executed == D("0.05")
    wanted = {"side": "BUY", "quantity": D("0.05"), "price": D(49_000)}
    ended = engine.amend(NAME, "BTCUSDT", client_order_id="rest", **wanted, now_ms=5)
    assert (ended.status, ended.executed) == ("CANCELED", D("0.05"))
