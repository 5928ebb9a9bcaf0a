"""Who we are at a venue, and where that venue is. The registry makes them; nothing prints them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """`base_url` is the paper exchange; empty means the venue's own hosts."""

    venue: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    base_url: str = ""
