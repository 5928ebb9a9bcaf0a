"""Rows from a file: looked at before anything is written, all or none, and only by who may add and change them."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from exchanges.marks import publish_prices
from exchanges.types import PriceTick
from signals_app.models import Strategy, Ticker
from signals_app.services.syncing import sync_tickers
from tests.builders import a_position, a_strategy, a_ticker, an_instrument

pytestmark = pytest.mark.django_db
TICKERS, STRATEGIES = "/admin/signals_app/ticker/", "/admin/signals_app/strategy/"


def looked(client, url, text, kind="csv"):
    given = {"file": SimpleUploadedFile("rows", text.encode()), "written_as": kind}
    return client.post(f"{url}import/", given)


def confirmed(client, url, page):
    (kept,) = re.findall(r'name="confirmed" value="([^"]+)"', page.content.decode())
    return client.post(f"{url}import/", {"confirmed": kept}, follow=True)


def test_a_preview_writes_nothing_and_the_confirmation_writes_what_it_showed(admin_client):
    a_ticker("BTCUSDT")
    a_ticker("ETHUSDT")
    page = looked(
        admin_client, TICKERS, "symbol,enabled,trade_permission\nBTCUSDT,1,1\nETHUSDT,0,1\nSOLUSDT,1,0\n"
    )
    assert page.context["seen"].sentence == "1 new, 1 changed, 1 as it is"
    assert page.context["seen"].lines[1].changes == (("enabled", "1", "0"),)
    assert list(Ticker.objects.values_list("symbol", "enabled")) == [("BTCUSDT", True), ("ETHUSDT", True)]
    assert "1 new, 1 changed" in confirmed(admin_client, TICKERS, page).content.decode()
    assert list(Ticker.objects.values_list("symbol", "enabled", "trade_permission")) == [
        ("BTCUSDT", True, True), ("ETHUSDT", False, True), ("SOLUSDT", True, False),
    ]  # fmt: skip


def test_one_bad_row_stops_all(admin_client):
    page = looked(admin_client, TICKERS, "symbol,enabled,trade_permission\nSOLUSDT,1,1\nnot a ticker!,1,1\n")
    assert page.status_code == 422
    assert 'name="confirmed"' not in page.content.decode()
    assert "violated" in page.content.decode() or "ticker_symbol_plain" in page.content.decode()
    assert not Ticker.objects.exists()


@pytest.mark.parametrize(
    ("text", "kind"), [("no,such\n1,2\n", "csv"), ("{", "json"), ("", "csv"), ("[1]", "json")]
)
def test_a_file_that_cannot_be_read_is_said_so(admin_client, text, kind):
    assert looked(admin_client, TICKERS, text or " ", kind).status_code == 422


def test_a_strategy_goes_out_and_comes_back_the_same(admin_client):
    first = a_strategy(name="trend", use_all_tickers=False)
    first.tickers.add(a_ticker("BTCUSDT"), a_ticker("ETHUSDT"))
    text = admin_client.get(f"{STRATEGIES}export/json/").content.decode()
    page = looked(admin_client, STRATEGIES, text, "json")
    assert page.context["seen"].sentence == "1 as it is", page.context["seen"]
    other = json.loads(text)
    other[0] |= {"name": "trend-2"}
    confirmed(admin_client, STRATEGIES, looked(admin_client, STRATEGIES, json.dumps(other), "json"))
    made = Strategy.objects.get(name="trend-2")
    assert made.protection == first.protection
    assert [one.symbol for one in made.tickers.all()] == ["BTCUSDT", "ETHUSDT"]
    assert not made.accounts.exists()


def test_a_senseless_plan_is_refused_with_its_place(admin_client):
    a_strategy(name="trend")
    rows = json.loads(admin_client.get(f"{STRATEGIES}export/json/").content)
    rows[0]["protection"] = json.dumps({"stop_loss": {"type": "percent", "percent": 200}})
    page = looked(admin_client, STRATEGIES, json.dumps(rows), "json")
    assert page.status_code == 422
    assert "stop_loss &gt; percent &gt; percent: input should be less than 100" in page.content.decode()


def test_a_distance_is_judged_by_the_prices_of_the_tickers_it_comes_with(admin_client, marks):
    """As the form does: a dollar is nothing of a bitcoin, and more than the liquidation of a coin for two."""
    for symbol, price in (("BTCUSDT", "100000"), ("XRPUSDT", "2")):
        a_ticker(symbol)
        publish_prices("binance", [(symbol, PriceTick(symbol, Decimal(price), timezone.now()))])
    first = a_strategy(name="trend", use_all_tickers=False, leverage=5)
    first.tickers.add(Ticker.objects.get(symbol="BTCUSDT"))
    (row,) = json.loads(admin_client.get(f"{STRATEGIES}export/json/").content)
    row["protection"] = json.dumps({"stop_loss": {"type": "distance", "distance": "1"}})

    def said(tickers):
        return looked(admin_client, STRATEGIES, json.dumps([row | {"tickers": tickers}]), "json")

    assert said("BTCUSDT").status_code == 200
    refused = said("BTCUSDT XRPUSDT")
    assert (refused.status_code, "XRPUSDT: " in refused.content.decode()) == (422, True)
    first.tickers.add(Ticker.objects.get(symbol="XRPUSDT"))
    del row["tickers"]
    assert looked(admin_client, STRATEGIES, json.dumps([row]), "json").status_code == 422, "those it has"


def test_what_was_changed_on_the_way_is_not_imported(admin_client):
    page = looked(admin_client, TICKERS, "symbol,enabled,trade_permission\nSOLUSDT,1,1\n")
    (kept,) = re.findall(r'name="confirmed" value="([^"]+)"', page.content.decode())
    answer = admin_client.post(f"{TICKERS}import/", {"confirmed": f"x{kept}"}, follow=True)
    assert "Nothing was imported" in answer.content.decode()
    assert not Ticker.objects.exists()


def test_closed_trades_go_out_with_their_net(admin_client):
    a_position("ETH")
    a_position("BTC", status="closed", realized_pnl="12.5", fees="0.5", funding="-1")
    text = admin_client.get("/admin/positions/position/export/csv/").content.decode()
    header, *rows = text.strip().splitlines()
    assert len(rows) == 1
    row = dict(zip(header.split(","), rows[0].split(","), strict=True))
    assert (float(row["net"]), row["symbol"]) == (11, "BTC/USDT:USDT")
    assert admin_client.get("/admin/positions/position/import/").status_code in (302, 404)


def test_who_may_only_look_exports_and_does_not_import(client):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_ticker"))
    client.force_login(user)
    a_ticker("BTCUSDT")
    assert "BTCUSDT" in client.get(f"{TICKERS}export/csv/").content.decode()
    assert client.get(f"{TICKERS}import/").status_code == 403
    assert client.post(f"{TICKERS}sync/").status_code == 403
    assert "Import…" not in client.get(TICKERS).content.decode()


def test_tickers_are_taken_from_the_exchange(admin_client, account):
    Ticker.objects.all().delete()
    page = admin_client.post(f"{TICKERS}sync/", follow=True).content.decode()
    assert "new ones may be traded" in page
    assert Ticker.objects.filter(enabled=True).count() > 3
    assert "0.001" in page, "steps are shown"
    Ticker.objects.filter(symbol="BTCUSDT").delete()
    again = admin_client.post(f"{TICKERS}sync/", follow=True).content.decode()
    assert "1 new ones are switched off" in again
    assert not Ticker.objects.get(symbol="BTCUSDT").enabled
    assert sync_tickers().added == 0


def test_tickers_are_switched_together(admin_client):
    ticker = a_ticker("BTCUSDT")
    an_instrument("BTC")
    admin_client.post(TICKERS, {"action": "switch_off", "_selected_action": [ticker.pk]})
    ticker.refresh_from_db()
    assert not ticker.enabled
    assert admin_client.get(TICKERS, {"exchange": "none"}).status_code == 200


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"kind": "arbitrage"}, "The legs of an arbitrage have a stop loss alone"),
        ({"opposite_signal": "protect_reverse"}, "this plan has none"),
        (
            {"leverage": 20, "protection": '{"stop_loss": {"type": "percent", "percent": 9}}'},
            "may be liquidated",
        ),
    ],
)
def test_a_file_brings_no_plan_that_its_page_would_refuse(admin_client, row, why):
    strategy = a_strategy()
    text = json.dumps([{"name": strategy.name, **row}])
    page = looked(admin_client, STRATEGIES, text, "json")
    assert why in page.content.decode()
    written = Strategy.objects.filter(pk=strategy.pk).values(*row)
    assert list(written) == [{name: getattr(strategy, name) for name in row}]


def test_a_file_for_spreadsheets_holds_no_formula_and_comes_back_the_same(admin_client):
    a_strategy(name='=HYPERLINK("http://x")')
    text = admin_client.get(f"{STRATEGIES}export/csv/").content.decode()
    assert "'=HYPERLINK" in text
    assert looked(admin_client, STRATEGIES, text).context["seen"].sentence == "1 as it is"
