"""What others may know of the link: a row, and what health makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from pydantic import SecretStr

from ops.safe_loop import run_safe_loop
from signals_app.link_health import signal_server
from signals_app.models import SignalServerLink
from signals_app.registry import Registry
from signals_app.services.server_links import report_link
from signals_app.sources import signal_server as source
from signals_app.sources.demo_server import DemoServer
from signals_app.sources.link import LinkState
from signals_app.sources.server_client import LinkStatus
from tests.builders import a_wave
from tests.ops.waiting import until

TOKEN = "t0ken-of-the-owner"


def configured(settings, **values: Any) -> None:
    settings.SIGNAL_SERVER = settings.SIGNAL_SERVER.model_copy(update=values)


def test_without_an_address_there_is_no_client(settings, db) -> None:
    configured(settings, signal_ws_url="")
    assert source.steps(settings.SIGNAL_SERVER, Event(), Registry) == {}
    assert signal_server() == {"is_configured": False, "links": [], "waves": []}


def test_the_row_says_what_the_link_says(db) -> None:
    now = timezone.now()
    report_link(
        "here:1", LinkStatus(LinkState.RECONNECTING, 3, "TimeoutError", refused_at=now, next_try_at=now)
    )
    report_link(
        "here:1", LinkStatus(LinkState.AUTHENTICATED, signed_in_at=now, heard_at=now, query_interval=30.0)
    )
    (told,) = signal_server()["links"]
    assert (told["state"], told["failures"], told["error"], told["query_interval"]) == (
        "authenticated",
        0,
        "",
        30.0,
    )
    assert told["refused_at"] is None


def test_a_row_that_nobody_renews_is_unknown(db) -> None:
    report_link("here:1", LinkStatus(LinkState.AUTHENTICATED))
    SignalServerLink.objects.update(reported_at=timezone.now() - timedelta(seconds=21))
    (told,) = signal_server()["links"]
    assert (told["state"], told["last_known_state"]) == ("unknown", "authenticated")


def test_the_newest_waves_are_told(db, admin_client) -> None:
    a_wave()
    told = admin_client.get("/health/").json()["signal_server"]
    assert [(wave["exchange"], wave["status"], wave["opened"]) for wave in told["waves"]] == [
        ("binance", "processing", 0)
    ]


@contextmanager
def running(settings) -> Iterator[None]:
    stop = Event()
    steps = source.steps(settings.SIGNAL_SERVER, stop, Registry)
    threads = [Thread(target=_loop, args=(name, step, stop)) for name, step in steps.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
        assert not [thread for thread in threads if thread.is_alive()]


def _loop(name: str, step: Any, stop: Event) -> None:
    try:
        run_safe_loop(name, step, stop=stop)
    finally:
        connections.close_all()


@pytest.fixture
def server(settings, transactional_db) -> Iterator[DemoServer]:
    with DemoServer(TOKEN, list, repeat_seconds=0.1).running() as made:
        configured(
            settings,
            signal_ws_url=f"ws://127.0.0.1:{made.port}/feed?key=s3cret",
            signal_ws_token=SecretStr(TOKEN),
            signal_ws_reconnect_interval=0.05,
        )
        yield made


def state() -> str:
    return SignalServerLink.objects.values_list("state", flat=True).first() or ""


def test_the_state_is_a_row_from_the_first_connection_to_the_end(settings, server) -> None:
    with running(settings):
        until(lambda: state() == "authenticated", "the row")
        assert signal_server()["is_configured"]
        server.trouble.refuses_everybody = True
        server.drop_all()
        until(
            partial(SignalServerLink.objects.filter(refused_at__isnull=False).exists),
            "the refusal in the row",
        )
        row = SignalServerLink.objects.get()
        assert (row.state, row.error) == ("reconnecting", "the token was refused: invalid token")
        assert row.next_try_at > timezone.now() + timedelta(seconds=200)
        assert (row.server, "s3cret" in str(vars(row)), TOKEN in str(vars(row))) == (
            f"127.0.0.1:{server.port}", False, False,
        )  # fmt: skip
    assert state() == "disconnected"


def test_a_refused_token_is_an_error_in_the_system_log(settings, server, events) -> None:
    server.trouble.refuses_everybody = True
    with running(settings):
        until(lambda: [one for one in events if one.level == "ERROR"], "the event")
    (told,) = [one for one in events if one.level == "ERROR"]
    assert told.message == "the token was refused: invalid token"
    assert TOKEN not in str(events)
