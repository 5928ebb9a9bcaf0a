"""The client of a legacy signal server: carries frames, keeps the newest snapshot. What to do is decided elsewhere."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ops.system_log import log_system_event
from signals_app.sources import protocol
from signals_app.sources.link import Hearing, LinkState, Patience, moved

logger = logging.getLogger(__name__)
# the library tells whole frames when it debugs, and one of them is the token
_quiet = logging.getLogger("signals_app.sources.frames")
_quiet.setLevel(logging.WARNING)

MAX_FRAME_BYTES = 8 * 1024 * 1024
NOT_LET_IN = (401, 403)
TOLD_OF_A_CONNECTION = 20


class Lost(Exception):
    """This connection is of no use any more; the text says why."""


class Refused(Exception):
    """The server does not take our token."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    url: str
    token: str = field(repr=False)
    reconnects: bool = True

    @property
    def name(self) -> str:
        """Of the address only what may be shown: user, path and query may hold a secret."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What others may know of the link; a new value for every change."""

    state: LinkState = LinkState.DISCONNECTED
    failures: int = 0  # to get and keep a connection, in a row
    error: str = ""
    refused_at: datetime | None = None  # the last time our token was not taken
    next_try_at: datetime | None = None
    signed_in_at: datetime | None = None
    heard_at: datetime | None = None
    query_interval: float | None = None
    signal_window: float | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """`number` counts snapshots since the start of this process."""

    number: int = 0
    records: tuple[protocol.Record, ...] = ()
    received_at: datetime | None = None


class ServerClient:
    """`run` belongs to one thread; the rest may be asked from any."""

    def __init__(self, address: ServerAddress, patience: Patience) -> None:
        self._address, self._patience = address, patience
        self._socket: ClientConnection | None = None
        self._status = LinkStatus()
        self._received = Received()
        self._has_news = threading.Condition()
        self._told: set[str] = set()

    @property
    def status(self) -> LinkStatus:
        return self._status

    def wait_for_snapshot(self, after: int, seconds: float) -> Received:
        """The newest one; waits for one that is newer than number `after`, but not longer than told."""
        with self._has_news:
            self._has_news.wait_for(lambda: self._received.number > after, seconds)
            return self._received

    def ask_for_signals(self) -> bool:
        """False without a connection: the next one asks by itself."""
        socket = self._socket
        if socket is None:
            return False
        try:
            socket.send(protocol.ASK_SIGNALS)
        except (ConnectionClosed, OSError):
            return False
        return True

    def run(self, stopped: threading.Event) -> None:
        try:
            while not stopped.is_set() and self._goes_on():
                self._move(LinkState.CONNECTING)
                pause = self._converse(stopped)
                self._move(LinkState.RECONNECTING, next_try_at=datetime.now(UTC) + timedelta(seconds=pause))
                stopped.wait(pause)
        finally:
            if self._status.state is not LinkState.DISCONNECTED:
                self._move(LinkState.DISCONNECTED, next_try_at=None)
        stopped.wait()

    def _goes_on(self) -> bool:
        failures = self._status.failures
        if not failures and self._status.refused_at is None:
            return True
        if self._address.reconnects and not self._patience.gives_up(failures):
            return True
        self._tell("ERROR", "the signal server is not tried again; restart to try", failures=failures)
        return False

    def _converse(self, stopped: threading.Event) -> float:
        """Until the connection ends, for whatever reason; the answer is how long to wait then."""
        try:
            self._connected(stopped)
        except Refused as refusal:
            return self._refused(str(refusal))
        except Exception as error:
            if isinstance(error, InvalidStatus) and error.response.status_code in NOT_LET_IN:
                return self._refused(str(error))
            # whatever a foreign server brings about costs a connection, not the process
            return self._failed(f"{type(error).__name__}: {error}")
        return 0.0

    def _connected(self, stopped: threading.Event) -> None:
        patience = self._patience
        with connect(
            self._address.url,
            open_timeout=patience.step,
            ping_interval=patience.ping,
            ping_timeout=patience.pong,
            close_timeout=0.5,
            max_size=MAX_FRAME_BYTES,
            logger=_quiet,
        ) as socket:
            self._told.clear()
            self._move(LinkState.CONNECTED)
            self._sign_in(socket)
            self._socket = socket
            try:
                self._listen(socket, stopped)
            finally:
                self._socket = None

    def _sign_in(self, socket: ClientConnection) -> None:
        asked = self._expect(socket)
        if not isinstance(asked, protocol.AuthRequired):
            raise Lost(f"auth_required was expected, not {type(asked).__name__}")
        socket.send(protocol.auth(self._address.token))
        answer = self._expect(socket)
        if isinstance(answer, protocol.AuthFailed):
            raise Refused(answer.message)
        if not isinstance(answer, protocol.AuthSuccess):
            raise Lost(f"auth_success was expected, not {type(answer).__name__}")
        self._move(
            LinkState.AUTHENTICATED,
            signed_in_at=datetime.now(UTC),
            refused_at=None,
            query_interval=answer.query_interval,
            signal_window=answer.signal_window,
        )
        self._tell("INFO", "signed in at the signal server")

    def _expect(self, socket: ClientConnection) -> protocol.Said:
        try:
            return protocol.read(socket.recv(timeout=self._patience.step))
        except TimeoutError:
            raise Lost(f"no answer within {self._patience.step:g} s") from None

    def _listen(self, socket: ClientConnection, stopped: threading.Event) -> None:
        hearing, asked_at = Hearing(time.monotonic()), 0.0
        tick = min(0.5, self._patience.first_message / 5, self._patience.silence / 5)
        socket.send(protocol.ASK_SIGNALS)  # what was sent while we were away, and the first message
        socket.send(protocol.ASK_STATS)
        while not stopped.is_set():
            try:
                said = protocol.read(socket.recv(timeout=tick))
            except TimeoutError:
                now = time.monotonic()
                if hearing.is_deaf(now, self._patience):
                    raise Lost("the server says nothing") from None
                if hearing.should_ask(now, self._patience) and now - asked_at > self._patience.silence / 8:
                    asked_at = now
                    socket.send(protocol.PING)
                continue
            hearing = replace(hearing, heard_at=time.monotonic())
            self._hear(said)

    def _hear(self, said: protocol.Said) -> None:
        now = datetime.now(UTC)
        self._status = replace(self._status, heard_at=now, failures=0, error="", next_try_at=None)
        match said:
            case protocol.Snapshot(records):
                with self._has_news:
                    self._received = Received(self._received.number + 1, records, now)
                    self._has_news.notify_all()
            case protocol.AuthFailed(message):
                raise Refused(message)
            case protocol.ServerError(message):
                self._tell_once(f"the signal server says: {self._clean(message)}")
            case protocol.Unknown(text):
                self._tell_once(f"the signal server sent {self._clean(text)}; dropped")
            case protocol.Stats(figures):
                self._tell("INFO", f"the signal server counts {self._clean(str(dict(figures)))}")

    def _refused(self, message: str) -> float:
        pause = self._patience.refused_pause
        text = self._clean(f"the token was refused: {message}")
        self._status = replace(self._status, refused_at=datetime.now(UTC), error=text)
        self._tell("ERROR", text, next_try_seconds=pause)
        return pause

    def _failed(self, error: str) -> float:
        failures = self._status.failures + 1
        pause = self._patience.pause(failures, random.random())  # noqa: S311
        text = self._clean(error)
        self._status = replace(self._status, failures=failures, error=text)
        if (
            failures.bit_count() == 1
        ):  # 1, 2, 4, 8 and so on: a server that is away for a night fills no table
            self._tell("WARNING", text, failures=failures, next_try_seconds=round(pause, 1))
        return pause

    def _tell_once(self, text: str) -> None:
        """Of each connection, and not without end: a server may go on sending what nobody understands."""
        if text not in self._told and len(self._told) < TOLD_OF_A_CONNECTION:
            self._told.add(text)
            self._tell("WARNING", text)

    def _tell(self, level: str, text: str, **details: object) -> None:
        log_system_event(level, "signal_server", text, server=self._address.name, **details)

    def _clean(self, text: str) -> str:
        """A server or a library may repeat what we sent it, or the whole address."""
        for secret, shown in ((self._address.url, self._address.name), (self._address.token, "…")):
            text = text.replace(secret, shown) if secret else text
        return " ".join(text.split())[: protocol.TEXT_KEPT]

    def _move(self, to: LinkState, **values: object) -> None:
        self._status = replace(self._status, state=moved(self._status.state, to), **values)  # type: ignore[arg-type]
