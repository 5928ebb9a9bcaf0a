"""Executions, positions and the wallet in Bybit's words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from exchanges.paper import bybit_words as words
from exchanges.paper.book import PaperIncome, PaperPosition, PaperTrade
from exchanges.paper.figures import text
from exchanges.paper.interventions import DELEVERAGING, LIQUIDATION
from exchanges.paper.margin import Balance
from exchanges.paper.one_book import Seen

_OF_TRADES, _OF_FUNDING = 1 << 64, 2 << 64


def trade_id(number: int) -> str:
    return str(UUID(int=_OF_TRADES + number))


def funding_id(number: int) -> str:
    return str(UUID(int=_OF_FUNDING + number))


# executions


def execution(trade: PaperTrade, seen: Seen | None) -> words.Json:
    """seen is its order, as far as that is still known."""
    plain = seen.plain if seen else None
    return {
        **_execution(trade.symbol, trade.side, trade.quantity, trade.price, trade.time_ms),
        "orderId": words.order_id(trade.order_id), "orderLinkId": words.told_id(trade.client_order_id),
        "orderPrice": text(plain.price if plain else None), "orderQty": text(plain.quantity if plain else None),
        "leavesQty": text(plain.remaining if plain else None),
        "orderType": "Limit" if plain and plain.price else "Market",
        "createType": words.create_type(seen) if seen else "",
        "stopOrderType": words.stop_type(seen.algo if seen else None) or "UNKNOWN",
        "execFee": text(trade.commission), "execId": trade_id(trade.trade_id), "execType": execution_type(trade),
        "execPnl": text(trade.realized_pnl), "closedSize": text(trade.quantity if trade.realized_pnl else None),
        "feeCurrency": trade.commission_asset, "isMaker": trade.maker,
        "feeRate": text((trade.commission / trade.quote).quantize(Decimal("1E-6")) if trade.quote else None),
        "seq": trade.trade_id,
    }  # fmt: skip


def execution_type(trade: PaperTrade) -> str:
    if trade.client_order_id.startswith(LIQUIDATION):
        return "BustTrade"
    return "AdlTrade" if trade.client_order_id.startswith(DELEVERAGING) else "Trade"


def funding_execution(paid: PaperIncome) -> words.Json:
    """A fee above zero is paid."""
    quantity, mark = paid.quantity or Decimal(0), paid.price or Decimal(0)
    side = "Buy" if quantity > 0 else "Sell"
    return {
        **_execution(paid.symbol, side.upper(), abs(quantity), mark, paid.time_ms),
        "orderId": funding_id(paid.transaction_id), "orderLinkId": "", "orderPrice": "0", "orderQty": "0",
        "leavesQty": "0", "orderType": "UNKNOWN", "createType": "", "stopOrderType": "UNKNOWN",
        "execFee": text(-paid.amount), "execId": funding_id(paid.transaction_id), "execType": "Funding",
        "execPnl": "0", "closedSize": "0", "feeCurrency": paid.asset, "isMaker": False, "feeRate": "0",
        "seq": paid.transaction_id,
    }  # fmt: skip


def _execution(symbol: str, side: str, quantity: Decimal, price: Decimal, at_ms: int) -> words.Json:
    return {
        "category": "linear", "symbol": symbol, "side": words.SIDES[side], "execPrice": text(price),
        "execQty": text(quantity), "execValue": text(quantity * price), "execTime": str(at_ms),
        "markPrice": text(price),
        "indexPrice": "", "underlyingPrice": "", "tradeIv": "", "markIv": "", "blockTradeId": "", "isLeverage": "0",
    }  # fmt: skip


def movement(moved: PaperTrade | PaperIncome, wallet: Decimal) -> words.Json:
    """wallet is what it left in the wallet."""
    told = _traded(moved) if isinstance(moved, PaperTrade) else _funded(moved)
    return {
        "symbol": moved.symbol, "category": "linear", "transactionTime": str(moved.time_ms), "currency": "USDT",
        "cashBalance": text(wallet), "bonusChange": "", "extraFees": "", "transSubType": "", **told,
    }  # fmt: skip


def _traded(trade: PaperTrade) -> words.Json:
    """The change is cash flow and funding less the fee."""
    kinds = {"BustTrade": "LIQUIDATION", "AdlTrade": "ADL"}
    return {
        "id": f"{trade_id(trade.trade_id)}_USDT", "type": kinds.get(execution_type(trade), "TRADE"),
        "side": words.SIDES[trade.side], "qty": text(trade.quantity), "size": "", "tradePrice": text(trade.price),
        "orderId": words.order_id(trade.order_id), "orderLinkId": words.told_id(trade.client_order_id),
        "tradeId": trade_id(trade.trade_id), "fee": text(trade.commission), "funding": "",
        "cashFlow": text(trade.realized_pnl), "change": text(trade.realized_pnl - trade.commission), "feeRate": "",
    }  # fmt: skip


def _funded(paid: PaperIncome) -> words.Json:
    """Funding above zero was received."""
    held = paid.quantity or Decimal(0)
    return {
        "id": f"{funding_id(paid.transaction_id)}_USDT", "type": "SETTLEMENT", "side": "Buy" if held > 0 else "Sell",
        "qty": text(abs(held)), "size": text(held), "tradePrice": text(paid.price), "orderId": "", "orderLinkId": "",
        "tradeId": funding_id(paid.transaction_id), "fee": "", "funding": text(paid.amount), "cashFlow": "0",
        "change": text(paid.amount), "feeRate": "",
    }  # fmt: skip


# positions and the wallet


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a position; of the exits an empty text is none."""

    mark: Decimal
    leverage: int
    maintenance_ratio: Decimal
    liquidation_price: Decimal
    isolated: bool
    stop_loss: str
    take_profit: str
    trailing: str
    activate_price: str


def position(row: PaperPosition, around: Around, *, entry: str = "avgPrice") -> words.Json:
    """The topic calls the price of entry another name than the listing."""
    size, value = abs(row.amount), abs(row.amount) * row.entry_price
    side = "" if not row.amount else "Buy" if row.amount > 0 else "Sell"
    margin = size * around.mark / around.leverage
    return {
        "positionIdx": words.INDEX[row.position_side], "riskId": 1, "riskLimitValue": "1000000000",
        "symbol": row.symbol, "category": "linear", "side": side, "size": text(size), entry: text(row.entry_price),
        "positionValue": text(value) if size else "",
        "tradeMode": 1 if around.isolated else 0, "positionStatus": "Normal", "autoAddMargin": 0,
        "adlRankIndicator": 2 if size else 0,
        "leverage": str(around.leverage), "positionBalance": text(margin), "markPrice": text(around.mark),
        "liqPrice": text(around.liquidation_price) if size and around.liquidation_price else "", "bustPrice": "",
        "positionMM": text(size * around.mark * around.maintenance_ratio), "positionIM": text(margin),
        "tpslMode": "Full", "takeProfit": around.take_profit, "stopLoss": around.stop_loss,
        "trailingStop": around.trailing or "0", "activePrice": around.activate_price or "0", "sessionAvgPrice": "",
        "unrealisedPnl": text((around.mark - row.entry_price) * row.amount) if size else "",
        "curRealisedPnl": text(row.realized), "cumRealisedPnl": text(row.realized_ever), "seq": row.updated_ms,
        "isReduceOnly": False, "mmrSysUpdatedTime": "", "leverageSysUpdatedTime": "",
        "createdTime": str(row.created_ms), "openTime": row.created_ms, "updatedTime": str(row.updated_ms),
    }  # fmt: skip


def wallet(balance: Balance) -> words.Json:
    equity, margin = text(balance.equity), text(balance.initial_margin)
    coin = {
        "coin": "USDT", "equity": equity, "usdValue": equity, "walletBalance": text(balance.wallet), "locked": "0",
        "availableToWithdraw": "", "availableToBorrow": "", "borrowAmount": "0", "accruedInterest": "0",
        "totalOrderIM": "0", "totalPositionIM": margin, "totalPositionMM": text(balance.maintenance_margin),
        "unrealisedPnl": text(balance.unrealized), "cumRealisedPnl": "0", "bonus": "0", "collateralSwitch": True,
        "marginCollateral": True, "spotHedgingQty": "0",
    }  # fmt: skip
    rate = balance.initial_margin / balance.equity if balance.equity else Decimal(0)
    return {
        "accountType": "UNIFIED", "totalEquity": equity, "totalMarginBalance": equity,
        "totalWalletBalance": text(balance.wallet), "totalAvailableBalance": text(balance.available),
        "totalPerpUPL": text(balance.unrealized), "totalInitialMargin": margin,
        "totalMaintenanceMargin": text(balance.maintenance_margin), "accountIMRate": f"{rate:.4f}",
        "accountMMRate": "0", "accountLTV": "0", "coin": [coin],
    }  # fmt: skip
