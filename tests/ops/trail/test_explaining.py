"""From a signal to its result and back, as the owner reads it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from positions.models import Fill, Order, Position
from positions.services import orders, reconciliation
from positions.services.instruments import refresh_instruments
from signals_app.models import SignalLog
from signals_app.registry import load
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival
from signals_app.services.intake import receive_signal
from tests.builders import a_fill, a_log_entry, a_position, a_signal_log, a_strategy, a_ticker, an_account
from trailing import services as trailing


def send(message: str, **fields: Any) -> SignalLog:
    bar = timezone.now().replace(second=0, microsecond=0).isoformat()
    raw = json.dumps({"symbol": "BTCUSDT", "message": message, "bar_time": bar} | fields)
    receive_signal(Arrival(raw, "charts", timezone.now(), SenderRule("charts")), load())
    return SignalLog.objects.latest("pk")


def carry_out(position: Position) -> None:
    """What workers do: send what waits, protect, ask the exchange for executions."""
    for pk in Order.objects.filter(position=position, status="initialized").values_list("pk", flat=True):
        orders.submit(pk)
    trailing.protect(position.pk)
    for pk in Order.objects.filter(position=position, status="initialized").values_list("pk", flat=True):
        orders.submit(pk)


@pytest.fixture
def closed(db: None, engine: Engine) -> Position:
    """Opened by one signal, its stop trailed once, closed by another."""
    strategy = a_strategy(an_account(name="main"), name="trend", notional=Decimal(1000))
    for phrase, direction in (("UP", "long"), ("EXIT", "close_long")):
        strategy.phrases.create(phrase=phrase, direction=direction)
    refresh_instruments()
    a_ticker("BTCUSDT")
    send("UP", signal_id="alert-7", token="not-for-the-log")
    position = Position.objects.get()
    carry_out(position)
    price = engine.prices["BTCUSDT"] * Decimal("1.02")
    engine.set_price("BTCUSDT", price, now_ms())
    trailing.advance(position.pk, price, timezone.now())
    carry_out(position)
    send("EXIT")
    carry_out(position)
    reconciliation.reconcile_account(position.account_id)
    position.refresh_from_db()
    assert position.status == "closed"
    return position


def told(say: Any, kind: str, key: object) -> list[str]:
    """What was said, without the times."""
    status, said = say("explain", kind, str(key))
    assert status == 0
    return [said[0], *(line[39:].strip() if " s  " in line[:40] else line.strip() for line in said[1:])]


def in_order(sentences: list[str], *wanted: str) -> None:
    places = [next((n for n, line in enumerate(sentences) if one in line), None) for one in wanted]
    assert None not in places, [one for one, place in zip(wanted, places, strict=True) if place is None]
    assert places == sorted(places), list(zip(wanted, places, strict=True))


def test_a_position_from_the_senders_words_to_its_result(closed: Position, say) -> None:
    entry, stop, trailed, close = (f"tb-{closed.token}-{end}" for end in ("e1", "p1", "p2", "c1"))
    first, last = SignalLog.objects.order_by("pk")
    sentences = told(say, "position", closed.pk)
    in_order(
        sentences,
        f"Position {closed.pk}, closed",
        f'charts sent signal {first.pk}: BTCUSDT "UP", which means long',
        "the sender's id for it: alert-7",
        'raw payload: {"symbol": "BTCUSDT", "message": "UP"',
        f"position {closed.pk} is planned: long 0.01 BTCUSDT on account main, 972.5 at the mark price 97,250, lev",
        f"the stop of position {closed.pk} follows its plan",
        f"entry order {entry} is written: market buy 0.01 BTCUSDT",
        f"verdict on signal {first.pk}: strategy trend on account main opens position {closed.pk}",
        f"order {entry} is claimed for sending",
        f"order {entry} is filled with 0.01 at 97,250.1 (exchange order id 10",
        f"position {closed.pk} is open",
        f"the stop of position {closed.pk} is to stand at 95,305, for its entry at 97,250.1",
        f"protect order {stop} is written: stop market sell 0.01 BTCUSDT when the price reaches 95,305, only to reduce",
        f"order {stop} is accepted by the exchange",
        f"position {closed.pk} has its stop on the exchange",
        f"the price has come far enough: the stop of position {closed.pk} trails, now at 98,699",
        f"protect order {trailed} is written",
        f"order {stop} is to be canceled",
        f'charts sent signal {last.pk}: BTCUSDT "EXIT", which means close long',
        f"signal {last.uid[:12]} asks to close position {closed.pk} (signal)",
        f"close order {close} is written: market sell 0.01 BTCUSDT, only to reduce",
        f"verdict on signal {last.pk}: strategy trend on account main has position {closed.pk} closed",
        f"order {close} is filled with 0.01 at 99,194.9",
        f"position {closed.pk} is closed (signal)",
        f"of {entry}: bought 0.01 BTCUSDT at 97,250.1, fee 0.4862505 USDT",
        f"of {close}: sold 0.01 BTCUSDT at 99,194.9, fee 0.4959745 USDT, profit 19.448 by the exchange",
        f"result: position {closed.pk} was closed (signal); profit 19.448, fees 0.982225, funding 0: 18.465775 in all",
    )
    assert sentences[-1].startswith("result: ")
    assert "not-for-the-log" not in "\n".join(sentences)


def test_each_line_has_its_time_and_the_seconds_since_the_first(closed: Position, say) -> None:
    lines = say("explain", "position", str(closed.pk))[1]
    received = SignalLog.objects.earliest("pk").received_at
    assert lines[1].startswith(
        f"{received:%Y-%m-%d %H:%M:%S}.{received.microsecond // 1000:03}      +0.000 s  charts"
    )
    timed = [line for line in lines if " s  " in line[:40]]
    assert [line[:23] for line in timed] == sorted(line[:23] for line in timed)
    seconds = [Decimal(line[23:36].strip()) for line in timed]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 0


def test_an_order_is_told_by_any_of_its_ids_and_without_the_other_orders(closed: Position, say) -> None:
    order = Order.objects.get(position=closed, purpose="close")
    stories = [told(say, "order", key) for key in (order.client_order_id, order.pk, order.exchange_order_id)]
    assert stories[0] == stories[1] == stories[2]
    assert stories[0][0] == f"Order {order.client_order_id}, filled"
    text = "\n".join(stories[0])
    assert "charts sent signal" in text
    assert f"close order {order.client_order_id} is written" in text
    assert f"{closed.token}-e1" not in text


def test_a_fill_leads_back_to_the_payload(closed: Position, say) -> None:
    fill = Fill.objects.get(position=closed, order__purpose="entry")
    by_trade_id, by_row = told(say, "fill", fill.trade_id), told(say, "fill", f"pk={fill.pk}")
    assert by_trade_id == by_row
    in_order(
        by_row,
        f"Fill {fill.trade_id} of BTCUSDT",
        "raw payload:",
        f"order {fill.order.client_order_id} is filled",
        f"execution {fill.trade_id} of {fill.order.client_order_id}: bought",
    )
    assert f"{closed.token}-c1" not in "\n".join(by_row)


@pytest.mark.parametrize("by", ["pk", "uid"])
def test_a_signal_is_told_with_what_it_did(closed: Position, say, by: str) -> None:
    last = SignalLog.objects.latest("pk")
    sentences = told(say, "signal", getattr(last, by))
    in_order(sentences, f"Signal {last.pk}, new", '"EXIT"', f"asks to close position {closed.pk}", "result: ")


def test_a_signal_that_did_nothing_says_why(db, say) -> None:
    log = a_signal_log(status="ignored", reason="ticker is unknown", uid=None, raw_message="{\x1b[31mred")
    sentences = told(say, "signal", log.pk)
    assert sentences[1:] == [
        f"test sent message {log.pk}; it was ignored: ticker is unknown",
        "raw payload: {\\x1b[31mred",
    ]


def test_verdicts_that_opened_nothing_are_told(db, say) -> None:
    log = a_signal_log()
    for name, status, note in (("trend", "skipped", "no fresh price"), ("swing", "failed", "ValueError")):
        a_log_entry(log, a_strategy(an_account(name=f"of-{name}"), name=name), status=status, note=note)
    sentences = told(say, "signal", log.pk)
    assert (
        f"verdict on signal {log.pk}: strategy trend on account of-trend does nothing: no fresh price"
        in sentences
    )
    assert f"verdict on signal {log.pk}: strategy swing on account of-swing failed: ValueError" in sentences


def test_a_change_by_hand_is_told_with_its_author(db, say) -> None:
    position = a_position()
    with connection.cursor() as cursor:
        cursor.execute("SET application_name = 'psql'")
        cursor.execute("UPDATE positions SET leverage = 9 WHERE id = %s", [position.pk])
    sentences = told(say, "position", position.pk)
    assert (
        f"position {position.pk}: leverage 9 [written by {connection.settings_dict['USER']} psql]"
        in sentences
    )
    assert sentences[-1] == f"so far: position {position.pk} is open and holds 0.008"


@pytest.mark.parametrize(
    ("kind", "key"),
    [("position", "99"), ("position", "x"), ("order", "tb-nothing-e1"), ("fill", "pk=7"), ("signal", "f" * 64),
     ("signal", "9" * 64)],
)  # fmt: skip
def test_what_is_not_there_is_one_clear_line(db, say, kind: str, key: str) -> None:
    with pytest.raises(CommandError, match=f"^There is no {kind} {key}.$"):
        say("explain", kind, key)


def test_an_id_that_several_rows_have_is_asked_back(db, say) -> None:
    first, second = (a_fill(trade_id="77", symbol=symbol) for symbol in ("BTCUSDT", "ETHUSDT"))
    wanted = rf"fill 77 could be any of pk={first.pk} \(BTCUSDT 77\), pk={second.pk} \(ETHUSDT 77\)"
    with pytest.raises(CommandError, match=wanted):
        say("explain", "fill", "77")
    assert told(say, "fill", f"pk={second.pk}")[0] == "Fill 77 of ETHUSDT"


def test_a_fill_of_nobodys_order_is_told_alone(db, say) -> None:
    Fill.objects.create(
        account=an_account(), symbol="ETHUSDT", trade_id="x9", side="sell", position_side="long", quantity=1,
        price=2000, forced="liquidation", executed_at=timezone.now(),
    )  # fmt: skip
    assert told(say, "fill", "x9")[1].startswith(
        "execution x9 of an order that is not ours (liquidation): sold 1 ETHUSDT at 2,000, fee 0"
    )


def pages(position: Position) -> list[str]:
    order = Order.objects.filter(position=position).first()
    fill = Fill.objects.filter(position=position).first()
    log = SignalLog.objects.first()
    return [
        reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])
        for row in (position, order, fill, log)
    ]


def test_every_record_links_its_story_in_the_admin(closed: Position, admin_client) -> None:
    for change in pages(closed):
        explain = change.replace("/change/", "/explain/")
        assert f'href="{explain}"' in admin_client.get(change).content.decode()
        page = admin_client.get(explain).content.decode()
        assert "charts sent signal" in page
        assert "&quot;UP&quot;, which means long" in page
        assert admin_client.post(explain).status_code == 405


def test_what_a_sender_wrote_is_text_on_the_page(admin_client) -> None:
    evil = "<script>alert(1)</script>"
    log = a_signal_log(message=evil, raw_message=evil, source=evil, status="ignored", reason=evil)
    page = admin_client.get(reverse("admin:signals_app_signallog_explain", args=[log.pk])).content.decode()
    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_story_is_for_those_who_may_see_the_record(client, admin_client, django_user_model) -> None:
    story = reverse("admin:positions_position_explain", args=[a_position().pk])
    assert admin_client.get(reverse("admin:positions_position_explain", args=[999])).status_code == 404
    client.force_login(django_user_model.objects.create_user("clerk", is_staff=True))
    assert client.get(story).status_code == 403
    client.logout()
    assert client.get(story).status_code == 302
