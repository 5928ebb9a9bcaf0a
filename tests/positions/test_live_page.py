from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from exchanges.models import AccountBalance, AccountWatch
from exchanges.types import BreakerState
from positions.health_strip import chips
from positions.lifecycle import CloseReason, OrderPurpose, PositionStatus
from positions.models import Order
from signals_app.models import SignalStatus
from tests.builders import a_position, a_signal_log, an_order
from tests.people import a_person

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("pwned")</script><img src=x onerror=alert(1)>'


@pytest.fixture
def viewer(client):
    client.force_login(a_person("viewer"))
    return client


@pytest.fixture
def trader(client):
    client.force_login(a_person("trader", "ada"))
    return client


def form(word):
    return {"key": str(uuid4()), "symbol": word}


def close_url(position):
    return f"/positions/{position.pk}/close/"


@pytest.mark.parametrize("path", ["/", "/positions/1/close/"])
def test_strangers_are_sent_to_the_login(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.url) == (302, f"/accounts/login/?next={path}")


def test_a_customer_account_without_staff_rights_sees_nothing(client):
    client.force_login(User.objects.create_user("eve"))
    assert client.get("/").status_code == 403


def test_the_page_stands_before_any_script_ran(trader):
    position = a_position()
    an_order(position, purpose=OrderPurpose.PROTECT, trigger_price=96000)
    page = trader.get("/").content.decode()
    for text in ("PAPER", "97,250.4", "96,000.0", "LONG", f'href="{close_url(position)}"', "protect · sell"):
        assert text in page


def test_the_empty_page_says_what_happens_next(viewer):
    page = viewer.get("/").content.decode()
    for text in ("No open positions.", "No signals yet.", "No orders yet."):
        assert text in page


def test_live_mode_is_told_on_every_page(trader, settings):
    settings.DRY_RUN = False
    position = a_position()
    for path in ("/", close_url(position)):
        assert 'data-mode="LIVE"' in trader.get(path).content.decode()


def test_what_a_sender_wrote_stays_text(viewer):
    a_signal_log(
        message=HOSTILE, symbol=HOSTILE[:60], source="x<b>", status=SignalStatus.IGNORED, reason=HOSTILE
    )
    page = viewer.get("/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert" in page


def test_the_policy_allows_our_origin_only_and_the_page_needs_no_more(viewer):
    answer = viewer.get("/")
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    page = answer.content.decode()
    for inline in ("<style", " style=", "onclick=", "<script>"):
        assert inline not in page


def test_a_viewer_has_no_way_to_close(viewer):
    position = a_position()
    assert f'href="{close_url(position)}"' not in viewer.get("/").content.decode()
    assert viewer.get(close_url(position)).status_code == 403
    assert viewer.post(close_url(position), form("BTC")).status_code == 403
    assert not Order.objects.exists()


def test_the_confirmation_names_size_and_result(trader):
    page = trader.get(close_url(a_position())).content.decode()
    assert "Close BTC LONG at market" in page
    assert "0.008" in page
    assert 'name="symbol"' in page


@pytest.mark.parametrize("typed", ["", "ETH", "BTC/USDT", "yes"])
def test_the_wrong_word_sends_nothing(trader, typed):
    position = a_position()
    answer = trader.post(close_url(position), form(typed))
    assert answer.status_code == 422
    assert "Nothing was sent. Type BTC to confirm." in answer.content.decode()
    position.refresh_from_db()
    assert position.status == PositionStatus.OPEN


def test_the_right_word_asks_the_door(trader):
    position = a_position()
    answer = trader.post(close_url(position), form(" btc "), follow=True)
    position.refresh_from_db()
    assert position.status == PositionStatus.CLOSING
    assert (position.close_reason, position.close_requested_by) == (CloseReason.MANUAL, "ada")
    assert "Close order for BTC long is on its way." in answer.content.decode()
    assert Order.objects.get(position=position).purpose == OrderPurpose.CLOSE


def test_asking_twice_makes_one_order(trader):
    position = a_position()
    answers = [
        trader.post(close_url(position), form("BTC"), headers={"accept": "application/json"})
        for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [202, 202]
    assert "no second order" in json.loads(answers[1].content)["sentence"]
    assert Order.objects.filter(position=position, purpose=OrderPurpose.CLOSE).count() == 1
    assert "being closed already" in trader.get(close_url(position)).content.decode()


def test_a_script_is_answered_in_sentences(trader):
    headers = {"accept": "application/json"}
    answer = trader.post(close_url(a_position()), form("x"), headers=headers)
    assert answer.status_code == 422
    assert json.loads(answer.content)["sentence"] == "Nothing was sent. Type BTC to confirm."


def test_an_ended_position_is_told_not_closed_again(trader):
    position = a_position(status=PositionStatus.CLOSED)
    answer = trader.post(close_url(position), form("BTC"), follow=True)
    assert "BTC long closed: manual" in answer.content.decode()
    assert trader.get("/positions/999999/close/").status_code == 404


def test_closing_needs_the_csrf_token(trader):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.cookies = trader.cookies
    assert strict.post(close_url(a_position()), form("BTC")).status_code == 403


def test_an_account_without_a_report_yet_has_no_equity(viewer):
    a_position()
    assert not AccountBalance.objects.exists()
    assert '<b class="live" data-cell="equity">—</b>' in viewer.get("/").content.decode()


def test_while_an_account_does_not_answer_the_strip_says_which_stops_stand():
    stopped = a_position("BTC")
    an_order(stopped, purpose=OrderPurpose.PROTECT, trigger_price=95_000, quantity=stopped.quantity)
    a_position("ETH", account=stopped.account)
    AccountWatch.objects.create(
        account=stopped.account,
        breaker=BreakerState.OPEN,
        unreachable_since=timezone.now(),
        reconciled_at=timezone.now(),
    )
    [chip] = chips(timezone.now())
    assert chip["state"] == "bad"
    assert chip["text"] == (
        "does not answer; stops on the exchange: BTC long; without a stop there: ETH long"
    )


def test_while_the_stream_is_away_the_strip_says_which_stops_stand():
    stopped = a_position("BTC")
    an_order(stopped, purpose=OrderPurpose.PROTECT, trigger_price=95_000, quantity=stopped.quantity)
    AccountWatch.objects.create(account=stopped.account, stream_failures=1, reconciled_at=timezone.now())
    [chip] = chips(timezone.now())
    assert chip["state"] == "warn"
    assert chip["text"].startswith("no stream, compared 0m 00s ago; stops on the exchange: BTC long")
