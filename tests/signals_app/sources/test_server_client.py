"""The client and a server of the old kind over real sockets, with short patience."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from signals_app.sources.demo_server import DemoServer
from signals_app.sources.link import LinkState, Patience
from signals_app.sources.server_client import ServerAddress, ServerClient
from tests.ops.waiting import until

TOKEN = "t0ken-of-the-owner"
BRIEF = Patience(
    step=1, first_pause=0.05, longest_pause=0.2, refused_pause=60, silence=0.5, first_message=0.5
)
PATIENT = replace(BRIEF, silence=900, first_message=60)


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(TOKEN, lambda: [{"id": 1, "score_week": 50}], repeat_seconds=0.05).running() as made:
        yield made


@contextmanager
def client_of(
    server: DemoServer,
    patience: Patience = PATIENT,
    token: str = TOKEN,
    path: str = "",
    reconnects: bool = True,
) -> Iterator[ServerClient]:
    address = ServerAddress(f"ws://127.0.0.1:{server.port}/{path}", token, reconnects)
    with running(ServerClient(address, patience)) as client:
        yield client


@contextmanager
def running(client: ServerClient) -> Iterator[ServerClient]:
    stopped = threading.Event()
    thread = threading.Thread(target=client.run, args=(stopped,))
    thread.start()
    try:
        yield client
    finally:
        stopped.set()
        thread.join(10)
        assert not thread.is_alive()
        assert client.status.state is LinkState.DISCONNECTED


def until_state(client: ServerClient, state: LinkState) -> None:
    until(lambda: client.status.state is state, f"the link to be {state}")


def test_it_signs_in_and_keeps_the_newest_snapshot(server: DemoServer) -> None:
    with client_of(server) as client:
        got = client.wait_for_snapshot(after=0, seconds=10)
        assert got.records == ({"id": 1, "score_week": 50},)
        assert client.status.state is LinkState.AUTHENTICATED
        assert (client.status.query_interval, client.status.signal_window) == (0.05, 60)
        repeated = client.wait_for_snapshot(after=got.number + 1, seconds=10)
        assert (repeated.number, repeated.records) == (got.number + 2, got.records)
    assert server.seen["signed in"] == 1


def test_signals_are_asked_for_and_not_waited_for_longer_than_told(server: DemoServer) -> None:
    server.trouble.is_silent = True
    with client_of(server) as client:
        until_state(client, LinkState.AUTHENTICATED)
        until(client.ask_for_signals, "its connection to be there")
        until(lambda: server.seen["get_signals"] == 2, "our question")
        assert client.wait_for_snapshot(after=0, seconds=0.05).number == 0
    assert not client.ask_for_signals()


def test_a_refused_token_is_not_tried_again_soon(server: DemoServer, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    with client_of(server, token="wrong-t0ken") as client:
        until(lambda: client.status.refused_at is not None, "the refusal")
        until_state(client, LinkState.RECONNECTING)
        assert client.status.error == "the token was refused: invalid token"
        assert client.status.next_try_at is not None
        assert (client.status.next_try_at - datetime.now(UTC)).total_seconds() > 50
    assert (server.seen["connections"], server.seen["refused"]) == (1, 1)
    assert "wrong-t0ken" not in caplog.text
    assert "wrong-t0ken" not in repr(client.status)


@pytest.mark.parametrize(("status", "is_refusal"), [(401, True), (403, True), (503, False)])
def test_a_door_that_does_not_open_is_a_refusal_or_a_failure(status: int, is_refusal: bool) -> None:
    def answer(line: ServerConnection, request: Request) -> Response:
        return line.respond(status, "no")

    with serve(lambda line: None, "127.0.0.1", 0, process_request=answer) as door:
        thread = threading.Thread(target=door.serve_forever)
        thread.start()
        address = ServerAddress(f"ws://127.0.0.1:{door.socket.getsockname()[1]}", TOKEN)
        with running(ServerClient(address, PATIENT)) as client:
            until(lambda: client.status.error, "the answer")
            assert (client.status.refused_at is not None, client.status.failures > 0) == (
                is_refusal,
                not is_refusal,
            )
            assert str(status) in client.status.error
        door.shutdown()
        thread.join()


def test_a_server_that_takes_the_token_again_is_served_again(server: DemoServer) -> None:
    server.trouble.refuses_everybody = True
    with client_of(server, replace(PATIENT, refused_pause=0.1)) as client:
        until(lambda: server.seen["refused"] >= 2, "two refusals")
        server.trouble.refuses_everybody = False
        until(lambda: client.wait_for_snapshot(0, 1).number, "a snapshot")
        assert client.status.refused_at is None


def test_after_a_drop_it_signs_in_again(server: DemoServer) -> None:
    with client_of(server) as client:
        for times in (1, 2, 3):
            until(lambda expected=times: server.seen["signed in"] == expected, f"sign-in {times}")
            number = client.wait_for_snapshot(0, 10).number
            assert client.wait_for_snapshot(number, 10).number > number
            assert client.status.failures == 0
            server.drop_all()
        until(lambda: server.seen["signed in"] == 4, "the last sign-in")


def test_a_server_that_is_away_is_waited_for_with_growing_pauses() -> None:
    with DemoServer(TOKEN, list).running() as gone:
        pass
    with client_of(gone, replace(PATIENT, first_pause=0.01)) as client:
        until(lambda: client.status.failures >= 4, "four failures")
        assert "refused" in client.status.error.lower()
        with DemoServer(TOKEN, list, port=gone.port).running():
            until_state(client, LinkState.AUTHENTICATED)
            until(lambda: client.status.failures == 0, "the failures to be forgotten")
            assert client.status.error == ""


def test_attempts_have_an_end_where_one_is_set(caplog) -> None:
    with DemoServer(TOKEN, list).running() as gone:
        pass
    with client_of(gone, replace(PATIENT, first_pause=0.01, max_attempts=2)) as client:
        until_state(client, LinkState.DISCONNECTED)
        until(lambda: "not tried again" in caplog.text, "the last word")
        assert client.status.failures == 3


def test_without_automatic_reconnects_one_loss_is_the_end(server: DemoServer) -> None:
    with client_of(server, reconnects=False) as client:
        until(lambda: client.wait_for_snapshot(0, 1).number, "a snapshot")
        server.drop_all()
        until_state(client, LinkState.DISCONNECTED)
    assert server.seen["connections"] == 1


def test_a_server_that_falls_silent_is_left_for_a_new_connection(server: DemoServer) -> None:
    with client_of(server, BRIEF) as client:
        client.wait_for_snapshot(0, 10)
        server.trouble.is_silent = True
        until(lambda: server.seen["connections"] >= 2, "a new connection")
        assert server.seen["ping"] >= 1
        until(lambda: server.seen["connections"] >= 3, "another: nothing came in time after the last")
        server.trouble.is_silent = False
        number = client.wait_for_snapshot(0, 10).number
        assert client.wait_for_snapshot(number, 10).number > number


def test_a_quiet_server_that_answers_questions_is_kept() -> None:
    with DemoServer(TOKEN, list, repeat_seconds=60).running() as server, client_of(server, BRIEF) as client:
        until(lambda: server.seen["ping"] >= 4, "four questions")
        assert (server.seen["connections"], client.status.state) == (1, LinkState.AUTHENTICATED)


def test_a_handshake_that_does_not_begin_ends_after_the_time_of_a_step(server: DemoServer) -> None:
    server.trouble.asks_for_nothing = True
    with client_of(server, replace(PATIENT, step=0.2)) as client:
        until(lambda: client.status.failures >= 2, "two failures")
        assert "no answer within 0.2 s" in client.status.error


def test_foreign_frames_are_told_and_dropped(server: DemoServer, caplog) -> None:
    echo = f'{{"type": "error", "message": "your token {TOKEN} is old"}}'
    server.trouble.noise = [
        "{",
        "[]",
        '{"type": "weather"}',
        '{"type": "signals", "data": 7}',
        echo,
        "9" * 9000,
    ]
    with client_of(server) as client:
        got = client.wait_for_snapshot(0, 10)
        assert got.records
        assert (server.seen["connections"], client.status.state) == (1, LinkState.AUTHENTICATED)
    assert "weather" in caplog.text
    assert "is old" in caplog.text
    assert TOKEN not in caplog.text


def test_the_token_and_the_address_stay_out_of_every_log(server: DemoServer, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    with client_of(server, path="feed?key=s3cret") as client:
        until(lambda: client.wait_for_snapshot(0, 1).number, "a snapshot")
        server.drop_all()
        until(lambda: server.seen["signed in"] == 2, "the second sign-in")
    assert TOKEN not in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "url", ["ws://no.such.host.invalid/", "ws://127.0.0.1:1/x?key=s3cret", "http://x/?s3cret"]
)
def test_a_bad_address_is_a_failure_with_a_reason(url: str, caplog) -> None:
    with running(ServerClient(ServerAddress(url, TOKEN), replace(PATIENT, first_pause=0.01))) as client:
        until(lambda: client.status.failures >= 2, "two failures")
    assert client.status.error
    assert "s3cret" not in caplog.text + client.status.error
