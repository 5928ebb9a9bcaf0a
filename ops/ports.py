"""Ports: a free one from the system, or a plain sentence about who holds the one that is wanted."""

from __future__ import annotations

import socket
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

from ops.program import CannotStart


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def claim_port(host: str, port: int) -> int:
    """The port itself when nobody listens there, any free one for 0."""
    if port == 0:
        return free_port(host)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise CannotStart(f"Port {port} needs more rights; choose one above 1023 with --port.") from None
        except OSError as error:
            raise CannotStart(
                f"Port {port} on {host} cannot be used ({_holder(port) or error.strerror}); "
                "stop that program, or choose another port with --port."
            ) from None
    return port


def is_listening(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _holder(port: int) -> str:
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                words = psutil.Process(connection.pid).cmdline()[:4]
                return f"taken by process {connection.pid}: {' '.join(words)}"
    return ""
