"""The doors as they are, but who comes with wrong tokens waits a moment only: tests ask for each new sender whether the
doors know it yet, which is a flood of tokens that they do not."""

from __future__ import annotations

from signals_app import limits

limits.SLOWED_SECONDS = 0.02

from tradingbot.asgi_doors import application  # noqa: E402 - reads the number above

__all__ = ["application"]
