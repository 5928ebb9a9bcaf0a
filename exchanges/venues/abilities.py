"""What a venue can do that not all of them can."""

from __future__ import annotations

# an order of its own that trails by a percent of the best price, beside our stop
TRAILS_BY_PERCENT = frozenset({"binance"})
