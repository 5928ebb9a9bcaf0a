"""The settings of the signal server as the values that its parts want."""

from __future__ import annotations

from signals_app.selection import WaveRules
from signals_app.sources.link import Patience
from signals_app.sources.server_client import ServerAddress
from signals_app.symbol_rules import SymbolRules
from tradingbot.signal_server_environment import SignalServerEnvironment


def address(given: SignalServerEnvironment) -> ServerAddress | None:
    if not given.signal_ws_url:
        return None
    token = given.signal_ws_token.get_secret_value()
    return ServerAddress(given.signal_ws_url, token, given.signal_ws_auto_reconnect)


def patience(given: SignalServerEnvironment) -> Patience:
    return Patience(
        first_pause=given.signal_ws_reconnect_interval, max_attempts=given.signal_ws_max_reconnect_attempts
    )


def wave_rules(given: SignalServerEnvironment) -> WaveRules:
    return WaveRules(
        size=given.signal_buffer_size,
        max_trades=given.max_trades_per_15min,
        buffer_fixed=given.signal_buffer_fixed,
        buffer_percent=given.signal_buffer_percent,
        min_week=given.min_score_week,
        min_month=given.min_score_month,
        symbols=symbol_rules(given),
    )


def symbol_rules(given: SignalServerEnvironment) -> SymbolRules:
    whitelist = tuple(given.whitelist_symbols) if given.use_symbol_whitelist else None
    return SymbolRules(tuple(given.stoplist_symbols), whitelist)
