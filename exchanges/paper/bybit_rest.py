"""The table of Bybit's requests that are worked here."""

from __future__ import annotations

from exchanges.paper import bybit_account as account
from exchanges.paper import bybit_orders as orders
from exchanges.paper import bybit_public as public
from exchanges.paper.call import Endpoint

ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("GET", "/v5/market/time"): Endpoint(public.server_time, "none"),
    ("GET", "/v5/market/instruments-info"): Endpoint(public.instruments, "none"),
    ("GET", "/v5/market/tickers"): Endpoint(public.tickers, "none"),
    ("GET", "/v5/market/kline"): Endpoint(public.klines, "none"),
    ("GET", "/v5/market/mark-price-kline"): Endpoint(public.mark_klines, "none"),
    ("GET", "/v5/market/orderbook"): Endpoint(public.orderbook, "none"),
    ("GET", "/v5/market/open-interest"): Endpoint(public.open_interest, "none"),
    ("GET", "/v5/market/risk-limit"): Endpoint(public.risk_limits, "none"),
    ("GET", "/v5/user/query-api"): Endpoint(account.key_info),
    ("GET", "/v5/account/info"): Endpoint(account.account_info),
    ("GET", "/v5/account/wallet-balance"): Endpoint(account.wallet_balance),
    ("GET", "/v5/account/fee-rate"): Endpoint(account.fee_rate),
    ("GET", "/v5/account/transaction-log"): Endpoint(account.transaction_log),
    ("POST", "/v5/account/set-margin-mode"): Endpoint(account.set_margin_mode),
    ("GET", "/v5/position/list"): Endpoint(account.positions),
    ("POST", "/v5/position/set-leverage"): Endpoint(account.set_leverage),
    ("POST", "/v5/position/switch-mode"): Endpoint(account.switch_mode),
    ("POST", "/v5/position/trading-stop"): Endpoint(account.trading_stop),
    ("GET", "/v5/execution/list"): Endpoint(account.executions),
    ("POST", "/v5/order/create"): Endpoint(orders.create),
    ("POST", "/v5/order/amend"): Endpoint(orders.amend),
    ("POST", "/v5/order/cancel"): Endpoint(orders.cancel),
    ("POST", "/v5/order/cancel-all"): Endpoint(orders.cancel_all),
    ("GET", "/v5/order/realtime"): Endpoint(orders.realtime),
    ("GET", "/v5/order/history"): Endpoint(orders.history),
}
