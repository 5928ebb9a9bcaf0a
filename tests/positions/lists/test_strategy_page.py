"""The pages of strategies, and what is done on them."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from signals_app.models import Strategy, StrategySignal
from tests.builders import (
    a_position,
    a_strategy,
    a_ticker,
)
from tests.positions.lists.looking import a_trade, client_of, text_of

pytestmark = pytest.mark.django_db


def test_strategies_are_told_with_a_month_of_figures(viewer: Client) -> None:
    one = a_strategy(name="trend")
    a_trade(10, strategy=one)
    a_trade(500, strategy=one, hours_ago=24 * 31)
    a_position(strategy=one, account=one.accounts.get().account)
    (row,) = viewer.get("/strategies/").context["rows"]
    assert (row["held"], row["figures"]["count"], row["figures"]["result"]["text"]) == (1, 1, "+9.60")
    assert row["state"]["word"] == "running"


@pytest.mark.parametrize(
    ("values", "word"),
    [({"allow_open": False}, "paused"), ({"enabled": False}, "off"), ({"archived": True}, "archived")],
)
def test_a_strategy_says_in_a_word_what_it_does(viewer: Client, values: dict, word: str) -> None:
    one = a_strategy(**values)
    page = viewer.get(f"/strategies/{one.pk}/")
    assert page.context["state"]["word"] == word
    assert "Pause</button>" not in page.content.decode()


def test_a_strategys_page_holds_all_that_it_is_told(viewer: Client) -> None:
    one = a_strategy(name="trend", use_all_tickers=False, notional=D("1234.5"))
    one.tickers.add(a_ticker("ETHUSDT"))
    StrategySignal.objects.create(strategy=one, phrase="TREND UP", direction="long")
    position = a_position(strategy=one, account=one.accounts.get().account)
    page = text_of(viewer, f"/strategies/{one.pk}/")
    for told in (
        "1,234.5",
        "ETHUSDT",
        "TREND UP",
        "fixed notional",
        f'href="/positions/{position.pk}/"',
        "97,250.4",
    ):
        assert told in page
    assert viewer.get("/strategies/999999/").status_code == 404


def test_pausing_and_resuming_are_told_in_its_history(admin: Client) -> None:
    one = a_strategy(name="trend")
    for act, opens in (("pause", False), ("pause", False), ("resume", True)):
        answer = admin.post(f"/strategies/{one.pk}/{act}/", follow=True)
        assert "trend" in str(next(iter(answer.context["messages"])))
        one.refresh_from_db()
        assert one.allow_open is opens
    told = LogEntry.objects.order_by("pk").values_list("user__username", "change_message")
    assert [who for who, _ in told] == ["admin", "admin"]
    assert "Paused" in told[0][1]


def test_a_clone_is_another_strategy_that_is_switched_off(admin: Client) -> None:
    one = a_strategy(name="trend", use_all_tickers=False, leverage=7)
    one.tickers.add(a_ticker("ETHUSDT"))
    StrategySignal.objects.create(strategy=one, phrase="TREND UP", direction="long")
    for name in ("trend-copy", "trend-copy-2"):
        admin.post(f"/strategies/{one.pk}/clone/")
        made = Strategy.objects.get(name=name)
        assert (made.enabled, made.leverage, made.accounts.get().account) == (
            False,
            7,
            one.accounts.get().account,
        )
        assert made.phrases.get().phrase == "TREND UP"
        assert made.tickers.get().symbol == "ETHUSDT"
    assert one.phrases.count() == 1
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize("act", ["pause", "resume", "clone"])
@pytest.mark.parametrize("group", ["viewer", "trader"])
def test_others_change_no_strategy(group: str, act: str) -> None:
    one, client = a_strategy(), client_of(group)
    assert client.post(f"/strategies/{one.pk}/{act}/").status_code == 403
    assert client.get(f"/strategies/{one.pk}/{act}/").status_code in (403, 405)
    assert (Strategy.objects.count(), Strategy.objects.get().allow_open) == (1, True)
