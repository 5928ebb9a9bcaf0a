"""The page of one position: who may see it, what it says, and what it costs to ask."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from decimal import Decimal as D

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exchanges.marks import publish_prices
from exchanges.paper.candles import Minutes
from exchanges.types import PositionReport, PositionSide, PriceTick
from positions import silence
from positions.accounting import r_multiple
from positions.lifecycle import OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order
from positions.position_page import page_of, record_of
from positions.services.adopting import adopt
from positions.services.plans import kept
from tests.builders import a_fill, a_position, a_trailing_stop, an_account, an_instrument, an_order
from tests.people import a_person
from trailing.models import PartialTakeProfit
from trailing.plan import ProtectionPlan

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("pwned")</script>'


@pytest.fixture
def viewer(client):
    client.force_login(a_person("viewer"))
    return client


def url(position, more=""):
    return f"/positions/{position.pk}/{more}"


def text_of(client, position):
    answer = client.get(url(position))
    assert answer.status_code == 200
    return answer.content.decode()


def facts_of(client, position):
    """What the overview says, by name."""
    groups = client.get(url(position)).context["groups"]
    return {fact.name: fact for _, facts in groups for fact in facts}


def a_stop(position, trigger, **values):
    return an_order(position, purpose=OrderPurpose.PROTECT, trigger_price=D(trigger), **values)


def an_entry(position):
    return an_order(position, status=OrderStatus.FILLED, average_price=D("97250.4"))


def test_strangers_are_sent_to_the_login(client):
    path = url(a_position())
    assert client.get(path).url == f"/accounts/login/?next={path}"


def test_a_customer_account_without_staff_rights_sees_nothing(client):
    client.force_login(User.objects.create_user("eve"))
    assert client.get(url(a_position())).status_code == 403


def test_an_unknown_number_is_not_found_and_nothing_can_be_posted(viewer):
    assert viewer.get("/positions/999999/").status_code == 404
    assert viewer.post(url(a_position())).status_code == 405


def test_only_who_may_close_is_offered_to(viewer):
    position = a_position()
    link = f'href="{url(position, "close/")}"'
    assert link not in text_of(viewer, position)
    User.objects.get().user_permissions.add(Permission.objects.get(codename="change_position"))
    assert link in text_of(viewer, position)
    assert link not in text_of(viewer, a_position("ETH", status=PositionStatus.CLOSED))


def test_an_open_position_says_what_it_holds_and_what_protects_it(viewer):
    position = a_position(fees=D("0.31"), funding=D("-0.05"), unprotected_seconds=D("1.5"))
    an_entry(position)
    a_stop(position, "95305.4", status=OrderStatus.CANCELED)
    a_stop(position, "96305.4")
    a_trailing_stop(position, activation_price=D("98709.2"))
    tick = PriceTick("BTC/USDT:USDT", D("98250.4"), timezone.now())
    publish_prices("binance", [("BTCUSDT", tick)])
    said = {name: fact.text for name, fact in facts_of(viewer, position).items()}
    expected = {
        "Side": "LONG",
        "Size": "0.008",
        "Entry": "97,250.4",
        "Mark": "98,250.4",
        "Stop": "96,305.4",
        "First stop": "95,305.4",
        "Stop orders": "2",
        "Open profit": "▲+8.00",
        "Fees": "\N{MINUS SIGN}0.31",
        "Funding": "\N{MINUS SIGN}0.05",
        "In all": "▲+7.64",
        "R multiple": "+0.49 R",  # 7.64 of 0.008 x 1945
        "Without a stop": "1.5 s",
    }
    assert {name: said[name] for name in expected} == expected
    assert "Why closed" not in said
    assert facts_of(viewer, position)["Stop"].note == "trails from 98,709.2"


def test_a_closed_position_says_why_and_by_whom(viewer):
    position = a_position(
        status=PositionStatus.CLOSED, position_side="short", close_reason="trailing_stop",
        close_requested_by="trailing", average_exit_price=D("96250.4"), realized_pnl=D(8), fees=D("0.6"),
    )  # fmt: skip
    an_entry(position)
    a_stop(position, "99195.5", status=OrderStatus.CANCELED)
    a_stop(position, "96250.5", status=OrderStatus.FILLED)
    said = {name: fact.text for name, fact in facts_of(viewer, position).items()}
    expected = {
        "Side": "SHORT",
        "Exit": "96,250.4",
        "Last stop": "96,250.5",
        "Why closed": "trailing stop",
        "Asked for by": "trailing",
        "In all": "▲+7.40",
        "R multiple": "+0.48 R",  # 7.4 of 0.008 x 1945.1
    }
    assert {name: said[name] for name in expected} == expected
    assert not {"Mark", "Stop", "Open profit"} & set(said)


def test_a_stop_that_the_exchange_never_took_is_none(viewer):
    position = a_position()
    an_entry(position)
    a_stop(position, "95305.4", status=OrderStatus.REJECTED)
    a_stop(position, "95305.4", status=OrderStatus.SUBMITTED)
    said = facts_of(viewer, position)
    assert (said["Stop"].text, said["Stop"].tone, said["Stop orders"].text) == ("no stop", "down", "0")
    assert said["R multiple"].text == "—"


def test_without_a_price_nobody_pretends_to_know_the_result(viewer):
    position = a_position("NOBODYASKS", realized_pnl=D(3))
    an_entry(position)
    a_stop(position, "95305.4")
    said = facts_of(viewer, position)
    assert [said[name].text for name in ("Mark", "Open profit", "In all", "R multiple")] == ["—"] * 4


def test_seconds_without_a_stop_go_on_while_there_is_none():
    now = timezone.now()
    position = a_position(unprotected_seconds=2, unprotected_since=now - timedelta(seconds=5))
    groups = page_of(record_of(position.pk, now), now)["groups"]
    assert "7 s" in [fact.text for _, facts in groups for fact in facts]


def test_an_adopted_position_says_that_it_was_found(viewer):
    account, instrument = an_account(unknown_positions="adopt"), an_instrument()
    report = PositionReport(instrument.symbol, PositionSide.LONG, D("0.2"), D(97000))
    position = adopt(account.pk, report, timezone.now())
    a_stop(position, "95060")
    said = facts_of(viewer, position)
    assert said["Strategy"].note == "adopted: it was found on the exchange"
    assert (said["Size"].text, said["Size"].note) == ("0.2", "of 0.2")
    assert record_of(position.pk, timezone.now()).bought == D("0.2")


def test_a_position_that_is_only_planned_has_a_page(viewer):
    position = a_position(status=PositionStatus.OPENING)
    an_order(position, status=OrderStatus.INITIALIZED)
    said = facts_of(viewer, position)
    assert (said["Entry"].text, said["Opened"].text, said["In all"].text) == ("—", "—", "0.00")


def test_fees_in_another_coin_are_told_beside_the_sum(viewer):
    order = an_entry(a_position())
    a_fill(order, fee=D("0.0002"), fee_currency="BNB")
    assert facts_of(viewer, order.position)["Fees"].note == "besides 0.0002 BNB"
    assert "0.0002 BNB" in text_of(viewer, order.position)


def test_the_plan_is_told_in_words_and_as_it_was_kept(viewer):
    plan = ProtectionPlan.plain(stop="3.5", activation="2", callback="0.7")
    page = text_of(viewer, a_position(plan=kept(plan)))
    assert "stop 3.5 %, trails 0.7 % from 2 % profit" in page
    assert "&quot;callback_percent&quot;: &quot;0.7&quot;" in page


def test_the_timeline_is_the_story_that_explain_tells(viewer, capsys):
    position = a_position()
    a_fill(an_entry(position), price=D("97250.4"), trade_id="t-77")
    call_command("explain", "position", str(position.pk))
    told = [line for line in capsys.readouterr().out.splitlines() if " s  " in line]
    story = viewer.get(url(position)).context["story"]
    assert [line.text for line in story] == [line.split(" s  ", 1)[1] for line in told]
    assert any("execution t-77" in line.text for line in story)


def test_orders_and_fills_are_listed_and_hostile_text_stays_text(viewer):
    position = a_position()
    order = an_entry(position)
    a_fill(order, price=D("97250.4"), fee=D("0.31"), realized_pnl=D("1.25"))
    an_order(position, purpose=OrderPurpose.CLOSE, status=OrderStatus.REJECTED, reason=HOSTILE)
    page = text_of(viewer, position)
    for text in ("entry · buy market", "close · sell market", "0.31 USDT", "+1.25", "&lt;script&gt;alert"):
        assert text in page
    assert "<script>alert" not in page


def test_a_trade_of_somebody_else_is_told_as_such(viewer):
    order = an_entry(a_position())
    a_fill(order)
    fill = a_fill(order, side="sell", forced="liquidation")
    fill.order = None
    fill.save()
    page = text_of(viewer, order.position)
    assert "not ours · sell" in page
    assert "liquidation" in page


def test_more_rows_cost_no_more_queries(viewer):
    def with_rows(base, count):
        position = a_position(base)
        for _ in range(count):
            a_fill(an_entry(position))
            a_stop(position, "95305.4", status=OrderStatus.CANCELED)
        return position

    few, many = with_rows("BTC", 2), with_rows("ETH", 12)
    text_of(viewer, few)
    asked = []
    for position in (few, many):
        with CaptureQueriesContext(connection) as queries:
            text_of(viewer, position)
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 30


def test_the_live_page_and_the_admin_lead_here(viewer, admin_client):
    position = a_position()
    an_order(position)
    assert viewer.get("/").content.decode().count(f'href="{url(position)}"') == 2  # its row and its order
    listed = "/admin/positions/position/"
    for path in (listed, f"{listed}{position.pk}/change/"):
        assert f'href="{url(position)}"' in admin_client.get(path).content.decode()


def test_the_page_needs_nothing_that_the_policy_forbids(viewer):
    page = text_of(viewer, a_position())
    for inline in ("<style", " style=", "onclick=", "<script>"):
        assert inline not in page


@pytest.mark.parametrize(
    ("result", "entry", "stop", "bought", "expected"),
    [
        (D(30), D(100), D(98), D(10), D("1.5")),
        (D(-20), D(100), D(102), D(10), D(-1)),
        (D(30), D(100), None, D(10), None),
        (None, D(100), D(98), D(10), None),
        (D(30), D(100), D(100), D(10), None),
        (D(30), D(100), D(98), D(0), None),
    ],
)
def test_r_is_the_result_in_units_of_the_first_risk(result, entry, stop, bought, expected):
    assert r_multiple(result, entry, stop, bought) == expected


# the chart


def picture_of(client, position):
    answer = client.get(url(position, "chart.json"))
    assert answer.status_code == 200
    return answer.json()


def epoch(at):
    return int(at.timestamp())


def stops_moved_twice(**values):
    """Protected at 10 and 20 minutes of its life, which began an hour ago."""
    opened = timezone.now() - timedelta(hours=1)
    position = a_position(opened_at=opened, **values)
    for minutes, trigger in ((10, "95305.4"), (20, "96305.4")):
        stop = a_stop(position, trigger)
        since = opened + timedelta(minutes=minutes)
        Order.objects.filter(pk=stop.pk).update(answered_at=since, updated_at=since)
    first = Order.objects.filter(position=position, trigger_price=D("95305.4"))
    replaced = opened + timedelta(minutes=20, seconds=1)
    first.update(status=OrderStatus.CANCELED, updated_at=replaced)
    return position


def test_the_chart_is_for_staff_too_and_asks_for_what_exists(client, viewer):
    path = url(a_position(), "chart.json")
    assert viewer.get("/positions/999999/chart.json").status_code == 404
    client.logout()
    assert client.get(path).url == f"/accounts/login/?next={path}"


def test_candles_come_from_the_accounts_exchange(viewer, engine):
    now = timezone.now()
    engine.minutes["BTCUSDT"] = Minutes()
    for minutes, price in ((3, 97_000), (2, 97_100), (1, 96_900), (0, 97_050)):
        engine.set_price("BTCUSDT", D(price), epoch(now - timedelta(minutes=minutes)) * 1000)
    picture = picture_of(viewer, a_position(opened_at=now - timedelta(minutes=2)))
    assert (picture["timeframe"], picture["seconds"], picture["sentence"]) == ("1m", 60, "")
    assert [row[4] for row in picture["candles"]][-4:] == ["97000", "97100", "96900", "97050"]
    assert all(picture["since"] <= row[0] < picture["until"] for row in picture["candles"])


def test_without_candles_it_says_so_and_draws_what_is_known(viewer):
    """Nobody listens where the tests' exchange would be."""
    position = stops_moved_twice()
    a_fill(an_entry(position), price=D("97250.4"))
    picture = picture_of(viewer, position)
    assert picture["sentence"].startswith("No candles: ")
    assert picture["candles"] == []
    assert [fill["price"] for fill in picture["fills"]] == ["97250.40000000"]
    assert [price for _, price in picture["stops"]] == ["95305.40000000", "96305.40000000", None]


def test_candles_of_a_contract_that_is_gone_are_told_as_missing(viewer, engine):
    assert picture_of(viewer, a_position("GONE"))["sentence"].startswith("No candles: ")


def test_a_stop_is_drawn_from_its_acceptance_until_it_was_replaced(viewer, engine):
    position = stops_moved_twice()
    opened = position.opened_at
    picture = picture_of(viewer, position)
    (first, _), (second, _), (end, nothing) = picture["stops"]
    assert first == epoch(opened + timedelta(minutes=10))
    assert second == epoch(opened + timedelta(minutes=20))
    assert (nothing, picture["is_live"]) == (None, True)
    assert end >= epoch(opened + timedelta(hours=1))  # it stands until now


def test_the_stop_of_a_closed_position_ends_with_it(viewer, engine):
    closed = timezone.now() - timedelta(minutes=15)
    position = stops_moved_twice(status=PositionStatus.CLOSED, closed_at=closed)
    picture = picture_of(viewer, position)
    assert picture["stops"][-1] == [epoch(closed), None]
    assert picture["entry"]["until"] == epoch(closed)
    assert picture["is_live"] is False
    assert epoch(closed) < picture["until"] <= epoch(closed) + 11 * 60


def test_take_profit_levels_are_told_and_drawn(viewer, engine):
    position = a_position()
    levels = ((1, "98222.9", "executed", ""), (2, "99195.5", "pending", ""), (3, None, "error", "no profit"))
    for level, price, status, error in levels:
        PartialTakeProfit.objects.create(
            position=position,
            level=level,
            price=price and D(price),
            close_ratio=D("0.3"),
            status=status,
            error=error,
        )
    said = facts_of(viewer, position)
    assert (said["Level 1"].text, said["Level 1"].note) == ("98,222.9", "30% of the entry, executed")
    assert (said["Level 3"].text, said["Level 3"].note) == ("—", "30% of the entry, error: no profit")
    assert [(one["level"], one["status"]) for one in picture_of(viewer, position)["levels"]] == [
        (1, "executed"), (2, "pending"),
    ]  # fmt: skip


def test_a_planned_position_has_a_picture_without_lines(viewer, engine):
    picture = picture_of(viewer, a_position(status=PositionStatus.OPENING))
    assert (picture["entry"], picture["stops"], picture["fills"]) == (None, [], [])


def test_the_policy_lets_the_chart_library_write_its_one_style(viewer):
    library = next((settings.BASE_DIR / "static/vendor").glob("lightweight-charts-*.js")).read_text()
    (style,) = re.findall(r'\.innerText="(.*?)"', library)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = viewer.get(url(a_position()))["Content-Security-Policy"]
    assert f"style-src 'self' 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


def test_the_library_comes_with_its_licence(viewer):
    page = text_of(viewer, a_position())
    assert "Lightweight Charts™, Copyright © 2026 TradingView, Inc." in page
    licence = settings.BASE_DIR / "static/vendor/lightweight-charts-LICENSE.txt"
    assert "Apache License" in licence.read_text()
    assert f'href="/static/vendor/{licence.name}"' in page


def test_the_exchanges_own_trailing_has_a_line(viewer):
    position = a_position()
    assert "Backstop" not in facts_of(viewer, position)
    backstop = an_order(
        position, purpose=OrderPurpose.BACKSTOP, order_type="trailing_stop_market", callback_rate=D("1.5"),
        activation_price=D(98709), status=OrderStatus.ACCEPTED, generation=1,
    )  # fmt: skip
    line = facts_of(viewer, position)["Backstop"]
    assert (line.text, line.note) == (
        "1.5% behind",
        f"{backstop.client_order_id}, starts at 98,709.0, accepted",
    )
    an_order(
        position, purpose=OrderPurpose.BACKSTOP, order_type="trailing_stop_market", callback_rate=D(2),
        status=OrderStatus.REJECTED, reason=HOSTILE, generation=2,
    )  # fmt: skip
    assert facts_of(viewer, position)["Backstop"].note.endswith(f"starts at once, rejected: {HOSTILE}")
    assert "<script>alert" not in text_of(viewer, position)


def test_a_price_that_is_silent_for_too_long_is_told(viewer, marks):
    now = timezone.now()
    opened = now - settings.PRICE_SILENT_AFTER - timedelta(seconds=5)
    position = a_position(opened_at=opened)
    tick = PriceTick("BTC/USDT:USDT", D(97_300), opened)
    publish_prices("binance", [("BTCUSDT", tick)])
    assert f"no mark price of BTCUSDT at binance since {opened:%Y-%m-%d %H:%M:%S} UTC" in text_of(
        viewer, position
    )
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(97_300), now))])
    assert "Not heard" not in text_of(viewer, position)


def test_of_what_is_over_or_just_opened_no_price_is_missed(viewer, marks):
    assert "Not heard" not in text_of(viewer, a_position(opened_at=timezone.now()))
    long_ago = timezone.now() - timedelta(days=1)
    over = a_position("ETH", status=PositionStatus.CLOSED, opened_at=long_ago)
    assert "Not heard" not in text_of(viewer, over)


def test_the_page_is_shown_while_the_prices_kept_here_cannot_be_read(viewer, monkeypatch):
    def away(*_):
        raise redis.ConnectionError("away")

    monkeypatch.setattr(silence, "newest_prices", away)
    position = a_position(opened_at=timezone.now() - timedelta(days=1))
    assert "the prices kept here cannot be read now" in text_of(viewer, position)
