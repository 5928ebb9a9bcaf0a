"""The door for senders that speak HTTP: the message is kept in one commit and answered; what follows comes after."""

from __future__ import annotations

import asyncio
import logging
import math
from datetime import UTC, datetime
from typing import cast

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from signals_app.answers import answer, status_code
from signals_app.doors import UNRECORDED, address_of, bearer, in_thread, meet_stranger, registry
from signals_app.limits import SLOWED_SECONDS, senders
from signals_app.models import SignalStatus
from signals_app.parsing import MAX_BYTES
from signals_app.reasons import ReasonCode
from signals_app.services.arrivals import Verdict
from signals_app.webhook import Call, receive

logger = logging.getLogger(__name__)

ONLY_POST = "only POST"


@csrf_exempt
async def webhook(request: HttpRequest, sender: str) -> JsonResponse:
    if request.method != "POST":
        refused = Verdict(SignalStatus.IGNORED, ONLY_POST)
        return JsonResponse(answer(refused, b""), status=405, headers={"Allow": "POST"})
    call = _call(cast(ASGIRequest, request), sender)
    verdict = await _judged(call)
    if verdict.reason_code is ReasonCode.BAD_TOKEN and meet_stranger("webhook", call.address):
        await asyncio.sleep(SLOWED_SECONDS)
    headers = await _headers(verdict, sender)
    return JsonResponse(answer(verdict, call.body), status=status_code(verdict), headers=headers)


async def _judged(call: Call) -> Verdict:
    try:
        return await in_thread(receive, call, await registry())
    except Exception:
        logger.exception("the webhook could not handle a message")
        return UNRECORDED


def _call(request: ASGIRequest, sender: str) -> Call:
    given = request.headers
    declared = given.get("Content-Length", "")
    size = int(declared) if declared.isascii() and declared.isdigit() else 0
    return Call(
        sender=sender,
        address=address_of(request.scope),
        content_type=(request.content_type or "").lower(),
        size=size,
        body=request.body if size <= MAX_BYTES else b"",
        token=bearer(request.scope) or request.scope.get("webhook_token"),
        is_token_in_query=bool(request.scope.get("has_token_in_query")),
        signature=given.get("X-Signature", "").strip(),
        timestamp=given.get("X-Timestamp", "").strip(),
        received_at=datetime.now(UTC),
    )


async def _headers(verdict: Verdict, sender: str) -> dict[str, str]:
    if verdict.reason_code is ReasonCode.RATE_LIMITED:
        rule = (await registry()).rule_of(sender)
        return {"Retry-After": str(max(1, math.ceil(senders.seconds_until_next(rule.name, rule.rate))))}
    return {"WWW-Authenticate": "Bearer"} if verdict.reason_code is ReasonCode.BAD_TOKEN else {}
