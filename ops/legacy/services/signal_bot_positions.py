"""Positions of the v2/v4 signal bots: they stood on the older bot's own books and never on an exchange. What ended is
kept on an account of its own, which trades nothing, so that no equity, limit or wallet of a real one counts it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from rich.progress import Progress

from exchanges.models import ExchangeAccount, Instrument, TradingState, Venue
from exchanges.types import PositionMode
from ops.legacy.mapping.reading import NotYet, Rejection, Row, text
from ops.legacy.mapping.signal_bot_positions import closed_position, level, log_event
from ops.legacy.mapping.signal_bot_strategies import symbol
from ops.legacy.services.as_told import insert_as_told
from ops.legacy.services.batches import Verdict, carry_over, imported, our_ids, sort_out
from ops.legacy.services.contracts import contracts
from ops.legacy.services.signal_bot_strategies import STRATEGY_TABLE
from ops.legacy.services.signal_bot_tables import Bot, is_there
from ops.models import LegacyOutcome, LegacyRow
from positions.lifecycle import PositionStatus
from positions.models import Position, RiskEvent
from positions.services.plans import kept
from signals_app.models import Strategy
from trailing.models import PartialTakeProfit
from trailing.plan import ProtectionPlan, read_plan

POSITION_TABLE, EVENT_TABLE = Position._meta.db_table, RiskEvent._meta.db_table
LEVEL_TABLE = PartialTakeProfit._meta.db_table


def books_account(name: str, venue: Venue = Venue.BYBIT) -> ExchangeAccount:
    why = "It keeps what an older bot had on its books alone; it has no keys and opens nothing."
    halted = {
        "trading_state": TradingState.HALTED,
        "state_reason": why,
        "state_since": timezone.now(),
        "state_by": "moving in",
    }
    values = halted | {"venue": venue, "position_mode": PositionMode.HEDGE}
    return ExchangeAccount.objects.get_or_create(name=name, defaults=values)[0]


class Positions:
    def __init__(self, bot: Bot) -> None:
        self.bot, self.name = bot, f"positions of the {bot.name} bot"
        self.tables = (bot.positions, bot.targets, bot.positions_log)

    def run(self, progress: Progress) -> None:
        for one, write in (
            (self.bot.positions, self._positions),
            (self.bot.targets, self._targets),
            (self.bot.positions_log, self._log),
        ):
            if is_there(one):
                carry_over(one, write, progress)

    def _positions(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, lambda row: (symbol(row), closed_position(row)))
        if not taken:
            return verdicts
        account = books_account(f"legacy-{self.bot.name}-books")
        traded = contracts((account.venue, name) for _, (name, _) in taken)
        strategies = self._strategies(rows)
        made = [
            self._position(
                columns, account, traded[account.venue, name], strategies.get(text(row, "strategy_id"))
            )
            for row, (name, columns) in taken
        ]
        insert_as_told(made)
        return verdicts + [
            imported(row, POSITION_TABLE, one.pk) for (row, _), one in zip(taken, made, strict=True)
        ]

    def _strategies(self, rows: Sequence[Row]) -> dict[str, Strategy]:
        ours = our_ids(self.bot.strategies, [text(row, "strategy_id") for row in rows], STRATEGY_TABLE)
        found = Strategy.objects.in_bulk([int(one) for one in ours.values()])
        return {legacy: found[int(one)] for legacy, one in ours.items() if int(one) in found}

    def _position(
        self,
        columns: dict[str, object],
        account: ExchangeAccount,
        instrument: Instrument,
        strategy: Strategy | None,
    ) -> Position:
        plan = read_plan(strategy.protection) if strategy else ProtectionPlan(trailing=None)
        return Position(
            account=account,
            instrument=instrument,
            strategy=strategy,
            plan=kept(plan),
            status=PositionStatus.CLOSED,
            leverage=strategy.leverage if strategy else 1,
            close_requested_by=f"the {self.bot.name} bot",
            **columns,
        )

    def _of_rows(self, rows: Sequence[Row]) -> dict[str, Position]:
        names = [text(row, self.bot.position_key) for row in rows]
        ours = our_ids(self.bot.positions, names, POSITION_TABLE)
        found = Position.objects.in_bulk([int(one) for one in ours.values()])
        return {name: found[int(one)] for name, one in ours.items() if int(one) in found}

    def _targets(self, rows: Sequence[Row]) -> list[Verdict]:
        positions = self._of_rows(rows)
        taken, verdicts = sort_out(rows, lambda row: self._level(row, positions))
        insert_as_told([one for _, one in taken])
        return verdicts + [imported(row, LEVEL_TABLE, one.pk) for row, one in taken]

    def _level(self, row: Row, positions: dict[str, Position]) -> PartialTakeProfit:
        position = self._position_of(row, positions)
        columns = level(row, position.planned_quantity)
        at = columns.pop("hit_at") or position.closed_at or position.created_at
        return PartialTakeProfit(position=position, created_at=position.created_at, updated_at=at, **columns)

    def _position_of(self, row: Row, positions: dict[str, Position]) -> Position:
        name = text(row, self.bot.position_key)
        if name in positions:
            return positions[name]
        known = LegacyRow.objects.filter(source=self.bot.positions.source, table=self.bot.positions.full_name)
        if known.filter(legacy_id=name, outcome=LegacyOutcome.WAITING).exists():
            raise NotYet("its position is open on the older bot's own books")
        raise Rejection("its position was not imported")

    def _log(self, rows: Sequence[Row]) -> list[Verdict]:
        positions = self._of_rows(rows)
        taken, verdicts = sort_out(rows, lambda row: self._event(row, positions))
        insert_as_told([one for _, one in taken])
        return verdicts + [imported(row, EVENT_TABLE, one.pk) for row, one in taken]

    def _event(self, row: Row, positions: dict[str, Position]) -> RiskEvent:
        position = self._position_of(row, positions)
        return RiskEvent(account_id=position.account_id, position_id=str(position.pk), **log_event(row))
