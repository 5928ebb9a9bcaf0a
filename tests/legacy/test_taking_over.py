"""Live positions of the first bot, held on the paper exchange, become the running bot's own: those that it shows, as it
shows them. All others wait, and say why."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.management import CommandError
from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.paper.venue import now_ms
from ops.models import LegacyRow
from positions.lifecycle import CloseReason
from positions.models import FillCursor, OlderOrder, Order, Position, RiskEvent
from positions.services import orders
from positions.services.closing import request_close
from positions.services.gap_filling import read_all
from positions.services.reconciliation import reconcile_account
from tests.legacy.importing import an_old_bot, import_now, outcomes, sql
from tests.positions.services.conftest import Desk, desk
from tests.trailing.conftest import sweep_and_ask

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
HELD = {"BTCUSDT": ("BUY", "0.004"), "ETHUSDT": ("SELL", "0.1"), "SOLUSDT": ("BUY", "2"), "DOGEUSDT": ("SELL", "1000"),
        "BNBUSDT": ("BUY", "0.5")}  # fmt: skip
AN_HOUR = 3_600_000


@pytest.fixture
def empty(desk: Desk, settings) -> ExchangeAccount:
    """The account that is to hold what the old bot opened on Binance, before it does."""
    account = desk.account
    account.position_mode = "one_way"
    account.save()
    desk.engine.open_account(desk.paper_name, D(10_000))
    settings.LEGACY_ACCOUNTS = {"binance": account.name}
    an_old_bot(1)
    sql("UPDATE monitoring.positions SET updated_at = now() AT TIME ZONE 'UTC'")
    return account


@pytest.fixture
def mine(desk: Desk, empty: ExchangeAccount) -> ExchangeAccount:
    """It holds all but what was begun and never bought; what the old bot had at Bybit is on no account."""
    for symbol, (side, quantity) in HELD.items():
        trade(desk, symbol, side, quantity, an_hour_ago=True)
    return empty


def trade(desk: Desk, symbol: str, side: str, quantity: str, *, an_hour_ago: bool = False) -> None:
    at = now_ms() - (AN_HOUR if an_hour_ago else 0)
    desk.engine.place(
        desk.paper_name, symbol=symbol, side=side, type="MARKET", quantity=D(quantity), position_side="BOTH",
        client_order_id=f"old-{symbol}-{at}", now_ms=at,
    )  # fmt: skip


def taken(symbol: str) -> Position:
    return Position.objects.get(instrument__exchange_symbol=symbol, is_live=True)


def row(legacy_id: int) -> LegacyRow:
    return LegacyRow.objects.get(table="monitoring.positions", legacy_id=str(legacy_id))


def waits(legacy_id: int) -> str:
    found = row(legacy_id)
    assert found.outcome == "waiting", found
    return found.reason


def a_row(legacy_id: int, side: str, quantity: str, entry: str, opened: str, symbol: str = "BTCUSDT") -> None:
    sql(
        "INSERT INTO monitoring.positions (id, signal_id, symbol, exchange, side, quantity, entry_price, status, "
        "opened_at, created_at, updated_at) VALUES (%s, %s, %s, 'binance', %s, %s, %s, 'ACTIVE', %s, %s, %s)",
        legacy_id, 1_200_000 + legacy_id, symbol, side, D(quantity), D(entry), opened, opened, opened,
    )  # fmt: skip


def reconcile(account: ExchangeAccount, seconds_later: int = 0) -> None:
    before = timezone.now() - timedelta(seconds=seconds_later + 1)
    Order.objects.update(updated_at=before)
    Position.objects.update(updated_at=before)
    for column in ("absent_since", "differs_since"):
        Position.objects.exclude(**{column: None}).update(**{column: before})
    reconcile_account(account.pk)


def send_all() -> None:
    for order in Order.objects.filter(status="initialized"):
        orders.submit(order.pk)


def test_live_positions_are_compared_protected_and_trailed_from_their_best_price(
    desk: Desk, mine: ExchangeAccount
) -> None:
    paid = {one.symbol: one.entry_price for one in desk.engine.positions(desk.paper_name)}
    desk.engine.set_price("BTCUSDT", D(97900), now_ms())
    desk.engine.set_price("ETHUSDT", D(3495), now_ms())
    desk.engine.set_price("SOLUSDT", D(190), now_ms())
    import_now()
    assert outcomes("monitoring.positions") == {"imported": 287 + len(HELD), "waiting": 13 - len(HELD)}
    assert outcomes("monitoring.trailing_stop_state") == {"imported": 4, "waiting": 5, "skipped": 29}
    btc, eth, bnb = taken("BTCUSDT"), taken("ETHUSDT"), taken("BNBUSDT")
    assert (btc.status, btc.quantity, btc.average_entry_price) == ("open", D("0.004"), paid["BTCUSDT"])
    assert (btc.signal_id, btc.position_idx) == ("1200301", 0)
    trail = btc.trailing_stop
    assert (trail.state, trail.high_water_mark, trail.stop_price) == ("active", D(98100), D("97609.5"))
    assert (eth.position_side, eth.trailing_stop.high_water_mark) == ("short", D(3490))
    # it was begun by the old bot, which did not learn that it had bought
    assert (bnb.status, bnb.quantity, bnb.signal_id) == ("open", D("0.5"), "1200304")
    assert waits(306) == f"ADAUSDT long: the paper exchange of account {mine.name} does not show it"

    sweep_and_ask(timezone.now())
    send_all()
    stops = {o.symbol: o for o in Order.objects.filter(purpose="protect", status="accepted")}
    assert set(stops) == set(HELD)
    assert (stops["BTCUSDT"].trigger_price, stops["BTCUSDT"].quantity) == (D("97609.5"), D("0.004"))
    assert stops["ETHUSDT"].trigger_price == D("3507.45")

    desk.engine.set_price("BTCUSDT", D(99000), now_ms())
    sweep_and_ask(timezone.now())
    send_all()
    assert taken("BTCUSDT").trailing_stop.stop_price == D("98505")
    reconcile(mine)
    reconcile(mine, seconds_later=10)
    assert Position.objects.filter(is_live=True, absent_since=None, differs_since=None).count() == len(HELD)


def test_what_the_exchange_shows_is_taken_and_what_the_row_said_is_kept_as_a_note(
    desk: Desk, mine: ExchangeAccount
) -> None:
    """Older bots wrote down the price of the signal, and lost count of parts that were sold."""
    trade(desk, "SOLUSDT", "SELL", "0.5")
    (shown,) = [one for one in desk.engine.positions(desk.paper_name) if one.symbol == "SOLUSDT"]
    sql("UPDATE monitoring.positions SET entry_price = 170 WHERE id = 303")
    import_now()
    sol = taken("SOLUSDT")
    assert (sol.quantity, sol.average_entry_price) == (D("1.5"), shown.entry_price)
    assert sol.trailing_stop.entry_price == shown.entry_price
    note = f"its row said 2 at 170; the exchange shows 1.5 at {shown.entry_price.normalize():f}"
    assert row(303).reason.startswith(note)
    event = RiskEvent.objects.get(event_type="older_entry_differs", position_id=str(sol.pk))
    assert (event.details["on_record"], event.risk_level) == ("170.00000000", "high")


def test_what_was_executed_before_counts_no_second_time_and_what_ends_it_is_heard(
    desk: Desk, mine: ExchangeAccount
) -> None:
    """A part was bought and sold before it was taken over; the listing shows it, too."""
    trade(desk, "BTCUSDT", "BUY", "0.004", an_hour_ago=True)
    trade(desk, "BTCUSDT", "SELL", "0.004", an_hour_ago=True)
    import_now()
    FillCursor.objects.filter(symbol="BTCUSDT").update(read_at=timezone.now() - timedelta(hours=2))
    read_all(mine)
    btc = taken("BTCUSDT")
    assert (btc.quantity, btc.unexplained_quantity) == (D("0.004"), D("0.004"))
    paid = btc.average_entry_price
    trade(desk, "BTCUSDT", "SELL", "0.004")
    Position.objects.filter(pk=btc.pk).update(created_at=btc.created_at - timedelta(seconds=3))
    FillCursor.objects.filter(symbol="BTCUSDT").update(read_at=timezone.now() - timedelta(minutes=2))
    read_all(mine)
    reconcile(mine)
    btc.refresh_from_db()
    assert (btc.status, btc.close_reason, btc.quantity) == ("closed", "external", D(0))
    assert btc.realized_pnl == (btc.average_exit_price - paid) * D("0.004")


def test_each_leg_of_a_contract_hears_what_ends_it(desk: Desk, empty: ExchangeAccount) -> None:
    """Whenever the older bot wrote either of them last."""
    desk.engine.set_dual_side(desk.paper_name, True)
    ExchangeAccount.objects.filter(pk=empty.pk).update(position_mode="hedge")
    a_row(401, "short", "0.004", "98000", "2025-11-21")
    for side, leg in (("BUY", "LONG"), ("SELL", "SHORT")):
        desk.engine.place(
            desk.paper_name, symbol="BTCUSDT", side=side, type="MARKET", quantity=D("0.004"), position_side=leg,
            client_order_id=f"old-{leg}", now_ms=now_ms() - AN_HOUR,
        )  # fmt: skip
    import_now()
    legs = Position.objects.filter(is_live=True, instrument__exchange_symbol="BTCUSDT").order_by(
        "position_idx"
    )
    assert [(one.position_idx, one.signal_id) for one in legs] == [(1, "1200301"), (2, "1200401")]
    long = legs[0]
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="SELL", type="MARKET", quantity=D("0.004"), position_side="LONG",
        client_order_id="old-exit", now_ms=now_ms(),
    )  # fmt: skip
    FillCursor.objects.update(read_at=timezone.now() - timedelta(hours=2))
    read_all(empty)
    long.refresh_from_db()
    assert (long.status, long.close_reason) == ("closed", "external")
    assert long.realized_pnl == (long.average_exit_price - long.average_entry_price) * D("0.004")


def test_on_paper_first_nothing_is_lost(desk: Desk, empty: ExchangeAccount) -> None:
    """Nothing is held there, so all of it waits, and is found by the run that sees it."""
    import_now()
    reconcile(empty)
    reconcile(empty, seconds_later=10)
    assert outcomes("monitoring.positions") == {"imported": 287, "waiting": 13}
    assert not Position.objects.filter(is_live=True).exists()
    trade(desk, "BTCUSDT", "BUY", "0.004")
    import_now()
    assert taken("BTCUSDT").signal_id == "1200301"


def test_an_account_that_does_not_exist_is_not_made(settings, desk: Desk) -> None:
    settings.LEGACY_ACCOUNTS = {"binance": "mian"}
    an_old_bot(1)
    with pytest.raises(CommandError, match="names mian, and there is no such account"):
        import_now()
    assert not ExchangeAccount.objects.filter(name="mian").exists()


@pytest.mark.parametrize(
    ("has_keys", "is_confirmed", "why"),
    [(False, True, "has no API keys"), (True, False, "is not confirmed for live trading")],
)
def test_for_real_only_an_account_with_keys_that_was_confirmed_is_asked(
    has_keys: bool, is_confirmed: bool, why: str, mine: ExchangeAccount, settings
) -> None:
    settings.DRY_RUN = False
    mine.api_key = mine.api_secret = "never-sent" if has_keys else ""
    mine.is_live_confirmed = is_confirmed
    mine.save()
    import_now()
    assert waits(301) == (
        f"BTCUSDT long: the exchange of account {mine.name} cannot be asked: The account {mine.name} {why}."
    )
    assert not Position.objects.filter(is_live=True).exists()


def test_in_another_position_mode_they_wait(desk: Desk, mine: ExchangeAccount) -> None:
    """Their exits would all be refused."""
    mine.position_mode = "hedge"
    mine.save()
    import_now()
    assert "is set to hedge mode here and is in one-way mode at the exchange" in waits(301)
    assert not Position.objects.filter(is_live=True).exists()
    mine.refresh_from_db()
    mine.position_mode = "one_way"
    mine.save()
    import_now()
    assert taken("BTCUSDT").position_idx == 0


def test_of_two_rows_the_one_that_the_exchange_shows_is_taken(mine: ExchangeAccount) -> None:
    """Upper case got past the old bot's unique index: 300 and 299 are phantoms of 301."""
    a_row(300, "short", "0.5", "60000", "2025-10-01")
    a_row(299, "LONG", "0.5", "60000", "2025-10-01")
    import_now()
    assert taken("BTCUSDT").signal_id == "1200301"
    assert waits(300) == (
        f"BTCUSDT short: the paper exchange of account {mine.name} does not show it, but the other leg"
    )
    assert waits(299) == "BTCUSDT long: the exchange shows one, and row 301 is likelier to be it"


def test_of_two_rows_of_a_leg_that_is_not_shown_none_is_taken(empty: ExchangeAccount) -> None:
    a_row(299, "LONG", "0.004", "60000", "2025-10-01")
    import_now()
    assert waits(299) == waits(301)


def test_a_leg_that_is_live_here_already_waits(mine: ExchangeAccount) -> None:
    import_now()
    live = Position.objects.filter(is_live=True).count()
    sql("DELETE FROM legacy_rows WHERE legacy_id = '301'")
    import_now()
    assert Position.objects.filter(is_live=True).count() == live
    assert waits(301).endswith(f"of account {mine.name} is live there already")


def test_what_somebody_opened_since_is_not_taken_for_a_row_that_waited(
    desk: Desk, mine: ExchangeAccount
) -> None:
    a_row(299, "LONG", "0.5", "60000", "2025-10-01")
    import_now()
    btc = taken("BTCUSDT")
    desk.engine.set_price("BTCUSDT", D(97900), now_ms())
    request_close(btc.pk, reason=CloseReason.MANUAL, requested_by="me")
    send_all()
    trade(desk, "BTCUSDT", "BUY", "0.5")
    import_now()
    assert (
        waits(299)
        == f"BTCUSDT long: position {btc.pk} came after it and has ended here, so what is held is not this"
    )


def test_a_state_that_the_old_bot_wrote_anew_goes_with_its_new_position(
    desk: Desk, mine: ExchangeAccount
) -> None:
    """It went on for a while ("way back 1"), closed 301 and opened again: the same state row."""
    import_now()
    trade(desk, "BTCUSDT", "SELL", "0.004")
    read_all(mine)
    reconcile(mine)
    sql("UPDATE monitoring.positions SET status = 'closed', closed_at = now() WHERE id = 301")
    trade(desk, "BTCUSDT", "BUY", "0.004")
    now = timezone.now()
    a_row(401, "long", "0.004", "98000", now.replace(tzinfo=None).isoformat())
    paid = desk.engine.prices["BTCUSDT"]
    sql(
        "UPDATE monitoring.trailing_stop_state SET entry_price = %s, highest_price = %s, current_stop_price = NULL, "
        "state = 'inactive', is_activated = false, position_id = 401, "
        "last_update_time = clock_timestamp() AT TIME ZONE 'UTC' WHERE id = 101",
        98000, paid,
    )  # fmt: skip
    import_now()
    again = Position.objects.get(instrument__exchange_symbol="BTCUSDT", is_live=True)
    assert again.signal_id == "1200401"
    state = LegacyRow.objects.get(table="monitoring.trailing_stop_state", legacy_id="101")
    assert (state.outcome, state.our_id) == ("imported", str(again.pk))


def test_a_live_row_that_cannot_be_written_waits(mine: ExchangeAccount) -> None:
    sql("ALTER TABLE positions ADD CONSTRAINT no_half_coin CHECK (signal_id <> '1200304' OR quantity = 0)")
    sql("UPDATE monitoring.positions SET side = 'sideways' WHERE id = 303")
    import_now()
    assert waits(304) == "our table refuses it: no_half_coin"
    assert waits(303) == "side 'sideways' is neither long nor short"
    assert taken("BTCUSDT").signal_id == "1200301"


def test_while_its_exchange_does_not_answer_it_waits(mine: ExchangeAccount, settings) -> None:
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"
    import_now()
    assert waits(301).startswith(f"BTCUSDT long: the paper exchange of account {mine.name} cannot be asked: ")


def its_stop(desk: Desk, symbol: str, side: str, quantity: str, trigger: str) -> None:
    desk.engine.place_algo(
        desk.paper_name, symbol=symbol, side=side, type="STOP_MARKET", quantity=D(quantity), position_side="BOTH",
        reduce_only=True, trigger_price=D(trigger), client_algo_id=f"b-{symbol}-stop", now_ms=now_ms() - AN_HOUR,
    )  # fmt: skip


def still_there(desk: Desk, symbol: str) -> list[str]:
    return [
        one.client_algo_id
        for one in desk.engine.open_algos(desk.paper_name, symbol)
        if "-stop" in one.client_algo_id
    ]


def told(event_type: str) -> list[str]:
    rows = RiskEvent.objects.filter(event_type=event_type).order_by("pk")
    return [row.details["order"] for row in rows]


def test_the_old_bots_stop_is_taken_back_when_ours_stands_and_not_before(
    desk: Desk, mine: ExchangeAccount
) -> None:
    its_stop(desk, "BTCUSDT", "SELL", "0.004", "95060")
    import_now()
    reconcile(mine)
    assert still_there(desk, "BTCUSDT") == told("older_order_left") == ["b-BTCUSDT-stop"]
    desk.engine.set_price("BTCUSDT", D(97900), now_ms())
    sweep_and_ask(timezone.now())
    send_all()
    reconcile(mine)
    assert still_there(desk, "BTCUSDT") == []
    reconcile(mine)
    OlderOrder.objects.update(missing_since=timezone.now() - timedelta(seconds=10))
    reconcile(mine)
    assert told("older_order_taken_back") == ["b-BTCUSDT-stop"]
    assert taken("BTCUSDT").status == "open"


def test_the_old_bots_stop_is_the_least_that_ours_protects(desk: Desk, mine: ExchangeAccount) -> None:
    """Its rows say 183.26, and it had moved the stop at the exchange up to 186 since."""
    its_stop(desk, "SOLUSDT", "SELL", "2", "186")
    sql("DELETE FROM monitoring.trailing_stop_state WHERE id = 103")
    import_now()
    assert taken("SOLUSDT").trailing_stop.stop_price == D(186)


def test_the_old_bots_stop_does_not_outlive_the_position(desk: Desk, mine: ExchangeAccount) -> None:
    """No stop of ours was ever placed: it goes with the position, and sells no later one."""
    its_stop(desk, "BTCUSDT", "SELL", "0.004", "95060")
    import_now()
    request_close(taken("BTCUSDT").pk, reason=CloseReason.MANUAL, requested_by="me")
    send_all()
    assert not Position.objects.filter(is_live=True, instrument__exchange_symbol="BTCUSDT").exists()
    assert still_there(desk, "BTCUSDT") == ["b-BTCUSDT-stop"]
    reconcile(mine)
    assert still_there(desk, "BTCUSDT") == []


def test_what_a_person_placed_stays(desk: Desk, mine: ExchangeAccount) -> None:
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="SELL", type="LIMIT", quantity=D("0.004"), price=D(120_000),
        position_side="BOTH", reduce_only=True, client_order_id="web_mine", now_ms=now_ms() - AN_HOUR,
    )  # fmt: skip
    import_now()
    assert not OlderOrder.objects.exists()


def test_a_state_of_an_earlier_position_is_not_taken(desk: Desk, mine: ExchangeAccount) -> None:
    sql(
        "UPDATE monitoring.trailing_stop_state SET position_id = 301, entry_price = 108000, highest_price = 112000, "
        "current_stop_price = 111440, last_update_time = '2025-10-27' WHERE symbol = 'BTCUSDT' AND exchange = 'binance'"
    )
    desk.engine.set_price("BTCUSDT", D(97900), now_ms())
    import_now()
    btc = taken("BTCUSDT")
    assert (btc.trailing_stop.state, btc.trailing_stop.high_water_mark, btc.trailing_stop.stop_price) == (
        "waiting", None, D(95060),
    )  # fmt: skip
    assert row(301).reason.endswith(
        "trailing state 101 is left out: it was entered at 108000, the position at 97000"
    )
    sweep_and_ask(timezone.now())
    assert taken("BTCUSDT").status == "open"


def test_a_stop_that_the_market_has_passed_sells_nothing(desk: Desk, mine: ExchangeAccount) -> None:
    desk.engine.set_price("BTCUSDT", D(97400), now_ms())
    import_now()
    sweep_and_ask(timezone.now())
    send_all()
    btc = taken("BTCUSDT")
    assert (btc.status, btc.trailing_stop.stop_price) == ("open", D(96913))
    event = RiskEvent.objects.get(event_type="older_stop_passed", position_id=str(btc.pk))
    assert D(event.details["older_stop"]) == D("97609.5")
