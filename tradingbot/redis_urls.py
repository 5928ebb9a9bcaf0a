"""One REDIS_URL, three spellings: redis-py, Celery's broker and the channel layer."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit


def broker_url(url: str) -> str:
    """Celery says redis+socket:///path?virtual_host=N where redis-py says unix:///path?db=N."""
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    return f"redis+socket://{parts.path}?virtual_host={parse_qs(parts.query).get('db', ['0'])[0]}"


def channel_hosts(url: str) -> list[dict[str, object]]:
    # redis-py 8 defaults to a 5 s socket timeout, which would drop every idle WebSocket
    return [{"address": url, "socket_timeout": None}]
