"""The importers of the v2 and v4 signal bots, in their order."""

from __future__ import annotations

from rich.progress import Progress

from ops.legacy.services.batches import Importer, leave_behind
from ops.legacy.services.signal_bot_logs import Signals, SystemLogs
from ops.legacy.services.signal_bot_positions import Positions
from ops.legacy.services.signal_bot_strategies import Strategies, Tickers
from ops.legacy.services.signal_bot_tables import BOTS, is_there, table

NOT_OURS = {
    "testsignals_v4": "a signal somebody tried out",
    "generator_logs_v4": "how a generator of signals came to one: this bot has no such generator",
    "trader_position_orders": "an order of the older bot's hand at an exchange: the exchange's own listing counts",
    "trader_signals": "what the older bot's hand at an exchange was told: the exchange's own listing counts",
    "trader_positions_log": "what the older bot's hand at an exchange did: the exchange's own listing counts",
}


class LeftBehind:
    name = "what has no place here"
    tables = tuple(map(table, NOT_OURS))

    def run(self, progress: Progress) -> None:
        for name, reason in NOT_OURS.items():
            if is_there(table(name)):
                leave_behind(table(name), reason)


def importers() -> list[Importer]:
    """An entry of a signal leads to its position, which leads to its strategy."""
    made: list[Importer] = [Tickers(), *(Strategies(bot) for bot in BOTS)]
    return [*made, *map(Positions, BOTS), *map(Signals, BOTS), SystemLogs(), LeftBehind()]
