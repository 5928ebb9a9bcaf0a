"""What an account at Binance is set to: position mode, margin mode, leverage. Read before it is set, and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchanges.budget_rules import Lane
from exchanges.ccxt_calls import Calls, readable
from exchanges.errors import OutcomeUnknown, Refused
from exchanges.types import MarginMode, PositionMode
from exchanges.venue_codes import is_already_so

_MARGIN_WORDS = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}


async def position_mode(calls: Calls) -> PositionMode:
    await calls.ask(calls.ready, Lane.ENTRY)  # ccxt asks for the mode without knowing the time
    answer = await calls.ask(lambda: calls.reader.fetch_position_mode(), Lane.ENTRY)
    if not isinstance(answer["hedged"], bool):
        raise OutcomeUnknown("The venue did not say which position mode the account is in.")
    return PositionMode.HEDGE if answer["hedged"] else PositionMode.ONE_WAY


async def set_position_mode(calls: Calls, mode: PositionMode) -> None:
    try:
        await calls.change(lambda: calls.writer.set_position_mode(mode is PositionMode.HEDGE), Lane.ENTRY)
    except Refused as error:
        if not is_already_so(calls.venue, error.code):
            raise


async def ensure_margin_mode(calls: Calls, symbol: str, market_id: str, mode: MarginMode) -> None:
    wanted = _MARGIN_WORDS[mode]
    if await _margin_word(calls, market_id) == wanted:
        return
    await calls.change(lambda: calls.writer.set_margin_mode(mode.value, symbol), Lane.ENTRY)
    if (now := await _margin_word(calls, market_id)) != wanted:
        raise OutcomeUnknown(f"The margin mode of {symbol} was to be {wanted}, and reads {now}.")


async def ensure_leverage(calls: Calls, symbol: str, market_id: str, leverage: int) -> None:
    if await _leverage(calls, market_id) == leverage:
        return
    await calls.change(lambda: calls.writer.set_leverage(leverage, symbol), Lane.ENTRY)
    if (now := await _leverage(calls, market_id)) != leverage:
        raise OutcomeUnknown(f"The leverage of {symbol} was to be {leverage}, and reads {now}.")


async def _margin_word(calls: Calls, market_id: str) -> str:
    row = await _row_of(calls, market_id)
    return readable(lambda: str(row["marginType"]))


async def _leverage(calls: Calls, market_id: str) -> int:
    row = await _row_of(calls, market_id)
    return readable(lambda: int(row["leverage"]))


async def _row_of(calls: Calls, market_id: str) -> Mapping[str, Any]:
    asked = {"symbol": market_id}
    rows = await calls.rows(lambda: calls.reader.fapiPrivateGetSymbolConfig(asked), Lane.ENTRY)
    return next((row for row in rows if row["symbol"] == market_id), {})
