"""The door for senders, through a real socket of the real web process."""

from __future__ import annotations

import json
import socket as sockets
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from signals_app.models import SignalAttempt, SignalLog, SignalSender
from tests.browser.server import WebServer
from tests.ops.waiting import until
from tests.signals_app.senders import a_frame, a_sender, address, ask, bearer, connected, hear, is_known


def is_refused(socket: ClientConnection) -> str:
    """The reason told, after which the socket is closed with our code."""
    answer = hear(socket)
    assert answer["type"] == "auth_failed"
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=60)
    assert closed.value.rcvd.code == 4401
    return answer["reason"]


def test_a_token_in_the_header_opens_the_door(web: WebServer) -> None:
    with connected(web) as socket:
        assert ask(socket, {"type": "ping"}) == {"type": "pong"}


def test_a_token_in_the_first_message_opens_the_door(web: WebServer) -> None:
    token = a_sender()
    until(lambda: is_known(web, token), "the sender to be known")
    with connect(address(web)) as socket:
        assert hear(socket) == {"type": "auth_required"}
        welcome = ask(socket, {"type": "auth", "token": token})
        assert welcome == {"type": "auth_success", "sender": "charts"}
        assert ask(socket, a_frame())["status"] == "ignored"


@pytest.mark.parametrize("token", ["wrong", "x" * 5000, "töken"])
def test_a_wrong_token_in_the_header_is_refused(web: WebServer, token: str) -> None:
    header = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    with connect(address(web), additional_headers=header) as socket:
        assert is_refused(socket) == "this token is not known"


@pytest.mark.parametrize(
    "first",
    [
        {"type": "auth", "token": "wrong"},
        {"type": "auth"},
        {"type": "auth", "token": None},
        {"type": "auth", "token": ["a"]},
        {"type": "auth", "token": "\ud800"},
        {"type": "ping"},
        a_frame(),
        "{not json",
        "[" * 400,
        b"\xff\xfe",
        "x" * 100_000,
    ],
    ids=lambda first: str(first)[:30],
)
def test_anything_but_a_known_token_first_is_refused_and_not_logged(web: WebServer, first: Any) -> None:
    with connect(address(web)) as socket:
        assert hear(socket) == {"type": "auth_required"}
        socket.send(first if isinstance(first, str | bytes) else json.dumps(first))
        assert is_refused(socket)
    assert not SignalLog.objects.exists()


def test_a_token_in_the_address_is_refused_even_if_it_is_right(web: WebServer) -> None:
    token = a_sender()
    until(lambda: is_known(web, token), "the sender to be known")
    for headers in ({}, bearer(token)):
        with connect(address(web, f"?token={token}"), additional_headers=headers) as socket:
            assert "would end up in logs" in is_refused(socket)


def test_who_says_nothing_is_sent_away(web: WebServer) -> None:
    with connect(address(web)) as socket:
        assert hear(socket) == {"type": "auth_required"}
        assert is_refused(socket) == "no token came in time"


def test_who_leaves_before_signing_in_does_no_harm(web: WebServer) -> None:
    with sockets.create_connection(("127.0.0.1", web.port), timeout=5) as raw:
        raw.sendall(b"GET /ws/signals/ HTTP/1.1\r\nHost: x\r\n\r\n")
    with connect(address(web)) as leaving:
        hear(leaving)
    with connected(web) as socket:
        assert ask(socket, {"type": "ping"}) == {"type": "pong"}


def test_a_sender_that_is_switched_off_is_sent_away_with_its_next_frame(web: WebServer) -> None:
    with connected(web) as socket:
        assert ask(socket, a_frame())["type"] == "verdict"
        SignalSender.objects.update(enabled=False)
        number = iter(range(1, 10_000))
        answer: dict[str, Any] = {}

        def is_sent_away() -> bool:
            answer.update(ask(socket, a_frame(next(number))))
            return answer["type"] == "auth_failed"

        until(is_sent_away, "the refusal")
        assert answer["reason"] == "this sender was switched off"
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=60)
        assert closed.value.rcvd.code == 4401


NONSENSE = [
    "",
    "{not json",
    "[]",
    "null",
    '{"symbol": "BTCUSDT"}',
    '{"symbol": 5, "message": ["x"], "bar_time": "yesterday"}',
    '{"symbol": "BTCUSDT", "message": "UP", "bar_time": NaN}',
    '{"symbol": "BTCUSDT", "message": "U\\u0000P", "bar_time": 1772366400}',
    '{"type": "auth"',
    "[" * 5000,
    "1" * 5000,
    "\x00",
    b"\xff\xfe\x00",
    b"\x00" * 1000,
]


def test_malformed_frames_are_answered_and_logged_and_the_door_stays_open(web: WebServer) -> None:
    with connected(web) as socket:
        for frame in NONSENSE:
            answer = ask(socket, frame)
            assert (answer["type"], answer["status"]) == ("verdict", "ignored"), frame
            row = SignalLog.objects.get(pk=answer["log_id"])
            assert row.reason == answer["reason"] != ""
            assert (row.uid, row.source, row.status) == (None, "websocket:charts", "ignored")
        assert ask(socket, {"type": "ping"}) == {"type": "pong"}
    assert SignalLog.objects.count() == len(NONSENSE)


def test_a_huge_frame_is_answered_and_kept_in_short(web: WebServer) -> None:
    with connected(web) as socket:
        answer = ask(socket, a_frame(message="x" * 200_000))
        assert "larger than" in answer["reason"]
        assert len(SignalLog.objects.get().raw_message) < 5000
        assert ask(socket, {"type": "ping"}) == {"type": "pong"}


def test_a_signal_in_a_binary_frame_is_a_signal(web: WebServer) -> None:
    with connected(web) as socket:
        answer = ask(socket, json.dumps(a_frame()).encode())
        assert answer["reason"] == "unknown ticker NOSUCHUSDT"


def test_the_answer_names_the_signal_and_its_row(web: WebServer) -> None:
    with connected(web) as socket:
        frame = a_frame(signal_id="websocket_test_123")
        answer = ask(socket, frame)
        row = SignalLog.objects.get()
        assert answer["id"] == row.signal_id == "websocket_test_123"
        assert (answer["uid"], answer["log_id"], answer["entries"]) == (row.uid, row.pk, [])
        again = ask(socket, frame)
        assert (again["status"], again["log_id"], again["uid"]) == ("duplicate", row.pk, row.uid)
    assert SignalAttempt.objects.count() == SignalLog.objects.count() == 1


def test_the_same_alert_by_two_senders_is_one_signal(web: WebServer) -> None:
    with connected(web) as first, connected(web, "phone") as second:
        frame = a_frame()
        assert ask(first, frame)["status"] == "ignored"
        assert ask(second, frame)["status"] == "duplicate"
    assert SignalLog.objects.get().source == "websocket:charts"
    assert SignalAttempt.objects.get().source == "websocket:phone"


def test_answers_come_in_the_order_of_the_frames(web: WebServer) -> None:
    with connected(web) as socket:
        for number in range(30):
            socket.send(json.dumps(a_frame(number, signal_id=number)))
            socket.send('{"type": "ping"}')
        answers = [hear(socket) for _ in range(60)]
    assert [a["id"] for a in answers[::2]] == [str(number) for number in range(30)]
    assert {a["type"] for a in answers[1::2]} == {"pong"}
    ids = SignalLog.objects.order_by("pk").values_list("signal_id", flat=True)
    assert list(ids) == [str(number) for number in range(30)]


def test_a_sender_that_hangs_up_in_the_middle_loses_nothing_it_sent_first(web: WebServer) -> None:
    with connected(web) as socket:
        socket.send(json.dumps(a_frame(1)))
    until(lambda: SignalLog.objects.count() == 1, "the row of the last frame")


def test_markup_and_nul_are_kept_as_harmless_text(web: WebServer) -> None:
    with connected(web) as socket:
        answer = ask(socket, a_frame(message="<script>alert(1)</script>"))
        assert SignalLog.objects.get(pk=answer["log_id"]).message == "<script>alert(1)</script>"
        answer = ask(socket, '{"a": "\x00"}')
        assert SignalLog.objects.get(pk=answer["log_id"]).raw_message == '{"a": "\\0"}'


def test_a_token_that_a_sender_writes_into_its_messages_is_not_kept(web: WebServer) -> None:
    token = a_sender()
    until(lambda: is_known(web, token), "the sender to be known")
    with connect(address(web), additional_headers=bearer(token)) as socket:
        hear(socket)
        ask(socket, a_frame(1, auth={"key": token}))
        ask(socket, f"no JSON, but {token}".encode())
    kept = SignalLog.objects.values_list("raw_message", flat=True)
    assert len(kept) == 2
    assert not any(token in raw for raw in kept)


def test_a_stranger_may_send_little(web: WebServer) -> None:
    with connect(address(web)) as socket:
        assert hear(socket) == {"type": "auth_required"}
        socket.send("x" * 70_000)
        assert is_refused(socket) == "at most 65536 bytes in a frame before a token"


def test_what_is_sent_before_the_welcome_is_taken_in_its_order(web: WebServer) -> None:
    token = a_sender()
    until(lambda: is_known(web, token), "the sender to be known")
    with connect(address(web)) as socket:
        socket.send(json.dumps({"type": "auth", "token": token}))
        for number in range(50):
            socket.send(json.dumps(a_frame(number, signal_id=number)))
        said = [hear(socket) for _ in range(52)]
    assert [one["type"] for one in said[:2]] == ["auth_required", "auth_success"]
    assert [one["id"] for one in said[2:]] == [str(number) for number in range(50)]


def test_only_so_many_may_wait_for_their_token(web: WebServer) -> None:
    token = a_sender()
    until(lambda: is_known(web, token), "the sender to be known")
    with ExitStack() as opened:
        said = {"type": "auth_required"}
        for _ in range(300):
            socket = opened.enter_context(connect(address(web)))
            said = hear(socket)
            if said["type"] != "auth_required":
                break
        assert "too many connections wait" in said["reason"]
        assert is_known(web, token), "a token in the header still opens the door"
