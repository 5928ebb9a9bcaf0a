"""What our consumers have in common."""

from __future__ import annotations

from typing import Any

from channels.consumer import get_handler_name


class DispatchedAtOnce:
    """Without Channels' thread hop per message: for consumers that touch no database connection on its thread."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"no handler for {message['type']}")
        await handler(message)
