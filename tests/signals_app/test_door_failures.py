"""The door for senders when something behind it breaks, and what must not happen on a socket that was refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from signals_app.models import SignalLog
from signals_app.parsing import Signal, parse
from signals_app.tokens import known_hash, new_token, token_hash
from tests.browser.server import WebServer
from tests.locks import waiting_for_a_lock
from tests.ops.waiting import until
from tests.signals_app.senders import (
    a_frame,
    a_known_sender,
    a_sender,
    address,
    ask,
    bearer,
    connected,
    hear,
    is_known,
)
from tests.trailing.processes import child

UUID = "0190f1a6-0000-7000-8000-000000000001"
PING, PONG = {"type": "ping"}, {"type": "pong"}


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def refusing(condition: str) -> Iterator[None]:
    """The database itself says no to rows of the ledger that are like this."""
    run_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk on fire'; END $$;"
        f"CREATE TRIGGER refuse BEFORE INSERT ON signals_v2_log FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION refuse()"
    )
    try:
        yield
    finally:
        run_sql("DROP FUNCTION refuse CASCADE")


def test_our_failure_is_answered_and_logged_and_the_signal_can_be_sent_again(web: WebServer) -> None:
    frame = a_frame(signal_id=7)
    with connected(web) as socket:
        with refusing("NEW.uid IS NOT NULL"):
            answer = ask(socket, frame)
        assert (answer["type"], answer["status"]) == ("verdict", "error")
        assert answer["reason"] == "internal error; send it again"
        row = SignalLog.objects.get(pk=answer["log_id"])
        assert (row.status, row.uid, row.reason) == ("ignored", None, "internal error (ProgrammingError)")
    with connected(web, "again") as socket:
        assert ask(socket, frame)["reason"] == "unknown ticker NOSUCHUSDT"


def test_where_not_even_a_row_can_be_written_the_door_still_lives(web: WebServer) -> None:
    with refusing("true"):
        for name, frame in (("good", a_frame()), ("bad", "{not json")):
            with connected(web, name) as socket:
                answer = ask(socket, frame)
            assert (answer["status"], answer["log_id"]) == ("error", None)
            assert "fire" not in json.dumps(answer)
    with connected(web) as socket:
        assert ask(socket, PING) == PONG
        assert ask(socket, a_frame())["status"] == "ignored"


def test_what_was_sent_ahead_of_an_error_waits_for_the_next_connection(web: WebServer) -> None:
    """It would be taken before what has to be sent again, and a close before its opening."""
    with connected(web) as socket, refusing("NEW.uid IS NOT NULL"):
        socket.send(json.dumps(a_frame(1)))
        assert json.loads(socket.recv(timeout=60))["status"] == "error"
        assert json.loads(socket.recv(timeout=60))["type"] == "error"
        with pytest.raises(ConnectionClosed) as ended:
            ask(socket, a_frame(2))
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1013
    assert not SignalLog.objects.filter(uid__isnull=False).exists()


def test_connections_that_the_database_dropped_are_made_again(web: WebServer) -> None:
    with connected(web) as socket:
        assert ask(socket, a_frame(1))["status"] == "ignored"
        run_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert ask(socket, a_frame(2))["status"] == "ignored"


@contextmanager
def held_up(frame: dict[str, object]) -> Iterator[psycopg.Connection]:
    """Somebody holds its row; the same content has to wait until it is known who was first."""
    signal = parse(json.dumps(frame), timezone.now())
    assert isinstance(signal, Signal)
    with psycopg.connect(**_parameters()) as holder:
        holder.execute(
            "INSERT INTO signals_v2_log (uid, symbol, direction, source, message, raw_message, received_at,"
            " logged_at, status, reason) VALUES (%s, '', '', 'x', '', '', now(), now(), 'new', '')",
            [signal.uid],
        )
        yield holder


@pytest.mark.parametrize("is_gone", [True, False], ids=["after a drop", "beside an open one"])
def test_a_new_connection_of_a_sender_never_overtakes_what_the_older_one_sent(
    web: WebServer, is_gone: bool
) -> None:
    token, frame = a_known_sender(web), a_frame()
    with held_up(frame) as holder, connect(address(web), additional_headers=bearer(token)) as old:
        hear(old)
        old.send(json.dumps(frame))
        until(waiting_for_a_lock, "the first frame to be held up")
        old.send(json.dumps(a_frame(1)))
        old.ping().wait(60)  # answered when it was read
        if is_gone:
            old.close()
        with connect(address(web), additional_headers=bearer(token)) as new:
            hear(new)
            new.send(json.dumps(a_frame(2)))
            with pytest.raises(TimeoutError):
                new.recv(timeout=0.3)
            holder.rollback()
            assert hear(new)["status"] == "ignored"
    assert list(SignalLog.objects.order_by("pk").values_list("message", flat=True)) == [
        "TREND 0", "TREND 1", "TREND 2",
    ]  # fmt: skip


def test_a_slow_signal_of_one_sender_keeps_no_other_waiting(web: WebServer) -> None:
    frame = a_frame()
    with (
        connected(web, "slow") as slow,
        connected(web, "quick") as quick,
        held_up(frame) as holder,
    ):
        slow.send(json.dumps(frame))
        slow.send(json.dumps(PING))
        for number in range(1, 5):
            assert ask(quick, a_frame(number))["status"] == "ignored"
        with pytest.raises(TimeoutError):
            slow.recv(timeout=0.2)
        holder.rollback()
        assert hear(slow)["reason"] == "unknown ticker NOSUCHUSDT"
        assert hear(slow) == PONG, "its own order is kept"


def _parameters() -> dict[str, object]:
    wanted = ("host", "port", "user", "password", "dbname", "options")
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in wanted if name in parameters}


def test_what_was_sent_behind_a_wrong_token_is_not_acted_on(web: WebServer) -> None:
    right = a_sender()
    until(lambda: is_known(web, right), "the sender to be known")
    with connect(address(web)) as socket:
        for frame in ({"type": "auth", "token": "wrong"}, {"type": "auth", "token": right}, a_frame(), PING):
            socket.send(json.dumps(frame))
        assert hear(socket)["type"] == "auth_required"
        assert hear(socket)["type"] == "auth_failed"
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=60)
        assert closed.value.rcvd.code == 4401
    with connected(web, "other") as other:
        assert ask(other, PING) == PONG
    assert not SignalLog.objects.exists()


def test_signing_in_again_is_no_signal_and_leaves_no_token_anywhere(web: WebServer) -> None:
    token = a_sender()
    until(lambda: is_known(web, token), "the sender to be known")
    with connect(address(web), additional_headers=bearer(token)) as socket:
        hear(socket)
        assert ask(socket, {"type": "auth", "token": token})["type"] == "auth_success"
        assert not SignalLog.objects.exists()
        ask(socket, a_frame(token=token))
        ask(socket, '{"type": "auth", "token": "' + token)
        assert ask(socket, {"type": "auth", "token": "wrong"})["type"] == "auth_failed"
    assert token not in " ".join(SignalLog.objects.values_list("raw_message", flat=True))
    assert token not in Path(web._log_file).read_text()


def test_a_door_without_its_database_asks_to_come_back(db, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    server = WebServer(str(tmp_path / "log"))
    server.start()
    try:
        with connect(address(server), additional_headers=bearer("any")) as socket:
            assert hear(socket) == {"type": "error", "reason": "not ready; connect again later"}
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=60)
            assert closed.value.rcvd.code == 1013
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"signal_id": "websocket_test_123"}, "websocket_test_123"),
        ({"id": 7}, "7"),
        ({"signal_id": UUID}, UUID),
        ({}, None),
        ({"signal_id": None}, None),
        ({"signal_id": "unknown"}, None),
    ],
)
def test_ids_through_the_socket(web: WebServer, given: dict[str, object], stored: str | None) -> None:
    with connected(web) as socket:
        before = warnings(web)
        answer = ask(socket, a_frame(**given))
    assert SignalLog.objects.get().signal_id == answer["id"] == stored
    assert warnings(web) - before == (1 if stored is None else 0)


def warnings(web: WebServer) -> int:
    return (
        Path(web._log_file)
        .read_text()
        .count("WARNING signals_app.services.intake: signal for NOSUCHUSDT carries no id")
    )


def test_the_demo_sender_comes_back_after_the_door_was_away(web: WebServer, tmp_path: Path) -> None:
    token = a_sender("demo")
    until(lambda: is_known(web, token), "the sender to be known")
    log = tmp_path / "log"
    command = ("manage.py", "send_demo_signals", "--url", address(web), "--every", "0.01")
    with child(*command, log=log, DEMO_SIGNAL_TOKEN=token) as process:
        until(lambda: SignalLog.objects.exists(), "a signal")
        web.kill()
        try:
            until(lambda: "not connected" in log.read_text(), "the loss to be noticed")
            before = SignalLog.objects.count()
        finally:
            web.revive()
        until(lambda: SignalLog.objects.count() > before + 5, "signals again")
        process.terminate()
        assert process.wait(60) == 0, "a stop that was asked for is no failure"
    assert "Traceback" not in log.read_text()


def test_hashes_of_tokens() -> None:
    token, other = new_token(), new_token()
    senders = {token_hash(other): "b", token_hash(token): "a"}
    assert known_hash(token, senders) == token_hash(token)
    assert known_hash("", senders) is known_hash("\ud800", senders) is known_hash(token, {}) is None
    assert token != other
    assert len(token) >= 43
