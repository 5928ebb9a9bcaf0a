"""Tickers, strategies and what belongs to them, of the v2/v4 signal bots. A strategy comes in switched off and on no
account; once its owner switched it on, the older bot's tables add nothing to it any more."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.text import slugify
from rich.progress import Progress

from ops.legacy.mapping.reading import KEY, NothingToCarry, Rejection, Row, text
from ops.legacy.mapping.signal_bot_plans import unknown_policy
from ops.legacy.mapping.signal_bot_strategies import StrategyReading, phrases, strategy, ticker
from ops.legacy.mapping.switches import is_off
from ops.legacy.services.batches import (
    Verdict,
    carry_over,
    imported,
    our_ids,
    sort_out,
)
from ops.legacy.services.signal_bot_tables import TICKERS, TICKERS_BB, TICKERS_V4, Bot, Setup, is_there
from ops.models import LegacyOutcome
from positions.models import RiskLimits
from signals_app.models import Strategy, StrategySignal, Ticker

STRATEGY_TABLE, TICKER_TABLE = Strategy._meta.db_table, Ticker._meta.db_table
LONGEST_NAME = 50
ALREADY_HERE = "it was here already: its switches stay as they are"
IN_USE = "its strategy is switched on by now: what it is made of is changed there"
CHANGED = "its strategy was imported before, and its plan is another one by now"
NO_STRATEGY = "its strategy was not imported"


class Tickers:
    name = "tickers of the signal bots"
    tables = (TICKERS, TICKERS_V4, TICKERS_BB)

    def run(self, progress: Progress) -> None:
        for one in self.tables:
            if is_there(one):
                carry_over(one, _tickers, progress)


def _tickers(rows: Sequence[Row]) -> list[Verdict]:
    taken, verdicts = sort_out(rows, ticker)
    symbols = {values["symbol"] for _, values in taken}
    before = {one.symbol: one for one in Ticker.objects.filter(symbol__in=symbols)}
    new = {values["symbol"]: Ticker(**values) for _, values in taken if values["symbol"] not in before}
    Ticker.objects.bulk_create(new.values())
    for row, values in taken:
        one = before.get(values["symbol"]) or new[values["symbol"]]
        verdicts.append(_became(row, TICKER_TABLE, one.pk, ALREADY_HERE if one.symbol in before else ""))
        before[one.symbol] = one
    return verdicts


def _became(row: Row, our_table: str, our_id: object, note: str) -> Verdict:
    return Verdict(row[KEY], LegacyOutcome.IMPORTED, note, our_table, str(our_id))


class Strategies:
    """With their phrases, tickers, levels and policies."""

    def __init__(self, bot: Bot) -> None:
        self.bot, self.name = bot, f"strategies of the {bot.name} bot"
        self.tables = (
            bot.strategies, bot.links, bot.signals, bot.strategy_tickers, bot.levels, bot.policies,
        )  # fmt: skip

    def run(self, progress: Progress) -> None:
        self._setup = Setup(self.bot)
        writers = (
            (self.bot.strategies, self._strategies), (self.bot.links, self._links),
            (self.bot.signals, self._signals), (self.bot.strategy_tickers, self._strategy_tickers),
            (self.bot.levels, self._levels), (self.bot.policies, self._policies),
        )  # fmt: skip
        for one, write in writers:
            if is_there(one):
                carry_over(one, write, progress)

    def _strategies(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, lambda row: strategy(row, self._setup.plan_of(text(row, "id"))))
        return verdicts + [self._strategy(row, reading) for row, reading in taken]

    def _strategy(self, row: Row, reading: StrategyReading) -> Verdict:
        name = _free_name(reading.name, f"{self.bot.name}-{text(row, 'id')}")
        made = Strategy.objects.create(name=name, **reading.columns)
        if reading.max_exposure:
            RiskLimits.objects.create(strategy=made, max_exposure=reading.max_exposure)
        notes = [*reading.notes, *self._own_signal(made, row)]
        return _became(row, STRATEGY_TABLE, made.pk, "; ".join(notes))

    def _own_signal(self, made: Strategy, row: Row) -> list[str]:
        """Of v4, where a strategy followed one signal."""
        followed = text(row, "signal_id")
        try:
            if followed:
                _add_phrases(made, self._signal(followed))
        except Rejection as rejection:
            return [f"its signal {followed} was not imported: {rejection}"]
        return []

    def _signal(self, signal_id: str) -> Row:
        if signal_id not in self._setup.signals:
            raise Rejection(f"there is no signal {signal_id}")
        return self._setup.signals[signal_id]

    def _links(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, self._link)
        return verdicts + [imported(row, StrategySignal._meta.db_table, one.pk) for row, one in taken]

    def _link(self, row: Row) -> StrategySignal:
        role = text(row, "role").lower()
        if role not in ("", "action"):
            raise Rejection(f"what a signal in the role {role!r} did is not on record")
        return _add_phrases(self._unused(row), self._signal(text(row, "signal_id")))

    def _unused(self, row: Row) -> Strategy:
        """What a row belongs to, as long as nobody uses it."""
        found = self._strategy_of(text(row, "strategy_id"))
        if found.enabled:
            raise NothingToCarry(IN_USE)
        return found

    def _strategy_of(self, legacy_id: str) -> Strategy:
        ours = our_ids(self.bot.strategies, [legacy_id], STRATEGY_TABLE).get(legacy_id)
        found = Strategy.objects.filter(pk=ours).first() if ours else None
        if found is None:
            raise Rejection(NO_STRATEGY)
        return found

    def _signals(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, self._phrase)
        return verdicts + [imported(row, StrategySignal._meta.db_table, one.pk) for row, one in taken]

    def _phrase(self, row: Row) -> StrategySignal:
        """The first of those that came with its strategies."""
        said = phrases(row)
        followers = our_ids(
            self.bot.strategies, self._setup.followers.get(text(row, "id"), ()), STRATEGY_TABLE
        )
        kept = StrategySignal.objects.filter(strategy__in=map(int, followers.values()), phrase__in=said)
        found = kept.order_by("pk").first()
        if found is None:
            raise NothingToCarry("no strategy that was imported follows it")
        return found

    def _strategy_tickers(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, self._strategy_ticker)
        return verdicts + [imported(row, Strategy.tickers.through._meta.db_table, pk) for row, pk in taken]

    def _strategy_ticker(self, row: Row) -> int:
        if is_off(row, "enabled"):
            raise NothingToCarry("the ticker was switched off for this strategy")
        made, ticker_id = self._unused(row), text(row, "ticker_id")
        ours = our_ids(self.bot.ticker_table, [ticker_id], TICKER_TABLE).get(ticker_id)
        if ours is None or not Ticker.objects.filter(pk=ours).exists():
            raise Rejection("its ticker was not imported")
        return _choose(made, int(ours))

    def _levels(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, lambda row: self._in_plan(row, text(row, "id")))
        return verdicts + [imported(row, STRATEGY_TABLE, one.pk) for row, one in taken]

    def _policies(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, self._policy)
        return verdicts + [imported(row, STRATEGY_TABLE, one.pk) for row, one in taken]

    def _policy(self, row: Row) -> Strategy:
        if reason := unknown_policy(row):
            raise Rejection(reason)
        return self._in_plan(row, text(row, "tp_level_id"))

    def _in_plan(self, row: Row, level_id: str) -> Strategy:
        legacy_id = text(row, "strategy_id")
        found = self._strategy_of(legacy_id)
        reading = self._setup.plan_of(legacy_id)
        if reason := reading.left_out.get(level_id):
            raise Rejection(reason)
        if found.protection != reading.plan.as_json():
            raise NothingToCarry(CHANGED)
        return found


def _free_name(wished: str, other: str) -> str:
    name = slugify(wished)[:LONGEST_NAME] or "strategy"
    return f"{name}-{other}"[:60] if Strategy.objects.filter(name=name).exists() else name


def _add_phrases(one: Strategy, signal: Row) -> StrategySignal:
    """The first of them."""
    kept = [
        StrategySignal.objects.get_or_create(strategy=one, phrase=phrase, defaults={"direction": direction})
        for phrase, direction in phrases(signal).items()
    ]
    return kept[0][0]


def _choose(one: Strategy, ticker_id: int) -> int:
    one.tickers.add(ticker_id)
    return int(Strategy.tickers.through.objects.get(strategy=one, ticker=ticker_id).pk)
