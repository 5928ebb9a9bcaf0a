"""What an account at Bybit is set to: position mode, margin mode, leverage. Read before it is set, and after."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exchanges.budget_rules import Lane
from exchanges.bybit_listings import Row
from exchanges.ccxt_calls import Call, Calls, readable
from exchanges.errors import OutcomeUnknown, Refused
from exchanges.types import MarginMode, PositionMode
from exchanges.venue_codes import is_already_so
from exchanges.venues import bybit
from exchanges.venues.bybit import CATEGORY, QUOTE_CURRENCY

_MODE_WORDS = {PositionMode.HEDGE: 3, PositionMode.ONE_WAY: 0}
_MARGIN_WORDS = {MarginMode.CROSS: "REGULAR_MARGIN", MarginMode.ISOLATED: "ISOLATED_MARGIN"}


async def position_mode(calls: Calls, market_id: str) -> PositionMode:
    """There is no question for it: a contract lists a slot for each leg, flat ones too."""
    rows = await _slots(calls, market_id)
    indexes = readable(lambda: {int(row["positionIdx"]) for row in rows})
    if indexes == {0}:
        return PositionMode.ONE_WAY
    if indexes and indexes <= {1, 2}:
        return PositionMode.HEDGE
    raise OutcomeUnknown("The venue did not say which position mode the contract is in.")


async def set_position_mode(calls: Calls, mode: PositionMode) -> None:
    words = {"category": CATEGORY, "coin": QUOTE_CURRENCY, "mode": _MODE_WORDS[mode]}
    await _changed(calls, lambda: calls.writer.privatePostV5PositionSwitchMode(words))


async def ensure_margin_mode(calls: Calls, mode: MarginMode) -> None:
    wanted = _MARGIN_WORDS[mode]
    if await _margin_word(calls) == wanted:
        return
    words = {"setMarginMode": wanted}
    await _changed(calls, lambda: calls.writer.privatePostV5AccountSetMarginMode(words))
    if (now := await _margin_word(calls)) != wanted:
        raise OutcomeUnknown(f"The margin mode of the account was to be {wanted}, and reads {now}.")


async def ensure_leverage(calls: Calls, symbol: str, market_id: str, leverage: int) -> None:
    if await _has_leverage(calls, market_id, leverage):
        return
    words = bybit.leverage_words(market_id, leverage)
    refusal = await _changed(calls, lambda: calls.writer.privatePostV5PositionSetLeverage(words))
    if not await _has_leverage(calls, market_id, leverage):
        raise OutcomeUnknown(
            f"The leverage of {symbol} was to be {leverage}, and reads otherwise.",
            code=refusal.code if refusal else "",
        )


async def _changed(calls: Calls, change: Call) -> Refused | None:
    """Returns the refusal that says it is so already."""
    try:
        await calls.change(change, Lane.ENTRY)
    except Refused as error:
        if not is_already_so(calls.venue, error.code):
            raise
        return error
    return None


async def _has_leverage(calls: Calls, market_id: str, leverage: int) -> bool:
    """On both legs."""
    rows = await _slots(calls, market_id)
    return bool(rows) and readable(lambda: all(Decimal(row["leverage"] or 0) == leverage for row in rows))


async def _slots(calls: Calls, market_id: str) -> list[Row]:
    words = {"category": CATEGORY, "symbol": market_id}
    return await calls.rows_in(
        lambda: calls.reader.privateGetV5PositionList(words),
        lambda answer: answer["result"]["list"],
        Lane.ENTRY,
    )


async def _margin_word(calls: Calls) -> str:
    answer: Any = await calls.ask(lambda: calls.reader.privateGetV5AccountInfo(), Lane.ENTRY)
    return readable(lambda: str(answer["result"]["marginMode"]))
