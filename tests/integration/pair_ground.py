"""Two accounts at two venues with prices of their own, a pair between them, and what workers and sweeps do in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from exchanges.client import ExchangeClient
from exchanges.errors import OutcomeUnknown
from exchanges.models import ExchangeAccount
from exchanges.paper.book import AccountState
from exchanges.paper.inprocess import FRONTS, InProcessClient
from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from exchanges.types import Book, OrderReport, OrderRequest, OrderType, ReportStatus
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from positions.models import Order, Position
from positions.services import arbitrage, insisting, lookups, orders, reconciliation
from positions.services.instruments import refresh_instruments
from signals_app.models import StrategyKind
from tests.builders import a_strategy, an_account, trades_on
from tests.conftest import ADDRESS, BYBIT_ADDRESS
from trailing import sweeping
from trailing.plan import ProtectionPlan
from trailing.rules import PercentStop

SYMBOL, UNIFIED = "BTCUSDT", "BTC/USDT:USDT"
START = Decimal(10_000)
STOP_ONLY = ProtectionPlan(stop_loss=PercentStop(percent=Decimal(5)), trailing=None)


class Trouble:
    """Between one account and its exchange; `kind` is what befalls its next market orders."""

    def __init__(self, client: InProcessClient, ground: Ground) -> None:
        self._client, self._ground = client, ground

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def create_order(self, request: OrderRequest) -> OrderReport:
        kind = (
            self._ground.troubles.get(self._client.engine) if request.order_type is OrderType.MARKET else None
        )
        if kind == "half":
            part = request.quantity / 2
            await self._client.create_order(replace(request, quantity=part))
            report = await self._client.find_order(request.symbol, request.client_order_id, Book.PLAIN)
            return replace(report, quantity=request.quantity, status=ReportStatus.EXPIRED)
        if kind == "lost":
            raise OutcomeUnknown("nobody answered")
        report = await self._client.create_order(request)
        if kind == "unheard":
            raise OutcomeUnknown("the answer got lost")
        return report


class Ground:
    """Over sockets nothing stands between the accounts and their exchanges: there are no troubles then."""

    def __init__(self, binance: Engine, bybit: Engine) -> None:
        self.troubles: dict[Engine, str] = {}
        self._traded = -1
        self.engines = {"binance": binance, "bybit": bybit}
        for address in (ADDRESS, BYBIT_ADDRESS):
            FRONTS[address] = self._front
        self.binance, self.bybit = an_account(venue="binance"), an_account(venue="bybit")
        self.strategy = a_strategy(
            self.binance, kind=StrategyKind.ARBITRAGE, notional=Decimal(1000), protection=STOP_ONLY.as_json()
        )
        trades_on(self.strategy, self.bybit)
        self.pair = ArbitragePair.objects.create(
            strategy=self.strategy,
            symbol=UNIFIED,
            first_account=self.binance,
            second_account=self.bybit,
            enabled=True,
        )
        refresh_instruments()

    def _front(self, client: InProcessClient) -> ExchangeClient:
        return Trouble(client, self)  # type: ignore[return-value]

    def end(self) -> None:
        for address in (ADDRESS, BYBIT_ADDRESS):
            del FRONTS[address]

    # prices

    def prices(self, binance: object, bybit: object) -> None:
        for venue, price in (("binance", binance), ("bybit", bybit)):
            self.engines[venue].set_price(SYMBOL, Decimal(str(price)), now_ms())

    # what workers and sweeps do

    def watch(self) -> None:
        arbitrage.watch_pairs(timezone.now())

    def turn(self, *, later: timedelta = timedelta(seconds=3)) -> None:
        """As if `later` had passed: what is due is sent, what is unsure asked for, what is bare protected."""
        then = timezone.now() + later
        orders.submit_due(then)
        lookups.resolve_unknown(then)
        if self._has_news():
            reconciliation.reconcile_all()
        sweeping.sweep(timezone.now())
        insisting.close_again(then)
        arbitrage.tend_trades()

    def _has_news(self) -> bool:
        """A stream would tell of executions, a comparison finds the same."""
        before, self._traded = self._traded, sum(len(a.trades) for a in self._paper_accounts())
        return before != self._traded

    def _paper_accounts(self) -> list[AccountState]:
        return [state for engine in self.engines.values() for state in engine.accounts.values()]

    def until(self, is_so: Callable[[], bool], turns: int = 8) -> None:
        for _ in range(turns):
            if is_so():
                return
            self.turn()
        assert is_so(), [(o.client_order_id, o.status, o.reason) for o in Order.objects.all()]

    def until_trade_is(self, status: str) -> ArbitrageTrade:
        self.until(lambda: self.trade.status == status)
        return self.trade

    def open(self) -> ArbitrageTrade:
        """Bybit is dear: short there, long on Binance; both protected."""
        self.prices(97_000, 97_490)
        self.watch()
        trade = self.until_trade_is("open")
        self.until(lambda: Order.objects.filter(purpose="protect", status="accepted").count() == 2)
        return trade

    def submit_entry(self, position: Position | None) -> None:
        assert position is not None
        orders.submit(Order.objects.get(position=position, purpose="entry").pk)

    # what is known

    @property
    def trade(self) -> ArbitrageTrade:
        newest = ArbitrageTrade.objects.select_related("pair", "long_position", "short_position")
        return newest.order_by("-pk")[0]

    def held(self, account: ExchangeAccount) -> Decimal:
        """By the exchange itself, above zero is long."""
        held = self.engines[account.venue].positions(paper_name(account))
        return sum((p.amount for p in held), Decimal(0))

    def earned(self, *accounts: ExchangeAccount) -> Decimal:
        wallets = (
            self.engines[a.venue].balance(paper_name(a)).wallet
            for a in accounts or (self.binance, self.bybit)
        )
        return sum((wallet - START for wallet in wallets), Decimal(0))

    def drain(self, account: ExchangeAccount) -> None:
        """Its money is gone, and nobody told us."""
        self.engines[account.venue].account(paper_name(account)).wallet_balance = Decimal(10)

    def requests(self, account: ExchangeAccount) -> int:
        return len(self.engines[account.venue].account(paper_name(account)).orders)


def paper_name(account: ExchangeAccount) -> str:
    return f"paper-{account.pk}-{account.name}"
