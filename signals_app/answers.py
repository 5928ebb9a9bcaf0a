"""What a sender is answered at every door."""

from __future__ import annotations

import json
from typing import Any

from positions.signal_ids import signal_id_text
from signals_app.parsing import MAX_BYTES
from signals_app.reasons import ReasonCode
from signals_app.services.arrivals import Verdict

INTERNAL_ERROR = "internal error; send it again"
STATUS_CODES = {
    ReasonCode.UNREADABLE: 400,
    ReasonCode.MISSING_FIELD: 422,
    ReasonCode.BAD_FIELD: 422,
    ReasonCode.BAD_SYMBOL: 422,
    ReasonCode.UNKNOWN_SHAPE: 422,
    ReasonCode.UNFILLED_PLACEHOLDER: 422,
    ReasonCode.NOT_FOLLOWED: 422,
    ReasonCode.NOT_A_SIGNAL: 422,
    ReasonCode.TOO_LARGE: 413,
    ReasonCode.CONTENT_TYPE: 415,
    ReasonCode.BAD_TOKEN: 401,
    ReasonCode.BAD_SIGNATURE: 401,
    ReasonCode.REPLAYED: 401,
    ReasonCode.WRONG_NETWORK: 403,
    ReasonCode.NOT_PERMITTED: 403,
    ReasonCode.RATE_LIMITED: 429,
    ReasonCode.INTERNAL_ERROR: 503,
}


def answer(verdict: Verdict, raw: bytes | str) -> dict[str, Any]:
    """`id` is the sender's own, also of a message that could not be used, so that it can match the answers."""
    is_ours = verdict.reason_code is ReasonCode.INTERNAL_ERROR
    return {
        "status": "error" if is_ours else verdict.status.value,
        "reason": INTERNAL_ERROR if is_ours else verdict.reason,
        "reason_code": verdict.reason_code.value if verdict.reason_code else None,
        "uid": verdict.uid,
        "log_id": verdict.log_id,
        "id": verdict.signal_id if verdict.uid else own_id(raw),
    }


def status_code(verdict: Verdict) -> int:
    """200 also for what was received and concerns nobody: the sender did nothing wrong."""
    return STATUS_CODES.get(verdict.reason_code, 200) if verdict.reason_code else 200


def own_id(raw: bytes | str) -> str | None:
    if len(raw) > MAX_BYTES:
        return None
    try:
        fields = json.loads(raw)
        given = (fields.get("signal_id"), fields.get("id")) if isinstance(fields, dict) else ()
        return next((text for text in map(signal_id_text, given) if text), None)
    except (ValueError, RecursionError):
        return None
