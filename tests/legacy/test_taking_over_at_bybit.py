"""Bybit's stop-loss and take-profit of a position carry no name: the number of the order is all there is to call."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.paper.matching import Engine
from exchanges.paper.position_exits import Exits
from exchanges.paper.venue import now_ms
from positions.models import OlderOrder, RiskEvent
from positions.services.instruments import refresh_instruments
from tests.builders import a_strategy, an_account
from tests.legacy.importing import an_old_bot, import_now, sql
from tests.legacy.test_taking_over import AN_HOUR, reconcile, row, send_all, taken, told
from tests.positions.services.conftest import Desk
from tests.trailing.conftest import sweep_and_ask

pytestmark = pytest.mark.django_db
STOP, TARGET = D("0.6958"), D("0.7800")


@pytest.fixture
def desk(settings, bybit_engine: Engine) -> Desk:
    """Row 313: 300 ADA long, with the levels that the old bot had given the position itself."""
    made = Desk(
        bybit_engine, a_strategy(an_account(venue="bybit", position_mode="one_way"), notional=D(1000))
    )
    session.call(made.account, lambda client: client.balance())  # the first question opens it
    refresh_instruments()
    settings.LEGACY_ACCOUNTS = {"bybit": made.account.name}
    an_old_bot(1)
    sql("UPDATE monitoring.positions SET updated_at = now() AT TIME ZONE 'UTC'")
    an_hour_ago = now_ms() - AN_HOUR
    bybit_engine.place(
        made.paper_name, symbol="ADAUSDT", side="BUY", type="MARKET", quantity=D(300), position_side="BOTH",
        client_order_id="old-ADA", now_ms=an_hour_ago,
    )  # fmt: skip
    bybit_engine.match_acknowledged(an_hour_ago)
    levels = Exits(stop_loss=STOP, take_profit=TARGET)
    bybit_engine.set_exits(made.paper_name, "ADAUSDT", "BOTH", levels, now_ms())
    return made


def its_levels(desk: Desk) -> list[D]:
    found = desk.engine.open_algos(desk.paper_name, "ADAUSDT")
    return sorted(one.trigger_price for one in found if one.close_position)


def test_levels_of_the_position_itself_go_by_their_numbers_when_ours_stand(desk: Desk) -> None:
    import_now()
    assert row(313).outcome == "imported", row(313).reason
    exits = OlderOrder.objects.filter(position=taken("ADAUSDT"))
    assert {(one.client_order_id, bool(one.exchange_order_id)) for one in exits} == {("", True)}
    reconcile(desk.account)
    assert its_levels(desk) == [STOP, TARGET]
    assert len(told("older_order_left")) == 2

    sweep_and_ask(timezone.now())
    send_all()
    reconcile(desk.account)
    assert its_levels(desk) == []
    assert taken("ADAUSDT").trailing_stop.stop_price >= STOP
    reconcile(desk.account)
    OlderOrder.objects.update(missing_since=timezone.now() - timedelta(seconds=10))
    reconcile(desk.account)
    assert sorted(told("older_order_taken_back")) == sorted(one.exchange_order_id for one in exits)
    (ours,) = [one for one in desk.engine.open_algos(desk.paper_name, "ADAUSDT") if one.client_algo_id]
    assert ours.client_algo_id.startswith("tb-")
    assert not RiskEvent.objects.filter(event_type="foreign_fill").exists()


def test_levels_that_only_the_position_has_do_not_outlive_it(desk: Desk) -> None:
    """The exchange takes them away with it, so nothing is left to be canceled."""
    import_now()
    position = taken("ADAUSDT")
    desk.engine.set_price("ADAUSDT", STOP - D("0.0001"), now_ms())
    reconcile(desk.account)
    reconcile(desk.account)
    position.refresh_from_db()
    assert (position.status, its_levels(desk)) == ("closed", [])
