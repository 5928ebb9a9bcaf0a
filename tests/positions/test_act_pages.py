"""The sheets of acts, as a browser without scripts meets them."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from exchanges.errors import OutcomeUnknown
from exchanges.models import FlatRun
from exchanges.types import PriceTick
from positions.lifecycle import OrderPurpose
from positions.models import Order, PersonAct, Position
from tests.builders import a_fill, a_position, a_trailing_stop, an_order
from tests.people import a_person
from trailing.models import TrailingStop

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}


@pytest.fixture
def trader(client: Client) -> Client:
    client.force_login(a_person("trader", "ada"))
    return client


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(a_person("admin", "ada"))
    return client


@pytest.fixture
def viewer_of_it() -> Client:
    other = Client()
    other.force_login(a_person("viewer", "vera"))
    return other


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Position:
    """A long of 0.008 at 97250.4 with a stop at 96000; the market is at 97350."""
    position = a_position()
    a_trailing_stop(position, stop_price=D(96000))
    an_order(position, purpose=OrderPurpose.PROTECT, trigger_price=D(96000))
    for name in ("mark_of", "deciding_price_of"):
        monkeypatch.setattr(f"positions.services.by_hand.{name}", lambda _: D(97350))
    return position


def page(answer) -> str:
    return answer.content.decode()


def form(**values: str) -> dict[str, str]:
    return {"key": str(uuid4())} | values


def exits() -> int:
    return Order.objects.exclude(purpose__in=["entry", "protect"]).count()


ACTS = ("close", "part", "stop", "hand-over", "take-back", "close-again", "note")


@pytest.mark.parametrize("act", ACTS)
def test_strangers_and_viewers_do_nothing(client: Client, held: Position, act: str) -> None:
    path = f"/positions/{held.pk}/{act}/"
    assert client.post(path, form(symbol="BTC")).status_code == 302
    client.force_login(a_person("viewer"))
    assert (client.get(path).status_code, client.post(path, form(symbol="BTC")).status_code) == (403, 403)
    assert not PersonAct.objects.exists()


@pytest.mark.parametrize("act", ACTS)
def test_each_sheet_carries_its_own_number_and_needs_no_script(
    trader: Client, held: Position, act: str
) -> None:
    path = f"/positions/{held.pk}/{act}/" + ("?stop=96500" if act == "stop" else "")
    first, second = page(trader.get(path)), page(trader.get(path))
    keys = [text.split('name="key" value="')[1][:36] for text in (first, second)]
    assert keys[0] != keys[1]
    for inline in ("<style", " style=", "onclick="):
        assert inline not in first


@pytest.mark.parametrize("act", ACTS)
def test_a_form_without_a_number_does_nothing(trader: Client, held: Position, act: str) -> None:
    answer = trader.post(
        f"/positions/{held.pk}/{act}/", {"symbol": "BTC", "share": "50", "stop": "96500", "text": "x"}
    )
    assert (answer.status_code, PersonAct.objects.count()) == (422, 0)


def test_a_part_is_asked_for_and_told(trader: Client, held: Position) -> None:
    path = f"/positions/{held.pk}/part/"
    assert "0.006 BTC" in page(trader.get(path))
    given = form(share="50", quantity="")
    answers = [trader.post(path, given, follow=True) for _ in range(2)]
    assert ["Order for 0.004 BTC long is on its way." in page(one) for one in answers] == [True, True]
    assert Order.objects.get(purpose="reduce").quantity == D("0.004")


@pytest.mark.parametrize(
    "given", [{}, {"share": "50", "quantity": "0.001"}, {"quantity": "x"}, {"share": "90"}]
)
def test_a_part_that_is_not_said_clearly_is_refused(trader: Client, held: Position, given: dict) -> None:
    answer = trader.post(f"/positions/{held.pk}/part/", form(**given))
    assert (answer.status_code, exits()) == (422, 0)
    assert "Nothing was sent." in page(answer)


def test_a_refusal_is_asked_again_with_another_number(trader: Client, held: Position) -> None:
    given = form(quantity="5")
    answer = trader.post(f"/positions/{held.pk}/part/", given, headers=JSON)
    told = json.loads(answer.content)
    assert (answer.status_code, told["sentence"]) == (
        422,
        "Nothing was sent: only 0.008 can still be closed, not 5.",
    )
    assert told["key"] != given["key"]


def test_a_stop_is_shown_in_money_before_it_is_moved(trader: Client, held: Position) -> None:
    text = page(trader.get(f"/positions/{held.pk}/stop/?stop=97000"))
    assert "\N{MINUS SIGN}2.00" in text
    assert "I know this raises the risk" not in text
    answer = trader.post(f"/positions/{held.pk}/stop/", form(stop="97000"), follow=True)
    assert "The stop of BTC long goes to 97000." in page(answer)
    assert TrailingStop.objects.get().stop_reason == "by_hand"


def test_loosening_needs_its_tick(trader: Client, held: Position) -> None:
    path = f"/positions/{held.pk}/stop/"
    assert "I know this raises the risk to <b>\N{MINUS SIGN}18.00</b>" in page(
        trader.get(f"{path}?stop=95000")
    )
    refused = trader.post(path, form(stop="95000"))
    assert (refused.status_code, "never loosened" in page(refused)) == (422, True)
    assert TrailingStop.objects.get().stop_price == 96000
    assert trader.post(path, form(stop="95000", loosen="on")).status_code == 422  # from what?
    assert 'name="seen" value="96000.00000000"' in page(trader.get(f"{path}?stop=95000"))
    assert trader.post(path, form(stop="95000", loosen="on", seen="96000.00000000")).status_code == 302
    assert TrailingStop.objects.get().stop_price == 95000


@pytest.mark.parametrize("stop", ["", "x", "-1", "97400", "1000", "NaN"])
def test_a_stop_that_cannot_be_is_refused(trader: Client, held: Position, stop: str) -> None:
    answer = trader.post(f"/positions/{held.pk}/stop/", form(stop=stop, loosen="on"))
    assert (answer.status_code, TrailingStop.objects.get().stop_price) == (422, 96000)


def test_a_hand_over_says_what_stays_and_needs_the_symbol(trader: Client, held: Position) -> None:
    path = f"/positions/{held.pk}/hand-over/"
    assert "The stop at 96,000.0 stays where it is." in page(trader.get(path))
    assert trader.post(path, form(word_typed="ETH")).status_code == 422
    assert "is yours" in page(trader.post(path, form(word_typed="btc"), follow=True))
    held.refresh_from_db()
    assert held.handed_over_to == "ada"
    assert "HANDED OVER" in page(trader.get("/"))
    assert "looked after again" in page(trader.post(f"/positions/{held.pk}/take-back/", form(), follow=True))


def test_an_order_is_canceled_and_a_stop_never(trader: Client, held: Position) -> None:
    target = an_order(held, purpose=OrderPurpose.TAKE_PROFIT, price=D(99000), order_type="limit")
    assert trader.post(f"/orders/{target.pk}/cancel/", form()).status_code == 302
    target.refresh_from_db()
    assert target.status == "pending_cancel"
    stop = Order.objects.get(purpose="protect")
    assert "It cannot be canceled" in page(trader.get(f"/orders/{stop.pk}/cancel/"))
    assert trader.post(f"/orders/{stop.pk}/cancel/", form()).status_code == 422
    stop.refresh_from_db()
    assert stop.status == "accepted"


def test_close_all_needs_the_number_of_positions(admin: Client, held: Position) -> None:
    assert "Type <b>CLOSE 1</b> to confirm" in page(admin.get("/close-all/"))
    for word in ("CLOSE", "CLOSE 2", "BTC"):
        assert admin.post("/close-all/", form(word_typed=word, reason="storm")).status_code == 422
    assert admin.post("/close-all/", form(word_typed="CLOSE 1", reason="")).status_code == 422
    assert not FlatRun.objects.exists()
    given = form(word_typed="close 1", reason="storm")
    answers = [admin.post("/close-all/", given) for _ in range(2)]
    run = FlatRun.objects.get()
    assert answers[0].url == f"/flat/{run.pk}/"
    assert (run.by, run.reason, Order.objects.filter(purpose="close").count()) == ("ada", "storm", 1)


def test_who_may_not_switch_does_not_close_all(trader: Client, client: Client) -> None:
    client.force_login(a_person("viewer"))
    assert client.post("/close-all/", form(word_typed="CLOSE 0", reason="x")).status_code == 403


def test_a_refused_close_is_listed_with_a_way_to_ask_again(admin: Client, held: Position) -> None:
    admin.post("/close-all/", form(word_typed="CLOSE 1", reason="storm"))
    Order.objects.filter(purpose="close").update(status="rejected", reason="no")
    later = timezone.now() + timedelta(minutes=1)
    Position.objects.update(status="open", close_refusals=2, close_again_at=later)
    assert f"/positions/{held.pk}/close-again/" in page(admin.get(f"/flat/{FlatRun.objects.get().pk}/"))
    admin.post(f"/positions/{held.pk}/close-again/", form())
    held.refresh_from_db()
    assert (held.status, Order.objects.filter(purpose="close").count()) == ("closing", 2)


def test_acts_need_the_csrf_token(trader: Client, held: Position) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = trader.cookies
    for act in ACTS:
        assert strict.post(f"/positions/{held.pk}/{act}/", form(symbol="BTC")).status_code == 403


def test_taking_it_without_a_stop_needs_its_tick(trader: Client, held: Position) -> None:
    path = f"/positions/{held.pk}/hand-over/"
    assert 'name="bare"' not in page(trader.get(path))
    Order.objects.filter(purpose="protect").update(status="canceled")
    assert 'name="bare"' in page(trader.get(path))
    assert trader.post(path, form(word_typed="BTC")).status_code == 422
    assert trader.post(path, form(word_typed="BTC", bare="on")).status_code == 302


def test_taking_back_what_would_be_sold_needs_its_tick(trader: Client, held: Position) -> None:
    path = f"/positions/{held.pk}/take-back/"
    Position.objects.filter(pk=held.pk).update(handed_over_at=timezone.now(), handed_over_to="ada")
    asked = page(trader.get(path))
    assert ("96,000.0" in asked, 'name="leave"' in asked) == (True, False)
    TrailingStop.objects.update(stop_price=D(98000))
    asked = page(trader.get(path))
    assert ("beyond its level" in asked, 'name="leave"' in asked) == (True, True)
    assert trader.post(path, form()).status_code == 422
    assert trader.post(path, form(leave="on")).status_code == 302


def test_a_note_stands_in_the_timeline_with_its_author_once_and_harmless(
    trader: Client, viewer_of_it: Client, held: Position
) -> None:
    path, given = (
        f"/positions/{held.pk}/note/",
        form(text="closed before\nthe news <script>alert(1)</script>"),
    )
    for _ in range(2):
        answer = page(trader.post(path, given, follow=True))
    assert answer.count("ada notes: closed before / the news &lt;script&gt;") == 1
    assert PersonAct.objects.filter(position=held, act="note", by="ada").count() == 1
    assert trader.post(path, form(text=" ")).status_code == 422
    assert viewer_of_it.post(path, form(text="x")).status_code == 403


def test_a_note_may_be_made_of_what_is_over(trader: Client, held: Position) -> None:
    TrailingStop.objects.all().delete()
    Position.objects.update(status="closed", quantity=0, closed_at=timezone.now(), close_reason="manual")
    assert trader.post(f"/positions/{held.pk}/note/", form(text="learned")).status_code == 302


def test_what_closing_costs_is_told_by_the_book(trader: Client, held: Position, monkeypatch) -> None:
    """A long is sold at the bid: 97350 marked, 97340 bid, 0.008 held."""
    now = timezone.now()
    book = PriceTick("BTC/USDT:USDT", D(97340), now), PriceTick("BTC/USDT:USDT", D(97360), now)
    monkeypatch.setattr("positions.closing_costs.session.call", lambda *_, **__: book)
    monkeypatch.setattr("positions.queries.latest_marks", lambda *_: {"BTCUSDT": D(97350)})
    a_fill(an_order(held, status="filled"), quantity=D("0.008"), price=D("97250.4"), fee=D("0.389"))
    text = page(trader.get(f"/positions/{held.pk}/close/"))
    assert "\N{MINUS SIGN}0.08</span> <small>to the best bid 97,340.0 of the order book" in text
    assert "\N{MINUS SIGN}0.39</span> <small>0.05%, as its last fill paid" in text


def test_without_a_book_earlier_stops_tell_the_slippage(trader: Client, held: Position, monkeypatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OutcomeUnknown("no answer in time")

    monkeypatch.setattr("positions.closing_costs.session.call", fails)
    path = f"/positions/{held.pk}/close/"
    assert "no order book and no earlier stop to judge by" in page(trader.get(path))
    Order.objects.filter(purpose="protect").update(status="filled", average_price=D(95904))
    assert "as the last 1 stops of it slipped" in page(trader.get(path))


def test_a_close_does_not_wait_for_its_costs(trader: Client, held: Position, monkeypatch) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the exchange was asked")

    monkeypatch.setattr("positions.act_page.closing_costs", asked)
    assert trader.post(f"/positions/{held.pk}/close/", form(symbol="BTC")).status_code == 302
