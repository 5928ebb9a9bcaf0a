"""The webhook of the real web process: who may send what, what is answered, and which row is left."""

from __future__ import annotations

import json
import socket as sockets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db.models import Sum

from ops.models import SystemLog
from signals_app.models import SignalLog, SignalSender, UsedSignature
from signals_app.tokens import new_token
from tests.browser.server import WebServer
from tests.builders import a_strategy, a_ticker
from tests.ops.waiting import until
from tests.sampling import sample
from tests.signals_app.callers import bearing, post, signed, until_known
from tests.signals_app.senders import a_frame, a_sender
from tests.signals_app.test_door_failures import refusing

CHARTS = "/webhook/charts/"
KEY = "a key that both of them know"


def a_body(number: int = 0, **changes: object) -> bytes:
    return json.dumps(a_frame(number, **changes)).encode()


@pytest.fixture
def token(web: WebServer) -> str:
    return known(web)


def known(web: WebServer, name: str = "charts", **values: object) -> str:
    made = until_known(web, a_sender(name, **{"rate_per_minute": 0} | values), name)
    SignalLog.objects.all().delete()
    return made


def test_a_message_is_kept_and_answered_and_decided_later(web: WebServer, token: str) -> None:
    a_ticker("BTCUSDT")
    a_strategy().phrases.create(phrase="TREND UP", direction="close_long")
    until(lambda: post(web, CHARTS, a_body(time.time_ns() % 10**6, symbol="BTCUSDT", message="TREND UP"),
                       **bearing(token)).body["status"] == "new", "the phrase to be known")  # fmt: skip
    body = a_body(symbol="BTCUSDT", message="TREND UP", signal_id="alert-7")
    first = post(web, CHARTS, body, **bearing(token))
    row = SignalLog.objects.get(pk=first.body["log_id"])
    assert first.status == 200
    assert first.body == {
        "status": "new", "reason": "", "reason_code": None, "uid": row.uid, "log_id": row.pk, "id": "alert-7",
    }  # fmt: skip
    assert (row.source, row.status, row.signal_id) == ("webhook:charts", "new", "alert-7")
    again = post(web, CHARTS, body, **bearing(token))
    assert (again.status, again.body["status"], again.body["log_id"]) == (200, "duplicate", row.pk)


TYPES = ["application/json", "text/plain", "text/plain; charset=utf-8"]
PLACES = ["header", "path", "path without its last slash", "token", "secret"]
# each place with one type always, and with the others
TOKENS = [(place, TYPES[(at + turn) % 3]) for at, place in enumerate(PLACES) for turn in range(3)]


@pytest.mark.parametrize(("place", "content_type"), sample(TOKENS, 3))
def test_a_token_may_come_in_three_places(web: WebServer, token: str, place: str, content_type: str) -> None:
    path, changes, headers = CHARTS, {}, {}
    if place == "header":
        headers = bearing(token)
    elif place.startswith("path"):
        path = f"{CHARTS}{token}" + ("/" if place == "path" else "")
    else:
        changes = {place: token}
    answer = post(web, path, a_body(**changes), content_type, **headers)
    assert (answer.status, answer.body["reason_code"]) == (200, "unknown_ticker")
    assert token not in SignalLog.objects.get().raw_message


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (CHARTS, {}),
        (CHARTS, bearing("wrong")),
        (CHARTS, {"Authorization": "Basic eDp5"}),
        (f"{CHARTS}wrong/", {}),
        (f"{CHARTS}a/b/c/d", {}),
        ("/webhook/nobody/", {}),
    ],
    ids=str,
)
def test_without_a_known_token_nothing_is_kept(web: WebServer, token: str, path: str, headers: dict) -> None:
    answer = post(web, path, a_body(), **headers)
    assert (answer.status, answer.body["reason_code"]) == (401, "bad_token")
    assert answer.body["reason"] == "this token is not known"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not SignalLog.objects.exists()


def test_a_token_opens_the_door_of_its_own_sender_alone(web: WebServer, token: str) -> None:
    known(web, "other")
    assert post(web, "/webhook/other/", a_body(), **bearing(token)).status == 401


def test_a_token_in_the_query_is_refused_even_if_it_is_right(web: WebServer, token: str) -> None:
    answer = post(web, f"{CHARTS}?token={token}", a_body(), **bearing(token))
    assert (answer.status, answer.body["reason_code"]) == (401, "bad_token")
    assert "would end up in logs" in answer.body["reason"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_only_post(web: WebServer, token: str, method: str) -> None:
    answer = post(web, CHARTS, b"", method=method, **bearing(token))
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def refused(web: WebServer, token: str, body: bytes, **options: str) -> tuple[int, str]:
    """Status and code; the row says the same."""
    answer = post(web, CHARTS, body, **bearing(token) | options)
    row = SignalLog.objects.get(pk=answer.body["log_id"])
    assert (row.status, row.reason_code, row.reason) == (
        "ignored", answer.body["reason_code"], answer.body["reason"],
    )  # fmt: skip
    return answer.status, answer.body["reason_code"]


@pytest.mark.parametrize(
    ("body", "options", "expected"),
    [
        (b"{not json", {}, (400, "unreadable")),
        (b"", {}, (400, "unreadable")),
        (b"BTCUSDT buy", {"content_type": "text/plain"}, (400, "unreadable")),
        (b'{"symbol": "BTCUSDT"}', {}, (422, "missing_field")),
        (b'{"symbol": "{{ticker}}", "message": "UP", "time": "{{time}}"}', {}, (422, "unfilled_placeholder")),
        (a_body(), {"content_type": "application/x-www-form-urlencoded"}, (415, "content_type")),
        (a_body(), {"content_type": "multipart/form-data; boundary=x"}, (415, "content_type")),
        (b"x" * 70_000, {}, (413, "too_large")),
        (b"x" * 3_000_000, {}, (413, "too_large")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_used_is_refused_with_a_row(web, token, body, options, expected) -> None:
    assert refused(web, token, body, **options) == expected
    assert SignalLog.objects.count() == 1
    assert len(SignalLog.objects.get().raw_message) < 5000


def test_a_body_in_pieces_is_cut_at_the_limit(web: WebServer, token: str) -> None:
    """Nothing says beforehand how much will come."""
    head = f"POST {CHARTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with sockets.create_connection(("127.0.0.1", web.port), timeout=20) as raw:
        raw.sendall(head.encode())
        for _ in range(100):
            raw.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        raw.sendall(b"0\r\n\r\n")
        assert raw.recv(4000).startswith(b"HTTP/1.1 413")
    assert SignalLog.objects.get().reason_code == "too_large"


def test_a_switched_off_sender_is_told_so(web: WebServer, token: str) -> None:
    SignalSender.objects.update(enabled=False)
    until(lambda: refused(web, token, a_body()) == (403, "not_permitted"), "the change to be heard of")


def test_a_sender_is_heard_from_its_networks_alone(web: WebServer) -> None:
    token = known(web, allowed_networks="203.0.113.0/24")
    assert refused(web, token, a_body()) == (403, "wrong_network")
    assert refused(web, token, a_body(), X_Forwarded_For="203.0.113.9") == (403, "wrong_network")


def test_signed_messages(web: WebServer) -> None:
    token = known(web, signing_key=KEY, requires_signature=True, replay_window_seconds=60)
    body = a_body()
    good = signed(KEY, body)
    assert refused(web, token, body) == (401, "bad_signature")
    assert refused(web, token, body + b" ", **good) == (401, "bad_signature")
    assert refused(web, token, body, **signed("another key entirely", body)) == (401, "bad_signature")
    assert refused(web, token, body, **signed(KEY, body, time.time() - 90)) == (401, "bad_signature")
    assert "signed too long ago" in SignalLog.objects.latest("pk").reason
    assert not UsedSignature.objects.exists()
    answer = post(web, CHARTS, body, **bearing(token), **good)
    assert (answer.status, answer.body["reason_code"]) == (200, "unknown_ticker")
    assert refused(web, token, body, **good) == (401, "replayed")
    again = post(web, CHARTS, body, **bearing(token), **signed(KEY, body, time.time() + 1))
    assert (again.status, again.body["status"]) == (200, "duplicate"), (
        "sent again with a signature of its own"
    )


def test_a_signature_that_nobody_asked_for_is_checked_all_the_same(web: WebServer) -> None:
    token = known(web, signing_key=KEY)
    assert post(web, CHARTS, a_body(1), **bearing(token)).status == 200
    body = a_body(2)
    assert refused(web, token, body, **signed("another key entirely", body)) == (401, "bad_signature")


def test_one_signature_sent_eight_times_at_once_is_used_once(web: WebServer) -> None:
    token = known(web, signing_key=KEY)
    body = a_body()
    headers = bearing(token) | signed(KEY, body)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(web, CHARTS, body, **headers), range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 7


def test_a_failure_of_ours_is_503_with_a_row_and_the_same_may_be_sent_again(web: WebServer) -> None:
    token = known(web, signing_key=KEY)
    body = a_body(signal_id=7)
    headers = bearing(token) | signed(KEY, body)
    with refusing("NEW.uid IS NOT NULL"):
        answer = post(web, CHARTS, body, **headers)
    assert (answer.status, answer.body["status"], answer.body["id"]) == (503, "error", "7")
    assert answer.body["reason"] == "internal error; send it again"
    assert SignalLog.objects.get(pk=answer.body["log_id"]).reason_code == "internal_error"
    assert post(web, CHARTS, body, **headers).status == 200, "its signature was not used up"


def test_where_not_even_a_row_can_be_written_it_is_503(web: WebServer, token: str) -> None:
    with refusing("true"):
        answer = post(web, CHARTS, a_body(), **bearing(token))
    assert (answer.status, answer.body["log_id"]) == (503, None)
    assert "fire" not in str(answer.body)


def test_more_than_its_rate_is_429_and_says_when_to_come_again(web: WebServer) -> None:
    token = a_sender("limited", rate_per_minute=6, burst=100)
    until_known(web, token, "limited")
    SignalSender.objects.update(rate_per_minute=6, burst=3)
    until(lambda: post(web, "/webhook/limited/", a_body(), **bearing(token)).status == 429, "the limit")
    SignalLog.objects.all().delete()
    answers = [post(web, "/webhook/limited/", a_body(n), **bearing(token)) for n in range(5)]
    assert [answer.status for answer in answers].count(429) >= 4
    limited = [answer for answer in answers if answer.status == 429]
    assert {answer.body["reason_code"] for answer in limited} == {"rate_limited"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 10 for answer in limited)
    rows = SignalLog.objects.filter(reason_code="rate_limited")
    assert (rows.aggregate(n=Sum("received_count"))["n"], rows.count() <= 2) == (len(limited), True)


@pytest.fixture
def talkative_web(tmp_path: Path, transactional_db: None) -> Iterator[WebServer]:
    """Writes all it can: an access log, and every line of Django and uvicorn."""
    options = ("--access-log", "--log-level", "debug")
    server = WebServer(str(tmp_path / "log"), *options, LOG_LEVEL="DEBUG")
    server.start()
    yield server
    server.stop()


def test_no_log_of_any_server_shows_a_token(talkative_web: WebServer) -> None:
    web = talkative_web
    token, wrong = until_known(web, a_sender()), new_token()
    for secret in (token, wrong):
        for path in (
            f"/webhook/charts/{secret}/", f"/webhook/charts/{secret}", f"//webhook//charts//{secret}",
            f"/webhook/charts/{secret}/more/", f"/webhook/{secret}/", f"/webhook/{secret}",
            f"/webhook/nobody/{secret}/",
            f"/webhook/charts/?token={secret}", f"/webhook/charts/?Secret={secret}", f"/?token={secret}",
        ):  # fmt: skip
            for method in ("POST", "GET"):
                post(web, path, a_body(), method=method)
        post(web, CHARTS, a_body(token=secret))
        post(web, CHARTS, a_body(secret=secret), "text/html")
        post(web, CHARTS, b'{"token": "' + secret.encode() + b'", broken', **bearing(secret))
        with refusing("true"):
            post(web, CHARTS, a_body(token=secret))
    until(lambda: SystemLog.objects.filter(message__contains="webhook").exists(), "the attempts to be told")
    written = Path(web._log_file).read_text()
    assert '"POST /webhook/charts/ HTTP/1.1" 200' in written, "the access log is on"
    kept = str([list(model.objects.values()) for model in (SignalLog, SystemLog)])
    shown = [line for line in [*written.splitlines(), kept] if token in line or wrong in line]
    assert shown == []
