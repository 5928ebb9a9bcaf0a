"""A venue that is away: what is still known, where entries go, and what must be true before they come back."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import _django_db_helper

from exchanges import session
from exchanges.marks import publish_prices
from exchanges.models import AccountWatch, ExchangeAccount, Instrument
from exchanges.paper.matching import Engine
from exchanges.types import PositionMode, PriceTick
from positions import tasks
from positions.breaker import Patience
from positions.canary import limit_at
from positions.canary_models import CanaryOrder, CanaryRun
from positions.live_rows import position_row
from positions.models import Order, Position, RiskEvent
from positions.queries import held_positions, notices
from positions.services import canary, catching_up, lookups, orders, reconciliation, stop_refusals
from positions.services.balances import get_total_balance, last_known_balances
from positions.services.instruments import refresh_instruments
from positions.services.opening import Opened, open_position
from positions.sizing import Skip
from signals_app.models import Strategy, StrategyAccount
from signals_app.services.arrivals import EntryVerdict, Verdict
from tests.builders import a_balance, a_ticker, an_account, trades_on
from tests.conftest import ADDRESS, _forget
from tests.exchanges.conftest import floor, wired
from tests.exchanges.floor import Floor
from tests.ports import free_port
from tests.signals_app.test_intake import a_trader, frame, receive
from trailing import sweeping
from trailing.models import PlanVersion, PriceWatch, TrailingStop
from trailing.services import protect

# a story in this process, which rolls back: other processes of this folder's stories must not work on its rows
__all__ = ["_django_db_helper", "floor", "wired"]

BTC = "BTCUSDT"
ALGO = {"method": "POST", "path": "/fapi/v1/algoOrder"}
NOT_SUPPORTED = json.dumps({"code": -4120, "msg": "Order type not supported for this endpoint."})


@pytest.fixture
def refusing(db, engine: Engine, settings) -> ExchangeAccount:
    """A primary whose port nobody listens at, beside a venue that answers."""
    settings.PAPER_EXCHANGE_URL = f"http://127.0.0.1:{free_port()}"
    settings.PAPER_EXCHANGE_URLS = {"bybit": ADDRESS}
    an_account(name="second", venue="bybit")
    return an_account(name="primary")


def test_the_total_is_known_while_the_primary_refuses_connections(refusing: ExchangeAccount) -> None:
    found = get_total_balance()
    assert found.total == found.fresh == D(10_000)
    [away] = found.unreachable
    assert (away.account, away.equity, away.why) == ("primary", None, "The exchange could not be reached.")
    assert not found.is_complete


def test_what_it_said_last_stands_apart_with_its_age(refusing: ExchangeAccount) -> None:
    told_at = timezone.now() - timedelta(minutes=3)
    a_balance(refusing, equity=D(2500), reported_at=told_at)
    found = get_total_balance()
    assert (found.total, found.fresh, found.last_known) == (D(12_500), D(10_000), D(2500))
    assert found.unreachable[0].told_at == told_at


def test_nobody_answering_is_unknown_and_never_zero(refusing: ExchangeAccount) -> None:
    ExchangeAccount.objects.exclude(pk=refusing.pk).delete()
    found = get_total_balance()
    assert (found.total, found.fresh) == (None, None)


def test_one_that_never_answers_holds_up_nobody(refusing: ExchangeAccount, settings) -> None:
    settings.BALANCE_SECONDS = 2
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        settings.PAPER_EXCHANGE_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = get_total_balance()
        session.close_all()
    assert found.fresh == D(10_000)
    assert found.unreachable[0].why == "no answer within 2 s"


def test_the_command_says_it_in_a_table_and_for_programs(refusing: ExchangeAccount) -> None:
    out = StringIO()
    call_command("balance", stdout=out)
    lines = out.getvalue().splitlines()
    assert "never told; not reachable: The exchange could not be reached." in lines[1]
    assert "1 of 2 not reachable" in lines[-1]
    out = StringIO()
    call_command("balance", "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert (said["total"], said["complete"]) == ("10000", False)
    assert [one["reachable"] for one in said["accounts"]] == [False, True]


def test_the_page_shows_what_is_old_as_old(refusing: ExchangeAccount, admin_client) -> None:
    a_balance(refusing, equity=D(2500), reported_at=timezone.now() - timedelta(minutes=3))
    a_balance(ExchangeAccount.objects.get(name="second"))
    told = admin_client.get("/health/").json()["balance"]
    assert (told["total"], told["fresh"]) == ("12500.00000000", "10000.00000000")
    assert last_known_balances().unreachable[0].why == "not renewed since"


# stops are refused


def stops_are_refused(floor: Floor) -> None:
    floor.wired.server.faults.plan(**ALGO, kind="answer", status=400, body=NOT_SUPPORTED, times=1000)


def hears(price: int) -> None:
    """What the market process does with a price that the stream tells."""
    tick = PriceTick(BTC, D(price), timezone.now())
    publish_prices("binance", [(BTC, tick)])


def bare(floor: Floor) -> Position:
    """A position whose stop the exchange refuses for what it is, long enough ago to be closed for it."""
    position = floor.filled()
    stops_are_refused(floor)
    protect(position.pk)
    assert floor.submit(position, "protect").reason.startswith("-4120")
    long_ago = timezone.now() - settings.UNPROTECTED_CLOSE_AFTER - timedelta(seconds=5)
    Position.objects.update(unprotected_since=long_ago, opened_at=long_ago - timedelta(seconds=60))
    TrailingStop.objects.update(known_until=timezone.now())
    return position


def sweep(position: Position) -> Position:
    sweeping.sweep(timezone.now())
    position.refresh_from_db()
    return position


def events_told() -> list[tuple[str, str]]:
    return list(RiskEvent.objects.order_by("pk").values_list("event_type", "risk_level"))


def test_a_refused_stop_ends_entries_and_its_level_is_watched_here(floor: Floor, marks) -> None:
    position = bare(floor)
    hears(100_000)
    sweep(position)
    assert position.status == "open", "no panic: its level is watched"
    assert position.software_stop_since is not None
    assert ("stops_refused", "critical") in events_told()
    assert ("software_stop", "high") in events_told()
    refused = open_position(floor.propose("ETHUSDT"))
    assert isinstance(refused, Skip)
    way_back = f"manage.py canary {floor.account.name}"
    assert way_back in refused.reason
    assert [way_back in one["todo"] for one in notices()] == [True]
    assert (refused.code, "-4120" in refused.reason) == ("stops_refused", True)
    [shown] = held_positions()
    assert position_row(shown, timezone.now())["shown"]["stop"] == "98,000.0 watched here"


def test_a_crossed_software_stop_closes_at_once(floor: Floor, marks) -> None:
    position = bare(floor)
    hears(100_000)
    sweep(position)
    floor.wired.venue.set_price(BTC, D(97_900))
    hears(97_900)
    sweep(position)
    assert (position.status, position.close_reason) == ("closing", "stop_loss")
    assert floor.submit(position, "close").status == "filled"
    assert floor.held() == 0


def test_without_prices_nobody_watches_and_being_bare_ends_it(floor: Floor, marks) -> None:
    assert (sweep(bare(floor)).status, Position.objects.get().close_reason) == ("closing", "unprotected")


def watched(floor: Floor) -> Position:
    position = bare(floor)
    hears(100_000)
    assert sweep(position).software_stop_since is not None
    return position


def is_closed_for_being_bare(position: Position) -> bool:
    """Not at once, but in the usual time."""
    assert (position.status, position.software_stop_since) == ("open", None)
    assert held_positions()[0].is_unprotected
    long_ago = timezone.now() - settings.UNPROTECTED_CLOSE_AFTER - timedelta(seconds=1)
    Position.objects.update(unprotected_since=long_ago)
    return sweep(position).close_reason == "unprotected"


def test_prices_that_are_lost_for_a_moment_close_nothing(floor: Floor, marks) -> None:
    position = watched(floor)
    _forget(marks)
    assert sweep(position).status == "open"
    assert events_told()[-1] == ("software_stop_ended", "high")
    hears(100_000)
    assert sweep(position).software_stop_since is not None
    _forget(marks)
    assert is_closed_for_being_bare(sweep(position))


def away_for_minutes(floor: Floor) -> None:
    """And its candles cannot be had."""
    TrailingStop.objects.update(known_until=timezone.now() - timedelta(minutes=3))
    PriceWatch.objects.all().delete()
    for path in ("/fapi/v1/markPriceKlines", "/fapi/v1/klines"):
        fault(floor, "GET", path, kind="answer", status=503, times=1000)


def test_a_level_whose_best_price_is_not_known_is_no_software_stop(floor: Floor, marks) -> None:
    position = watched(floor)
    away_for_minutes(floor)
    assert is_closed_for_being_bare(sweep(position))


def test_beyond_its_level_the_price_of_now_closes_a_bare_position_that_is_behind(floor: Floor, marks) -> None:
    position = watched(floor)
    away_for_minutes(floor)
    for price in (99_000, 97_900):
        assert sweep(position).status == "open"
        hears(price)
    assert (sweep(position).status, position.close_reason) == ("closing", "stop_loss")


def test_who_is_behind_and_bare_is_not_told_of_a_stop_on_the_exchange(floor: Floor, marks) -> None:
    position = bare(floor)
    away_for_minutes(floor)
    catching_up.catch_up(timezone.now())
    told = RiskEvent.objects.get(event_type="best_price_unknown", position_id=str(position.pk))
    assert told.details["until_then"].startswith("no stop stands on the exchange")


def a_plan_of_later(position: Position) -> PlanVersion:
    """With words that this version does not know."""
    return PlanVersion.objects.create(digest="later", body=position.plan.body | {"a_later_word": 1})


def test_a_level_whose_plan_cannot_be_read_is_no_software_stop(floor: Floor, marks) -> None:
    position = watched(floor)
    Position.objects.update(plan=a_plan_of_later(position))
    assert is_closed_for_being_bare(sweep(position))


def test_when_stops_are_taken_again_the_stop_stands_and_entries_come_back(
    floor: Floor, marks, settings
) -> None:
    settings.STOPS_PROVEN_APART = timedelta(0)
    position = bare(floor)
    hears(100_000)
    sweep(position)
    floor.wired.server.faults.clear()
    for _ in range(2):
        assert isinstance(open_position(floor.propose("ETHUSDT")), Skip)
        stop_refusals.taken(floor.account.pk, timezone.now())
    sweep(position)
    assert floor.submit(position, "protect").status == "accepted"
    sweep(position)
    assert (position.status, position.software_stop_since, position.unprotected_since) == ("open", None, None)
    assert isinstance(open_position(floor.propose("ETHUSDT")), Opened)


def test_an_entry_on_the_wire_when_stops_are_refused_does_not_rest(floor: Floor) -> None:
    opened = open_position(floor.propose(BTC, entry=limit_at(D(99_000))))
    assert isinstance(opened, Opened)
    order = Order.objects.get(position=opened.position_id)
    Order.objects.update(status="submitted", submitted_at=timezone.now())
    stop_refusals.refused(floor.account.pk, "-4120")
    Order.objects.update(status="accepted")
    tasks.call_off_overtaken_entries()
    order.refresh_from_db()
    assert order.status == "pending_cancel"


def test_a_refusal_for_its_numbers_says_nothing_of_stops(floor: Floor) -> None:
    position = floor.filled()
    body = json.dumps({"code": -2021, "msg": "Order would immediately trigger."})
    floor.wired.server.faults.plan(**ALGO, kind="answer", status=400, body=body)
    protect(position.pk)
    floor.submit(position, "protect")
    assert not AccountWatch.objects.filter(stops_refused_since__isnull=False).exists()


# a venue goes away and comes back


@dataclass
class Town:
    """A strategy on the primary, for which another venue's account stands in; both are this process's engine while they
    are up."""

    settings: Any
    primary: ExchangeAccount
    second: ExchangeAccount
    place: StrategyAccount

    def up(self) -> None:
        self.settings.PAPER_EXCHANGE_URLS = {"binance": ADDRESS, "bybit": ADDRESS}

    def down(self) -> None:
        refusing = f"http://127.0.0.1:{free_port()}"
        self.settings.PAPER_EXCHANGE_URLS = {"binance": refusing, "bybit": ADDRESS}

    def compare(self) -> str:
        """Rows must be older than the question."""
        past = timezone.now() - timedelta(seconds=1)
        Order.objects.update(updated_at=past)
        Position.objects.update(updated_at=past)
        reconciliation.reconcile_all()
        return AccountWatch.objects.get(account=self.primary).breaker

    def signal(self, phrase: str, symbol: str = BTC) -> EntryVerdict:
        (entry,) = receive(frame(phrase, symbol=symbol)).entries
        return entry

    def fill(self, position_id: int | None) -> Position:
        """One of the venues only acknowledges at first."""
        order = Order.objects.get(position=position_id, purpose="entry")
        orders.submit(order.pk)
        lookups.resolve(order.pk)
        return Position.objects.get(pk=position_id)


@pytest.fixture
def town(db, engine: Engine, settings) -> Town:
    settings.BREAKER_PATIENCE = Patience(failures=3, blip=timedelta(0), comparisons=2, apart=timedelta(0))
    primary, second = an_account(name="primary"), an_account(name="second", venue="bybit")
    place = StrategyAccount.objects.get(strategy=a_trader(primary))
    place.failover_account = second
    place.save()
    made = Town(settings, primary, second, place)
    made.up()
    refresh_instruments()
    a_ticker("BTCUSDT")
    a_ticker("ETHUSDT")
    return made


def test_a_venue_goes_away_and_comes_back(town: Town) -> None:
    held = town.fill(town.signal("UP").position_id)
    assert held.account == town.primary
    assert town.compare() == "closed"
    known = AccountWatch.objects.get(account=town.primary).reconciled_at

    town.down()
    assert [town.compare() for _ in range(3)] == ["closed", "closed", "open"]
    [shown] = held_positions()
    assert (shown.is_unverified, shown.verified_at) == (True, known)
    assert "UNVERIFIED" in position_row(shown, timezone.now())["shown"]["state"]
    assert [(one["account"], one["state"]) for one in notices()] == [("primary", "unreachable")]
    held.refresh_from_db()
    assert (held.status, held.absent_since) == ("open", None), "what does not answer says nothing"

    entry = town.signal("UP", "ETHUSDT")
    instead = town.fill(entry.position_id)
    assert (entry.account_id, instead.account, instead.status) == (town.primary.pk, town.second, "open")
    assert entry.note.startswith("second stands in: primary is unreachable since")
    assert town.signal("EXIT", "ETHUSDT").status == "closed", "it is this strategy's, wherever it stands"

    town.up()
    assert [town.compare() for _ in range(3)] == ["recovering", "recovering", "closed"]
    assert not held_positions([held.pk])[0].is_unverified
    again = town.signal("DOWN", "ETHUSDT")
    assert Position.objects.get(pk=again.position_id).account == town.primary


def test_without_one_that_stands_in_the_verdict_says_why(town: Town) -> None:
    StrategyAccount.objects.update(failover_account=None)
    town.down()
    while town.compare() != "open":
        pass
    entry = town.signal("UP")
    assert (entry.status, entry.reason_code) == ("skipped", "unreachable")
    assert "primary is unreachable since" in entry.note


def test_one_that_stands_in_is_asked_for_its_own_limits(town: Town) -> None:
    ExchangeAccount.objects.filter(pk=town.second.pk).update(max_exposure=10)
    town.down()
    while town.compare() != "open":
        pass
    entry = town.signal("UP")
    assert (entry.status, entry.account_id) == ("skipped", town.primary.pk)
    assert "second stands in: primary is unreachable" in entry.note
    assert not Order.objects.exists()


def goes_away(town: Town) -> None:
    town.down()
    while town.compare() != "open":
        pass


def comes_back(town: Town) -> None:
    town.up()
    while town.compare() != "closed":
        pass


def live() -> set[tuple[str, str, str]]:
    return set(Position.objects.filter(is_live=True).values_list("account__name", "position_side", "status"))


def verdict_on(account: ExchangeAccount, verdict: Verdict) -> str:
    return next(entry.status for entry in verdict.entries if entry.account_id == account.pk)


def test_it_does_not_stand_in_where_the_strategy_trades_anyway(town: Town) -> None:
    Strategy.objects.update(opposite_signal="ignore")
    trades_on(Strategy.objects.get(), town.second)
    goes_away(town)
    verdicts = {entry.account_id: entry for entry in receive(frame("UP")).entries}
    town.fill(verdicts[town.second.pk].position_id)
    said = verdicts[town.primary.pk]
    assert (said.status, said.reason_code) == ("skipped", "unreachable")
    assert said.note.endswith("second does not stand in: the strategy trades there itself")
    receive(frame("DOWN"))
    assert live() == {("second", "long", "open")}, "the opposite signal was to be ignored"
    assert verdict_on(town.second, receive(frame("EXIT"))) == "closed"


def test_what_stands_in_stays_the_primarys_whatever_is_set_by_then(town: Town) -> None:
    goes_away(town)
    held = town.fill(town.signal("UP", "ETHUSDT").position_id)
    assert (held.account, held.stands_in_for) == (town.second, town.primary)
    comes_back(town)
    StrategyAccount.objects.update(failover_account=None)
    a_minute_later = (timezone.now() + timedelta(minutes=1)).replace(second=0, microsecond=0).isoformat()
    (again,) = receive(frame("UP", symbol="ETHUSDT", bar_time=a_minute_later)).entries
    assert (again.status, live()) == ("skipped", {("second", "long", "open")}), "one position, not two"
    assert town.signal("EXIT", "ETHUSDT").status == "closed"
    assert live() == {("second", "long", "closing")}


def test_a_shared_stand_in_keeps_apart_whom_it_stands_in_for(town: Town) -> None:
    goes_away(town)
    town.fill(town.signal("UP", "ETHUSDT").position_id)
    third = an_account(name="third", venue="bybit")
    trades_on(Strategy.objects.get(), third, failover_account=town.second)
    verdict = receive(frame("EXIT", symbol="ETHUSDT"))
    assert (verdict_on(third, verdict), verdict_on(town.primary, verdict)) == ("skipped", "closed")


# the canary


@pytest.fixture
def yard(floor: Floor, settings) -> Floor:
    """A floor whose canary is due."""
    settings.CANARY_EVERY = settings.CANARY_AGAIN = settings.STOPS_PROVEN_APART = timedelta(0)
    a_ticker("ETHUSDT")
    return floor


def a_run() -> CanaryRun:
    canary.run_due(timezone.now())
    return CanaryRun.objects.latest("started_at")


def working(floor: Floor) -> list[str]:
    """What the exchange lists."""
    return [one.client_order_id for one in session.call(floor.account, lambda client: client.open_orders())]


def fault(floor: Floor, method: str, path: str, **words: Any) -> None:
    floor.wired.server.faults.plan(method=method, path=path, **words)


@pytest.mark.parametrize("floor", ["binance", "bybit"], indirect=True)
def test_a_run_tries_each_kind_and_leaves_nothing(yard: Floor) -> None:
    made = a_run()
    assert {one.order_type: (one.state, one.reason) for one in made.orders.all()} == {
        "limit": ("worked", ""),
        "stop_market": ("worked", ""),
        "take_profit_market": ("worked", ""),
    }
    assert (made.verdict, made.instrument.exchange_symbol) == ("passed", "ETHUSDT")
    amended = yard.wired.requests("PUT", "/fapi/v1/order") + yard.wired.requests("POST", "/v5/order/amend")
    assert amended == 1
    assert (working(yard), yard.held()) == ([], 0)
    assert not Order.objects.exists()


def test_the_trailing_kind_is_tried_where_a_plan_uses_it(yard: Floor) -> None:
    plan = yard.strategy.protection | {"backstop": {"callback_percent": "1"}}
    type(yard.strategy).objects.update(protection=plan)
    assert a_run().orders.get(order_type="trailing_stop_market").state == "worked"


def test_it_waits_for_its_time_for_its_owner_and_for_the_account(yard: Floor, settings) -> None:
    settings.CANARY_EVERY = timedelta(minutes=15)
    canary.run_due(timezone.now())
    assert not CanaryRun.objects.exists(), "nobody is asked in the first moments of an account"
    canary.run_due(timezone.now() + timedelta(minutes=16))
    canary.run_due(timezone.now() + timedelta(minutes=1))
    assert CanaryRun.objects.count() == 1
    settings.DRY_RUN = False
    canary.run_due(timezone.now() + timedelta(hours=1))
    assert CanaryRun.objects.count() == 1, "real money only with its owner's leave"


def test_a_contract_without_a_price_is_passed_over(yard: Floor) -> None:
    a_ticker("BTCUSDT")
    Instrument.objects.filter(exchange_symbol="ETHUSDT").update(min_notional=1)
    body = json.dumps({"code": -1121, "msg": "Invalid symbol."})
    fault(yard, "GET", "/fapi/v1/premiumIndex", kind="answer", status=400, body=body, times=2)
    assert a_run().instrument.exchange_symbol == BTC


def test_a_person_proves_that_stops_are_taken_where_no_canary_runs_by_itself(yard: Floor) -> None:
    stop_refusals.refused(yard.account.pk, "-4120")
    for told in ("1 of 2 proofs", "ETHUSDT: passed"):
        out = StringIO()
        call_command("canary", yard.account.name, stdout=out)
        assert told in out.getvalue().splitlines()[-1]
    assert isinstance(open_position(yard.propose("ETHUSDT")), Opened)


def test_a_held_contract_is_left_alone(yard: Floor) -> None:
    yard.filled("ETHUSDT")
    canary.run_due(timezone.now())
    assert not CanaryRun.objects.exists()


def test_a_venue_that_stops_taking_stops_is_found_out_and_believed_again_after_two_runs(
    yard: Floor, marks
) -> None:
    position = yard.filled()
    protect(position.pk)
    yard.submit(position, "protect")
    stops_are_refused(yard)
    made = a_run()
    assert made.verdict == "refused"
    assert made.orders.get(order_type="limit").state == "worked"
    assert ("stops_refused", "critical") in events_told()
    assert isinstance(open_position(yard.propose("ETHUSDT")), Skip)
    assert [one["state"] for one in notices()] == ["without stop orders"]
    position.refresh_from_db()
    assert position.software_stop_since is None, "the stop that stands goes on standing"

    yard.wired.server.faults.clear()
    assert a_run().verdict == "passed"
    assert isinstance(open_position(yard.propose("ETHUSDT")), Skip), "one good run is not enough"
    a_run()
    assert isinstance(open_position(yard.propose("ETHUSDT")), Opened)


def test_a_price_that_crosses_while_the_venue_takes_no_stops(yard: Floor, marks) -> None:
    """From the canary's discovery to entries again, with a position that was bare when it happened."""
    position = yard.filled()
    stops_are_refused(yard)
    assert a_run().verdict == "refused"
    protect(position.pk)
    yard.submit(position, "protect")
    hears(100_000)
    assert sweep(position).software_stop_since is not None
    yard.wired.venue.set_price(BTC, D(97_990))
    hears(97_990)
    assert (sweep(position).status, position.close_reason) == ("closing", "stop_loss")
    yard.submit(position, "close")
    position.refresh_from_db()
    assert (position.status, yard.held()) == ("closed", 0)

    yard.wired.server.faults.clear()
    assert [a_run().verdict, a_run().verdict] == ["passed", "passed"]
    assert isinstance(open_position(yard.propose("ETHUSDT")), Opened)


def test_the_answer_got_lost_and_the_order_is_found_and_taken_back(yard: Floor) -> None:
    fault(yard, "POST", "/fapi/v1/algoOrder", kind="close_after")
    made = a_run()
    assert made.verdict == "passed"
    assert working(yard) == []


def test_one_that_broke_off_is_cleaned_up_by_the_next(yard: Floor) -> None:
    fault(yard, "DELETE", "/fapi/v1/algoOrder", kind="answer", status=503, times=2)
    made = a_run()
    assert (made.verdict, made.ended_at, len(working(yard))) == ("running", None, 2)
    reconciliation.reconcile_account(yard.account.pk)
    assert events_told() == [], "no comparison takes them for orders of positions"
    canary.clean_up()
    made.refresh_from_db()
    assert (made.verdict, working(yard)) == ("passed", [])


def test_killed_between_row_and_request_it_ends_when_the_window_has_passed(yard: Floor) -> None:
    fault(yard, "POST", "/fapi/v1/algoOrder", kind="close_before", times=2)
    made = a_run()
    assert made.orders.filter(state="asked").count() == 2
    CanaryOrder.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    canary.clean_up()
    made.refresh_from_db()
    assert (made.verdict, made.orders.filter(state="not_sent").count()) == ("unclear", 2)


def a_filled_canary(yard: Floor) -> CanaryRun:
    fault(yard, "DELETE", "/fapi/v1/order", kind="answer", status=503)
    made = a_run()
    yard.wired.venue.set_price("ETHUSDT", yard.engine.prices["ETHUSDT"] * D("0.94"))
    return made


def ended(made: CanaryRun) -> CanaryRun:
    canary.clean_up()
    made.refresh_from_db()
    assert (made.verdict, made.ended_at is not None) == ("filled", True)
    return made


def test_one_that_fills_after_all_is_closed_at_once_and_told(yard: Floor) -> None:
    made = a_filled_canary(yard)
    canary.clean_up()
    assert made.orders.get(order_type="limit").state == "filled"
    assert ("canary_filled", "critical") in events_told()
    position = Position.objects.get()
    assert (position.status, position.close_requested_by.split()[0]) == ("closing", "canary")
    yard.submit(position, "close")
    assert yard.held() == 0
    ended(made)


def test_a_position_that_is_opened_after_its_own_was_closed_is_left_alone(yard: Floor) -> None:
    made = a_filled_canary(yard)
    canary.clean_up()
    yard.submit(Position.objects.get(), "close")
    mine = yard.filled("ETHUSDT")
    ended(made)
    mine.refresh_from_db()
    assert (mine.status, mine.close_requested_by) == ("open", "")


def test_what_it_bought_beside_a_strategys_position_is_told_and_not_closed(yard: Floor) -> None:
    made = a_filled_canary(yard)
    mine = yard.filled("ETHUSDT")
    ended(made)
    mine.refresh_from_db()
    assert (mine.status, mine.close_requested_by) == ("open", "")
    assert ("canary_fill_left", "critical") in events_told()


def test_by_hand(yard: Floor) -> None:
    out = StringIO()
    call_command("canary", yard.account.name, stdout=out)
    assert out.getvalue().splitlines()[-1] == "ETHUSDT: passed"


def test_a_probe_halts_no_account(yard: Floor) -> None:
    body = json.dumps({"code": -4192, "msg": "Trade forbidden due to Cooling-off Period."})
    fault(yard, "POST", "/fapi/v1/order", kind="answer", status=400, body=body)
    assert a_run().verdict == "unclear"
    yard.account.refresh_from_db()
    assert yard.account.trading_state == "active"


def test_in_another_position_mode_nothing_is_tried(yard: Floor) -> None:
    session.call(yard.account, lambda client: client.set_position_mode("ETH/USDT:USDT", PositionMode.ONE_WAY))
    ExchangeAccount.objects.update(told_position_mode="one_way")
    assert canary.run(yard.account.pk) is None
