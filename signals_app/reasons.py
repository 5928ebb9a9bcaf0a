"""Why something was not done, as a word that programs and counters can rely on. Pure."""

from __future__ import annotations

from enum import StrEnum


class ReasonCode(StrEnum):
    # the message
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    UNKNOWN_SHAPE = "unknown_shape"
    MISSING_FIELD = "missing_field"
    BAD_FIELD = "bad_field"
    BAD_SYMBOL = "bad_symbol"
    UNFILLED_PLACEHOLDER = "unfilled_placeholder"
    NOT_FOLLOWED = "not_followed"  # it asks for what is decided here
    NOT_A_SIGNAL = "not_a_signal"
    CONTENT_TYPE = "content_type"
    # the sender
    BAD_TOKEN = "bad_token"  # noqa: S105
    BAD_SIGNATURE = "bad_signature"
    REPLAYED = "replayed"
    WRONG_NETWORK = "wrong_network"
    NOT_PERMITTED = "not_permitted"
    RATE_LIMITED = "rate_limited"
    STALE = "stale"
    CLOCK_AHEAD = "clock_ahead"
    OLDER_BOT = "older_bot"  # imported: an older bot decided about it
    # what it concerns
    UNKNOWN_TICKER = "unknown_ticker"
    TICKER_OFF = "ticker_off"
    NO_STRATEGY = "no_strategy"
    # one strategy, on one account
    AMBIGUOUS = "ambiguous"
    STRATEGY_OFF = "strategy_off"
    STRATEGY_KIND = "strategy_kind"  # its pairs decide, not signals; or the other way round
    NO_ACCOUNT = "no_account"  # the strategy has none
    ACCOUNT_CHANGED = "account_changed"
    TICKER_NOT_CHOSEN = "ticker_not_chosen"
    OTHER_EXCHANGE = "other_exchange"
    OPENING_OFF = "opening_off"
    OPPOSITE_OPEN = "opposite_open"
    NOTHING_TO_CLOSE = "nothing_to_close"
    ALREADY_OPEN = "already_open"
    NO_LEVEL_LEFT = "no_level_left"
    ENTRY_PENDING = "entry_pending"
    STOP_NOT_MOVED = "stop_not_moved"
    COOLDOWN = "cooldown"
    MARKET = "market"  # a market filter of the strategy
    NO_PRICE = "no_price"
    NOT_LISTED = "not_listed"  # the account's venue does not trade the contract
    UNREACHABLE = "unreachable"  # its account, and the one it would go to instead
    STOPS_REFUSED = "stops_refused"  # the exchange takes no conditional orders there
    ONE_WAY_MODE = "one_way_mode"  # the account holds one position a contract, and there is one
    OTHER_LEVERAGE = "other_leverage"  # the contract is held with another one
    POSITION_MODE = "position_mode"  # the exchange's position mode is not the account's
    # a risk limit
    GLOBAL_POSITIONS = "global_positions"
    ACCOUNT_POSITIONS = "account_positions"
    STRATEGY_POSITIONS = "strategy_positions"
    SYMBOL_POSITIONS = "symbol_positions"
    DIRECTION_POSITIONS = "direction_positions"
    GLOBAL_EXPOSURE = "global_exposure"
    ACCOUNT_EXPOSURE = "account_exposure"
    STRATEGY_EXPOSURE = "strategy_exposure"
    LEVERAGE_LIMIT = "leverage_limit"
    NOTIONAL_LIMIT = "notional_limit"
    UTILISATION_LIMIT = "utilisation_limit"
    CONCENTRATION_LIMIT = "concentration_limit"
    TOTAL_RISK_LIMIT = "total_risk_limit"
    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    EQUITY_UNKNOWN = "equity_unknown"
    STOP_BEYOND_LIQUIDATION = "stop_beyond_liquidation"
    LOW_CONFIDENCE = "low_confidence"
    SIGNAL_TOO_OLD = "signal_too_old"
    WIDE_SPREAD = "wide_spread"
    SLIPPAGE = "slippage"
    NOT_OPENED = "not_opened"  # the text says which rule of the position was in the way
    # a wave of the signal server
    EXCHANGE_NOT_TRADED = "exchange_not_traded"
    STOP_LISTED = "stop_listed"
    NOT_WHITELISTED = "not_whitelisted"
    LEVERAGED_COIN = "leveraged_coin"
    STABLE_PAIR = "stable_pair"
    INDEX_SYMBOL = "index_symbol"
    BELOW_SCORE = "below_score"
    SYMBOL_TWICE = "symbol_twice"
    WAVE_LIMIT = "wave_limit"
    BEYOND_BUFFER = "beyond_buffer"
    NO_FUNDS = "no_funds"
    WAVE_STALE = "wave_stale"
    WAVE_OVER = "wave_over"
    # ourselves
    INTERNAL_ERROR = "internal_error"
    GIVEN_UP = "given_up"  # put aside after several tries
    UNCLASSIFIED = "unclassified"  # rows from before codes were kept


# of the sender, of the moment or of what was set up then, not of the signal: said again, it may be another matter
MAY_COME_AGAIN = frozenset(
    {
        ReasonCode.NOT_PERMITTED,
        ReasonCode.WRONG_NETWORK,
        ReasonCode.RATE_LIMITED,
        ReasonCode.STALE,
        ReasonCode.CLOCK_AHEAD,
        ReasonCode.UNKNOWN_TICKER,
        ReasonCode.TICKER_OFF,
        ReasonCode.NO_STRATEGY,
        ReasonCode.INTERNAL_ERROR,
    }
)
