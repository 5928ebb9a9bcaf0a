"""How much a sender may send over WebSockets, and that every frame is answered and counted whatever it sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Sum
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from ops.models import SystemLog
from signals_app.balance import lines_of
from signals_app.models import SignalAttempt, SignalLog, SignalSender
from signals_app.tokens import new_token, token_hash
from tests.browser.server import WebServer
from tests.ops.waiting import until
from tests.signals_app.senders import a_frame, a_known_sender, address, ask, bearer, connected, hear

PING = '{"type": "ping"}'


def send_all(socket: ClientConnection, numbers: range) -> None:
    for number in numbers:
        socket.send(json.dumps(a_frame(number, signal_id=number)))


def counted() -> int:
    """Every frame the ledger knows of."""
    rows = SignalLog.objects.aggregate(received=Sum("received_count"))["received"] or 0
    return rows + SignalAttempt.objects.count()


def test_ten_thousand_frames_on_one_socket_are_answered_in_order(web: WebServer) -> None:
    count = 10_000
    signals = [a_frame(n) for n in range(count // 2)]
    frames = [json.dumps(one | {"signal_id": n}) for n, one in enumerate(signals * 2)]
    with connected(web, rate_per_minute=0) as socket:
        answers: list[dict] = []
        for number, frame in enumerate(frames):
            socket.send(frame)
            if number >= 1000:  # so many are always under way
                answers.append(hear(socket))
        answers += [hear(socket) for _ in range(count - len(answers))]
        assert ask(socket, PING) == {"type": "pong"}
    assert [answer["id"] for answer in answers] == [str(n) for n in range(count)]
    assert {answer["status"] for answer in answers[:5000]} == {"ignored"}
    assert {answer["status"] for answer in answers[5000:]} == {"duplicate"}
    assert (SignalLog.objects.count(), SignalAttempt.objects.count()) == (5000, 5000)


def test_a_sender_that_reads_nothing_is_held_up_and_loses_nothing(web: WebServer) -> None:
    """Its answers fill the socket, then the queue, then its own sending stops; it reads, and all goes on."""
    count = 3000
    token = a_known_sender(web, rate_per_minute=0)
    padding = "x" * 400
    with connect(address(web), additional_headers=bearer(token), max_queue=1) as socket:
        hear(socket)
        send_all_padded = [json.dumps(a_frame(n, signal_id=n, note=padding)) for n in range(count)]
        for frame in send_all_padded[:400]:
            socket.send(frame)
        until(lambda: SignalLog.objects.count() >= 100, "the first ones to be handled")
        with connected(web, "quick") as quick:
            assert ask(quick, a_frame(1))["type"] == "verdict", "others are not held up"
        for number, frame in enumerate(send_all_padded[400:]):
            socket.send(frame)
            assert hear(socket)["id"] == str(number)
        assert [hear(socket)["id"] for _ in range(400)] == [str(n) for n in range(count - 400, count)]


def test_what_a_sender_sent_before_it_hung_up_is_handled(web: WebServer) -> None:
    with signed_in(web, a_known_sender(web, rate_per_minute=0)) as socket:
        send_all(socket, range(500))
    until(lambda: SignalLog.objects.count() == 500, "all of them to be handled")


def test_more_than_its_rate_is_refused_and_counted_in_one_row(web: WebServer) -> None:
    with connected(web, "limited", rate_per_minute=1, burst=5) as socket:
        send_all(socket, range(50))
        answers = [hear(socket) for _ in range(50)]
        assert ask(socket, PING) == {"type": "pong"}
    passed, refused = answers[:5], answers[5:]
    assert {answer["reason_code"] for answer in passed} == {"unknown_ticker"}
    assert {(answer["status"], answer["reason_code"]) for answer in refused} == {("ignored", "rate_limited")}
    assert {answer["reason"] for answer in refused} == {"more than 1 a minute (and 5 at once)"}
    assert [answer["id"] for answer in refused] == [str(number) for number in range(5, 50)]
    rows = SignalLog.objects.filter(reason_code="rate_limited")
    assert rows.count() <= 2, "one for each minute"
    assert set(rows.values_list("pk", flat=True)) == {answer["log_id"] for answer in refused}
    assert (SignalLog.objects.exclude(reason_code="rate_limited").count(), counted()) == (5, 50)
    until(lambda: total("counted") == 50, "what the door itself counted")
    assert (total("received"), total("ignored"), total("difference")) == (50, 50, 0)


def total(name: str) -> int:
    """Of the ledger's page, over the hours of today and, at midnight, of yesterday."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        line for day in (today, today - timedelta(days=1)) for line in lines_of(day, "websocket:limited")
    ]
    return sum(getattr(line, name) or 0 for line in lines)


def test_two_sockets_of_one_sender_share_its_rate(web: WebServer) -> None:
    token = a_known_sender(web, rate_per_minute=1, burst=6)
    with ExitStack() as stack:
        first, second = (stack.enter_context(signed_in(web, token)) for _ in range(2))
        codes = [ask(one, a_frame(n))["reason_code"] for n, one in enumerate([first, second] * 5)]
    assert codes.count("rate_limited") == 4
    assert counted() == 10


def test_the_rate_of_one_sender_is_nothing_to_another(web: WebServer) -> None:
    with connected(web, "loud", rate_per_minute=1, burst=1) as loud, connected(web, "calm") as calm:
        assert [ask(loud, a_frame(n))["reason_code"] for n in range(3)][1:] == ["rate_limited"] * 2
        assert ask(calm, a_frame(9))["reason_code"] == "unknown_ticker"


@contextmanager
def signed_in(web: WebServer, token: str) -> Iterator[ClientConnection]:
    with connect(address(web), additional_headers=bearer(token), close_timeout=0.5) as socket:
        assert hear(socket)["type"] == "auth_success"
        yield socket


@pytest.fixture
def strict_web(tmp_path: Path, transactional_db: None) -> Iterator[WebServer]:
    server = WebServer(
        str(tmp_path / "log"), "--access-log", MAX_SENDER_CONNECTIONS="2", TRUSTED_PROXIES="127.0.0.1"
    )
    server.start()
    yield server
    server.stop()


def last_words(socket: ClientConnection) -> tuple[dict, int]:
    answer = hear(socket)
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=60)
    return answer, closed.value.rcvd.code


def test_a_sender_holds_only_so_many_connections_at_a_time(strict_web: WebServer) -> None:
    token = a_known_sender(strict_web)
    with ExitStack() as stack:
        first, _ = (stack.enter_context(signed_in(strict_web, token)) for _ in range(2))
        third = stack.enter_context(connect(address(strict_web), additional_headers=bearer(token)))
        assert last_words(third) == (
            {"type": "error", "reason": "too many connections of this sender"},
            1008,
        )
        assert ask(first, PING) == {"type": "pong"}
        first.close()
        until(lambda: can_sign_in(strict_web, token), "a place to be free")


def can_sign_in(web: WebServer, token: str) -> bool:
    with connect(address(web), additional_headers=bearer(token)) as socket:
        return hear(socket)["type"] == "auth_success"


def test_a_sender_is_heard_from_its_networks_alone(strict_web: WebServer) -> None:
    token = a_known_sender(strict_web)
    other = a_known_sender(strict_web, "other", allowed_networks="203.0.113.0/24\n127.0.0.1/32")
    SignalSender.objects.filter(name="charts").update(allowed_networks="203.0.113.0/24")

    def refusal(**headers: str) -> str:
        with connect(address(strict_web), additional_headers=bearer(token) | headers) as socket:
            return hear(socket).get("reason", "")

    elsewhere = "this sender may not send from this network"
    until(lambda: refusal() == elsewhere, "the change to be heard of")
    assert refusal(**{"X-Forwarded-For": "203.0.113.9"}) == "", "told by a proxy that is trusted"
    assert refusal(**{"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}) == elsewhere
    assert can_sign_in(strict_web, other)


def test_an_old_token_works_no_more_even_on_an_open_socket(web: WebServer) -> None:
    with connected(web, rate_per_minute=0) as socket:
        assert ask(socket, a_frame(0))["type"] == "verdict"
        SignalSender.objects.update(token_hash=token_hash(new_token()))
        numbers = iter(range(1, 10_000))
        answer = {}

        def is_refused() -> bool:
            answer.update(ask(socket, a_frame(next(numbers))))
            return answer["type"] == "auth_failed"

        until(is_refused, "the refusal")
        assert answer["reason"] == "this token works no more"


@pytest.mark.parametrize(
    ("frame", "own_id"),
    [
        ('{"id": 7}', "7"),
        ('{"signal_id": "a-1", "symbol": "BTCUSDT"}', "a-1"),
        ('{"id": ["a"]}', None),
        ("{not json", None),
        ("[" * 5000, None),
        ('{"id": "x", "message": "' + "y" * 70_000 + '"}', None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_message_that_cannot_be_used_is_answered_with_the_senders_own_id(web, frame, own_id) -> None:
    with connected(web) as socket:
        answer = ask(socket, frame)
    assert (answer["status"], answer["uid"], answer["id"]) == ("ignored", None, own_id)
    assert answer["reason_code"]
    assert answer["log_id"] == SignalLog.objects.get().pk


def test_a_frame_that_the_server_itself_will_not_read_closes_the_socket_alone(web: WebServer) -> None:
    token = a_known_sender(web)
    with connect(address(web), additional_headers=bearer(token)) as socket:
        hear(socket)
        with suppress(ConnectionClosed):  # the server may hang up in the middle of it
            socket.send("x" * 2_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=60)
        assert closed.value.rcvd.code == 1009
    assert can_sign_in(web, token)


def test_wrong_tokens_are_told_without_the_token_and_a_flood_of_them_is_slowed(strict_web: WebServer) -> None:
    secret, visitor = new_token(), {"X-Forwarded-For": "198.51.100.7"}
    for query in ("", f"?token={secret}", f"?secret={secret}"):
        with connect(address(strict_web, query), additional_headers=bearer(secret) | visitor) as socket:
            assert last_words(socket)[1] == 4401
    until(lambda: SystemLog.objects.filter(message__contains="wrong token").exists(), "the row")
    row = SystemLog.objects.filter(message__contains="wrong token").first()
    assert (row.level, row.details) == ("WARNING", {"address": "198.51.100.7"})
    assert secret not in Path(strict_web._log_file).read_text()
    assert secret not in str(list(SystemLog.objects.values()))
