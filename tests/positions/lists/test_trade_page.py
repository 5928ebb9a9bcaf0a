"""The list of trades and the year: totals, files, and the command that writes them."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal as D
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from positions.models import FundingPayment
from tests.builders import (
    a_fill,
    a_position,
    a_strategy,
    an_account,
)
from tests.positions.lists.looking import a_trade, text_of

pytestmark = pytest.mark.django_db


def test_totals_are_those_of_the_filter_and_say_so(viewer: Client) -> None:
    trend, scalper = a_strategy(name="trend"), a_strategy(name="scalper")
    a_trade(10, strategy=trend)
    a_trade(-4, strategy=trend, hours_ago=5)
    a_trade(100, strategy=scalper)
    a_trade(1000, strategy=trend, hours_ago=24 * 40)
    answer = viewer.get("/trades/?strategy=trend")
    figures = answer.context["totals"]["figures"]
    # each after fees of 0.50 and funding of 0.10: +9.60 and -4.40, and 0.80 was at risk
    assert figures["result"]["text"] == "+5.20"
    assert (figures["count"], figures["win_rate"], figures["profit_factor"]) == (2, "50.00%", "2.18")
    assert (figures["expectancy"]["text"], figures["drawdown"]) == ("+2.60", "−4.40")  # noqa: RUF001
    assert (figures["sum_r"], figures["average_r"]) == ("+6.50", "+3.25")
    assert (figures["fees"], figures["funding"], figures["exposure"]) == ("−1.00", "+0.20", "4h 00m")  # noqa: RUF001
    assert "strategy trend" in answer.context["totals"]["said"]
    assert viewer.get("/trades/?strategy=trend&since=").context["totals"]["figures"]["count"] == 3
    assert viewer.get("/trades/").context["totals"]["figures"]["count"] == 3


def test_a_trade_is_told_with_its_prices_and_its_end(viewer: Client) -> None:
    position = a_trade(10, strategy=a_strategy(name="trend"), close_reason="trailing_stop")
    a_fill(position.orders.first(), fee=D("0.001"), fee_currency="BNB")
    page = text_of(viewer, "/trades/")
    for told in (
        "LONG", "BTC", "97,250.4", "98,000.5", "0.008", "+9.60", "+12.00", "2h 00m", "trailing stop", "trend",
        "and 0.001 BNB", f'href="/positions/{position.pk}/"', "in no sum", "<rect", "class=\"curve\"",
    ):  # fmt: skip
        assert told in page


@pytest.mark.parametrize(
    "query", [{"side": "short"}, {"reason": "stop_loss"}, {"symbol": "ETHUSDT"}, {"account": "mine"}]
)
def test_trades_are_narrowed_by_what_the_address_says(viewer: Client, query: dict) -> None:
    a_trade(1)
    found = a_trade(
        2, base="ETH", position_side="short", close_reason="stop_loss", account=an_account(name="mine")
    )
    answer = viewer.get(f"/trades/?{urlencode(query)}")
    assert [row["position_id"] for row in answer.context["rows"]] == [found.pk]
    assert answer.context["totals"]["figures"]["count"] == 1


def test_what_was_never_opened_is_no_trade(viewer: Client) -> None:
    a_position(status="closed", opened_at=None, close_reason="never_opened")
    assert viewer.get("/trades/").context["totals"]["figures"]["count"] == 0


def test_the_files_hold_what_the_filter_shows_and_no_formula(viewer: Client) -> None:
    position = a_trade(10, strategy=a_strategy(name="trend"))
    a_trade(3)
    a_fill(position.orders.first(), client_order_id="=HYPERLINK(1)", realized_pnl=D(10), fee=D("0.5"))
    FundingPayment.objects.create(
        account=position.account, position=position, symbol="BTCUSDT", payment_id="1", amount=D("0.1"), currency="USDT",
        paid_at=timezone.now(),
    )  # fmt: skip
    (trade,) = rows_of(viewer, "/trades/trades.csv?strategy=trend")
    assert (trade["result"], trade["quote_currency"], trade["r_multiple"]) == (
        "9.60000000",
        "USDT",
        "12.0000",
    )
    assert trade["closed_at"] == position.closed_at.isoformat()
    fills = rows_of(viewer, f"/trades/fills.csv?account={position.account.name}")
    assert [(row["kind"], row["wallet_change"]) for row in fills] == [
        ("fill", "9.50000000"),
        ("funding", "0.10000000"),
    ]
    assert fills[0]["client_order_id"] == "'=HYPERLINK(1)"


def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def test_a_year_is_told_by_contract_and_by_position(viewer: Client) -> None:
    year = timezone.now().year
    a_trade(10)
    a_trade(-4)
    a_trade(7, base="ETH")
    a_trade(99, hours_ago=24 * 800)
    answer = viewer.get(f"/trades/{year}/")
    rows = [(row["symbol"], row["count"], row["result"]["text"]) for row in answer.context["contracts"]]
    assert rows == [("BTC/USDT:USDT", 2, "+5.20"), ("ETH/USDT:USDT", 1, "+6.60")]
    assert answer.context["result"] == "+11.80"
    contracts = rows_of(viewer, f"/trades/{year}/contracts.csv")
    assert [(row["symbol"], row["profit"], row["fees"]) for row in contracts] == [
        ("BTC/USDT:USDT", "6.00000000", "1.00000000"), ("ETH/USDT:USDT", "7.00000000", "0.50000000"),
    ]  # fmt: skip
    assert len(rows_of(viewer, f"/trades/{year}/positions.csv")) == 3


def test_the_command_writes_the_same(viewer: Client) -> None:
    year = timezone.now().year
    a_trade(10)
    by_page = viewer.get(f"/trades/{year}/positions.csv").content.decode()
    assert exported("year", "--csv", "--year", str(year)) == by_page
    assert exported("trades", "--csv") == viewer.get("/trades/trades.csv?since=").content.decode()
    assert exported("fills", "--csv") == viewer.get("/trades/fills.csv?since=").content.decode()
    (told,) = json.loads(exported("trades", "--json"))
    assert (told["result"], told["r_multiple"]) == ("9.60000000", "12.0000")
    assert "9.60" in exported("trades")


@pytest.mark.parametrize("year", ["0", "-3", "99999", "x", "٢٠٢٦"])
def test_what_is_no_year_is_said_in_a_line(year: str) -> None:
    with pytest.raises(CommandError, match="a year is a number from 2000 to 2099"):
        exported("trades", f"--year={year}")


def exported(*words: str) -> str:
    out = io.StringIO()
    call_command("export", *words, stdout=out)
    return out.getvalue()
