"""Everything the world sends, through the real socket and the real webhook: an answer, a row, an open door."""

from __future__ import annotations

import json

import pytest
from websockets.sync.client import ClientConnection

from signals_app.models import SignalLog
from tests.browser.server import WebServer
from tests.ops.waiting import until
from tests.signals_app.callers import bearing, post, until_known
from tests.signals_app.foreign_payloads import PAYLOADS, the_world
from tests.signals_app.senders import a_frame, a_sender, ask, connected

PING = '{"type": "ping"}'
STATUS = {"unreadable": 400, "too_large": 413} | dict.fromkeys(
    (
        "missing_field", "bad_field", "bad_symbol", "unknown_shape", "unfilled_placeholder", "not_followed",
        "not_a_signal",
    ),
    422,
)  # fmt: skip


def row_of(answer: dict[str, object]) -> tuple[object, ...]:
    row = SignalLog.objects.get(pk=answer["log_id"])
    return row.status, row.reason_code, row.reason, row.uid


def said(answer: dict[str, object]) -> tuple[object, ...]:
    return answer["status"], answer["reason_code"], answer["reason"], answer["uid"]


@pytest.mark.parametrize("as_text", [False, True], ids=["bytes", "text"])
def test_through_the_socket(web: WebServer, as_text: bool) -> None:
    the_world()
    with connected(web, rate_per_minute=0) as socket:
        until(lambda: knows_the_world(socket), "the tickers to be known")
        SignalLog.objects.all().delete()
        sent = [payload for payload in PAYLOADS if payload.is_text or not as_text]
        for payload in sent:
            answer = ask(socket, payload.raw.decode() if as_text else payload.raw)
            assert (answer["type"], answer["status"], answer["reason_code"]) == (
                "verdict", payload.status, payload.code,
            ), payload.name  # fmt: skip
            assert row_of(answer) == said(answer), payload.name
            assert ask(socket, PING) == {"type": "pong"}, payload.name
    assert SignalLog.objects.count() == len(sent) >= 60


def knows_the_world(socket: ClientConnection) -> bool:
    return ask(socket, a_frame(symbol="ETHUSDT"))["reason_code"] == "ticker_off"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_through_the_webhook(web: WebServer, content_type: str) -> None:
    the_world()
    token = until_known(web, a_sender(rate_per_minute=0))
    path, headers = "/webhook/charts/", bearing(token)
    body = json.dumps(a_frame(symbol="ETHUSDT"))
    until(lambda: post(web, path, body, **headers).body["reason_code"] != "unknown_ticker", "the tickers")
    SignalLog.objects.all().delete()
    for payload in PAYLOADS:
        answer = post(web, path, payload.raw, content_type, **headers)
        assert (answer.status, answer.body["reason_code"]) == (STATUS.get(payload.code, 200), payload.code), (
            payload.name
        )
        assert row_of(answer.body) == said(answer.body), payload.name
    good = post(web, path, json.dumps(a_frame(7)), content_type, **headers)
    assert (good.status, good.body["reason_code"]) == (200, "unknown_ticker")
    assert SignalLog.objects.count() == len(PAYLOADS) + 1
