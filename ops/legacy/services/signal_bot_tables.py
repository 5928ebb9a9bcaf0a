"""The tables of the v2 and v4 signal bots, and what is known of them in whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings

from ops.legacy.mapping.reading import Row, text
from ops.legacy.mapping.signal_bot_plans import PlanReading, plan_of
from ops.legacy.services.batches import LegacyTable, all_rows

SOURCE = "v4"
SCHEMA = "public"


def table(name: str, *key: str) -> LegacyTable:
    return LegacyTable(SOURCE, SCHEMA, name, key or ("id",))


def is_there(one: LegacyTable) -> bool:
    """Some of our tables have the older bot's names."""
    return one.schema != settings.DB_SCHEMA and one.exists


def rows_of(one: LegacyTable) -> list[Row]:
    return all_rows(one) if is_there(one) else []


@dataclass(frozen=True)
class Bot:
    """tickers: where its ticker ids lead to, the first that exists. log_key: by what its entries name a signal."""

    name: str
    tickers: tuple[LegacyTable, ...]
    log_key: str
    position_key: str

    def table(self, name: str, *key: str) -> LegacyTable:
        return table(f"{name}_{self.name}", *key)

    @property
    def strategies(self) -> LegacyTable:
        return self.table("strategies")

    @property
    def signals(self) -> LegacyTable:
        return self.table("signals")

    @property
    def links(self) -> LegacyTable:
        return self.table("strategy_signals")

    @property
    def strategy_tickers(self) -> LegacyTable:
        return self.table("strategy_tickers")

    @property
    def levels(self) -> LegacyTable:
        return self.table("strategy_tp_levels")

    @property
    def policies(self) -> LegacyTable:
        return self.table("strategy_tp_sl")

    @property
    def logs(self) -> LegacyTable:
        return table(f"signals_{self.name}_log", "uid" if self.log_key == "log_uid" else "id")

    @property
    def entries(self) -> LegacyTable:
        return self.table("signal_log_entries")

    @property
    def positions(self) -> LegacyTable:
        return self.table("positions", "position_uid" if self.position_key == "position_uid" else "id")

    @property
    def targets(self) -> LegacyTable:
        return self.table("position_targets")

    @property
    def positions_log(self) -> LegacyTable:
        return self.table("positions_log")

    @property
    def ticker_table(self) -> LegacyTable:
        return next((one for one in self.tickers if is_there(one)), self.tickers[0])


TICKERS, TICKERS_V4, TICKERS_BB = table("tickers"), table("tickers_v4"), table("tickers_bb")
V2 = Bot("v2", (TICKERS,), "log_id", "position_id")
V4 = Bot("v4", (TICKERS_BB, TICKERS_V4, TICKERS), "log_uid", "position_uid")
BOTS = (V2, V4)


class Setup:
    """What a bot's strategies are made of: read once, a few hundred rows."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @cached_property
    def strategies(self) -> Mapping[str, Row]:
        return {text(row, "id"): row for row in rows_of(self.bot.strategies)}

    @cached_property
    def signals(self) -> Mapping[str, Row]:
        return {text(row, "id"): row for row in rows_of(self.bot.signals)}

    @cached_property
    def followers(self) -> Mapping[str, Sequence[str]]:
        """Of a signal: the strategies that follow it."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in rows_of(self.bot.links):
            found[text(row, "signal_id")].append(text(row, "strategy_id"))
        for strategy_id, row in self.strategies.items():
            if followed := text(row, "signal_id"):
                found[followed].append(strategy_id)
        return found

    @cached_property
    def _levels(self) -> Mapping[str, list[Row]]:
        return _by_strategy(rows_of(self.bot.levels))

    @cached_property
    def _policies(self) -> Mapping[str, list[Row]]:
        return _by_strategy(rows_of(self.bot.policies))

    def plan_of(self, strategy_id: str) -> PlanReading:
        followed = frozenset(signal for signal, who in self.followers.items() if strategy_id in who)
        levels, policies = self._levels.get(strategy_id, []), self._policies.get(strategy_id, [])
        return plan_of(self.strategies[strategy_id], levels, policies, followed)


def _by_strategy(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[text(row, "strategy_id")].append(row)
    return found
