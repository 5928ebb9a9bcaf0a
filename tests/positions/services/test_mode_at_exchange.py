"""Nothing is traded while the exchange has another position mode; margin mode and leverage come before an entry."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from exchanges import session
from exchanges.errors import OutcomeUnknown
from exchanges.models import ExchangeAccount
from exchanges.paper.inprocess import FRONTS, InProcessClient
from exchanges.types import MarginMode, PositionMode, PositionSide
from positions.lifecycle import CloseReason
from positions.models import Position, RiskEvent
from positions.services import position_modes, preparing
from positions.services.closing import request_close
from positions.services.opening import Opened, open_position
from positions.services.position_modes import CannotSwitch
from positions.services.reconciliation import reconcile_account
from positions.sizing import Skip
from signals_app.reasons import ReasonCode
from tests.conftest import ADDRESS
from tests.positions.services.conftest import D, Desk


@pytest.fixture(autouse=True)
def a_new_process() -> Iterator[None]:
    preparing.forget()
    yield
    preparing.forget()


def told(desk: Desk) -> str:
    return ExchangeAccount.objects.get(pk=desk.account.pk).told_position_mode


def events(kind: str) -> list[dict[str, Any]]:
    return list(RiskEvent.objects.filter(event_type=kind).values_list("details", flat=True))


def exchange_goes_one_way(desk: Desk) -> None:
    """A person changed it there, after it had been compared once."""
    reconcile_account(desk.account.pk)
    assert told(desk) == "hedge"
    desk.engine.set_dual_side(desk.paper_name, False)


def exchange_is_hedged_again(desk: Desk) -> None:
    desk.engine.set_dual_side(desk.paper_name, True)


def test_the_first_start_on_paper_sets_the_mode(desk: Desk) -> None:
    reconcile_account(desk.account.pk)
    assert desk.engine.account(desk.paper_name).dual_side
    assert told(desk) == "hedge"
    assert events("position_mode_differs") == []


def test_the_first_entry_on_paper_does_so_as_well(desk: Desk) -> None:
    position = desk.filled()
    assert (position.status, told(desk)) == ("open", "hedge")


def test_a_mode_that_a_person_changed_stays_and_refuses_to_trade(desk: Desk) -> None:
    exchange_goes_one_way(desk)
    preparing.forget()
    reconcile_account(desk.account.pk)
    assert not desk.engine.account(desk.paper_name).dual_side
    (said,) = events("position_mode_differs")
    assert f"manage.py account_mode {desk.account.name} --set" in said["reason"]
    refused = open_position(desk.propose())
    assert isinstance(refused, Skip)
    assert refused.code is ReasonCode.POSITION_MODE
    assert "hedge mode here and is in one-way mode at the exchange" in refused.reason


def test_an_entry_that_was_already_asked_for_does_not_leave(desk: Desk) -> None:
    exchange_goes_one_way(desk)
    position = desk.open()
    preparing.forget()
    order = desk.submit(position, "entry")
    assert (order.status, desk.engine.account(desk.paper_name).orders) == ("rejected", {})
    assert "one-way mode at the exchange" in order.reason
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "never_opened")
    assert desk.account.trading_state == "active"


def test_it_heals_by_itself_when_the_exchange_agrees_again(desk: Desk) -> None:
    exchange_goes_one_way(desk)
    preparing.forget()
    reconcile_account(desk.account.pk)
    exchange_is_hedged_again(desk)
    reconcile_account(desk.account.pk)
    assert (told(desk), len(events("position_mode_agrees"))) == ("hedge", 1)
    assert isinstance(open_position(desk.propose()), Opened)


def test_a_mode_that_agrees_is_not_asked_for_at_every_comparison(desk: Desk) -> None:
    asked: list[str] = []

    class Counting(InProcessClient):
        async def position_mode(self, symbol: str) -> PositionMode:
            asked.append(symbol)
            return await super().position_mode(symbol)

    desk.filled()
    preparing.forget()
    with in_front(Counting):
        reconcile_account(desk.account.pk)
        reconcile_account(desk.account.pk)
        assert asked == ["BTC/USDT:USDT"]


def test_a_refusal_by_the_exchange_tells_it_too(desk: Desk) -> None:
    """The mode was changed since it was last read."""
    reconcile_account(desk.account.pk)
    position = desk.open()
    desk.engine.set_dual_side(desk.paper_name, False)
    order = desk.submit(position, "entry")
    assert (order.status, told(desk)) == ("rejected", "one_way")
    assert len(events("position_mode_differs")) == 1


class TestExits:
    def held(self, desk: Desk) -> Position:
        """Closed by a person, who then changed the mode; we do not know it yet."""
        position = desk.filled()
        desk.engine.account(desk.paper_name).positions.clear()
        desk.engine.set_dual_side(desk.paper_name, False)
        preparing.forget()
        reconcile_account(desk.account.pk)
        request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
        return position

    def test_an_exit_waits_while_the_modes_differ(self, desk: Desk) -> None:
        order = desk.submit(self.held(desk), "close")
        assert (order.status, order.next_attempt_at is not None) == ("initialized", True)
        assert len(desk.engine.account(desk.paper_name).orders) == 1  # the entry

    def test_an_exit_leaves_as_soon_as_they_agree(self, desk: Desk) -> None:
        position = self.held(desk)
        exchange_is_hedged_again(desk)
        order = desk.submit(position, "close")
        assert len(desk.engine.account(desk.paper_name).orders) + len(order.reason) > 1
        assert told(desk) == "hedge"

    def test_an_exit_leaves_when_the_mode_cannot_be_read(self, desk: Desk) -> None:
        class Silent(InProcessClient):
            async def position_mode(self, symbol: str) -> PositionMode:
                raise OutcomeUnknown("no answer")

        position = self.held(desk)
        with in_front(Silent):
            order = desk.submit(position, "close")
        assert order.reason.startswith("-4061"), "the exchange itself decided"


class TestSwitching:
    def test_an_explicit_switch_sets_it_at_the_exchange(self, desk: Desk) -> None:
        exchange_goes_one_way(desk)
        assert "is in hedge mode" in position_modes.switch(desk.account, "owner")
        assert desk.engine.account(desk.paper_name).dual_side
        assert events("position_mode_set") == [{"mode": "hedge", "by": "owner"}]

    def test_it_is_refused_while_something_is_open_there(self, desk: Desk) -> None:
        exchange_goes_one_way(desk)
        desk.engine.place(
            desk.paper_name, symbol="BTCUSDT", side="BUY", type="MARKET", quantity=D("0.01"), now_ms=0
        )
        with pytest.raises(CannotSwitch, match="1 positions, 0 orders"):
            position_modes.switch(desk.account, "owner")

    def test_an_account_changed_here_is_set_at_the_first_comparison_on_paper(self, desk: Desk) -> None:
        reconcile_account(desk.account.pk)
        account = desk.account
        account.position_mode, account.told_position_mode = PositionMode.ONE_WAY, ""
        account.save()
        reconcile_account(account.pk)
        assert not desk.engine.account(desk.paper_name).dual_side


class TestMarginAndLeverage:
    def test_both_are_set_before_the_first_entry(self, desk: Desk) -> None:
        ExchangeAccount.objects.update(margin_mode="isolated")
        desk.filled()
        state = desk.engine.account(desk.paper_name)
        assert (state.margin_type["BTCUSDT"], state.leverage["BTCUSDT"]) == (
            "ISOLATED",
            desk.strategy.leverage,
        )

    @pytest.mark.parametrize("failing", ["ensure_margin_mode", "ensure_leverage", "position_mode"])
    def test_what_cannot_be_set_sends_nothing(self, desk: Desk, failing: str) -> None:
        async def fails(*_: object) -> None:
            raise OutcomeUnknown("no answer")

        position = desk.open()
        with in_front(type("Failing", (InProcessClient,), {failing: fails})):
            order = desk.submit(position, "entry")
        assert (order.status, desk.engine.account(desk.paper_name).orders) == ("initialized", {})
        assert "could not be set: no answer" in order.reason

    def test_a_margin_mode_that_the_exchange_keeps_refuses_the_entry(self, desk: Desk) -> None:
        """The other leg of the contract is held with another one."""
        desk.filled(side=PositionSide.LONG)
        ExchangeAccount.objects.update(margin_mode=MarginMode.ISOLATED)
        preparing.forget()
        short = desk.open(side=PositionSide.SHORT)
        order = desk.submit(short, "entry")
        assert (order.status, order.reason[:5]) == ("rejected", "-4048")


class in_front:
    """Another client between the services and the engine."""

    def __init__(self, client: type[InProcessClient]) -> None:
        self.client = client

    def __enter__(self) -> None:
        session.close_all()
        FRONTS[ADDRESS] = lambda made: self.client(made.engine, made.account, made._now)

    def __exit__(self, *_: object) -> None:
        session.close_all()
        del FRONTS[ADDRESS]


class TestTheCommand:
    def said(self, *words: str) -> str:
        out = StringIO()
        call_command("account_mode", *words, stdout=out)
        return out.getvalue()

    def test_it_says_that_the_modes_agree(self, desk: Desk) -> None:
        assert self.said(desk.account.name) == f"{desk.account.name} is in hedge mode at the exchange.\n"

    def test_it_fails_while_they_differ_and_sets_it_when_told_to(self, desk: Desk) -> None:
        exchange_goes_one_way(desk)
        with pytest.raises(CommandError, match="is in one-way mode at the exchange"):
            self.said(desk.account.name)
        assert not desk.engine.account(desk.paper_name).dual_side, "asking changes nothing"
        assert "is in hedge mode" in self.said(desk.account.name, "--set")
        assert desk.engine.account(desk.paper_name).dual_side

    def test_an_exchange_that_is_silent_is_no_answer(self, desk: Desk) -> None:
        class Silent(InProcessClient):
            async def position_mode(self, symbol: str) -> PositionMode:
                raise OutcomeUnknown("no answer")

        with in_front(Silent), pytest.raises(CommandError, match="did not answer"):
            self.said(desk.account.name)

    def test_a_name_that_nobody_has(self, desk: Desk) -> None:
        with pytest.raises(CommandError, match="There is no account 'nobody'"):
            self.said("nobody")


def test_the_admin_sets_it_with_one_action(desk: Desk, admin_client: Client) -> None:
    exchange_goes_one_way(desk)
    chosen = {"action": "set_position_mode", ACTION_CHECKBOX_NAME: [desk.account.pk]}
    page = admin_client.post(reverse("admin:exchanges_exchangeaccount_changelist"), chosen, follow=True)
    assert "is in hedge mode at the exchange" in page.content.decode()
    assert desk.engine.account(desk.paper_name).dual_side
