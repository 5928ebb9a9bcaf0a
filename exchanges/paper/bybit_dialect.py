"""Bybit's requests and answers as the server handles them."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from exchanges.paper import bybit_codes as codes
from exchanges.paper.book import VenueRefusal
from exchanges.paper.bybit_limits import Spender
from exchanges.paper.bybit_rest import ENDPOINTS
from exchanges.paper.call import Call
from exchanges.paper.dialect import Asked, Said
from exchanges.paper.security import AHEAD_MS, KEY_PREFIX, MAX_WINDOW_MS, WELL_FORMED
from exchanges.paper.signing import paper_secret
from exchanges.paper.venue import PaperVenue, now_ms
from exchanges.paper.venue_rules import BYBIT


class BybitDialect:
    def asked(self, request: web.Request, raw: str) -> Asked:
        told = request.headers
        key, sent = told.get("X-BAPI-API-KEY", ""), told.get("X-BAPI-TIMESTAMP", "")
        window = told.get("X-BAPI-RECV-WINDOW", "")
        verdict = _verdict(key, sent + key + window + raw, told.get("X-BAPI-SIGN", ""))
        return Asked(
            request.method, request.path, _params(request.method, raw), key, verdict, request.remote or "", sent,
            window,
        )  # fmt: skip

    def answer(self, venue: PaperVenue, asked: Asked) -> Said:
        spender = Spender(venue.rate_limits, asked.method, asked.path, asked.api_key, asked.address)
        try:
            spender.spend(now_ms())
            said = _said(venue, 0, "OK", _perform(venue, asked))
        except VenueRefusal as refusal:
            is_page = refusal.http_status in (403, 404)
            said = _said(venue, *codes.told(refusal), status=refusal.http_status if is_page else 200)
        return replace(said, headers=spender.headers(now_ms()))

    def broken(self, venue: PaperVenue) -> Said:
        return _said(venue, 10016, "Internal System Error.")

    def too_many(self, venue: PaperVenue, seconds: int) -> Said:
        said = _said(venue, 10006, "Too many visits. Exceeded the API Rate Limit.")
        reset = str(venue.now_ms() + seconds * 1000)
        return Said(said.body, said.status, said.code, {"X-Bapi-Limit-Reset-Timestamp": reset})

    def banned(self, venue: PaperVenue, seconds: int) -> Said:
        return _said(venue, 10018, "Access too frequent.", status=403)


def _said(venue: PaperVenue, code: int, message: str, result: Any = None, *, status: int = 200) -> Said:
    body = {
        "retCode": code, "retMsg": message, "result": result or {}, "retExtInfo": {}, "time": venue.now_ms(),
    }  # fmt: skip
    return Said(body, status, code or None)


def _params(method: str, raw: str) -> dict[str, str]:
    """A body that is no JSON object says nothing."""
    if method != "POST":
        return dict(parse_qsl(raw, keep_blank_values=True))
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    return {key: _plain(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _verdict(key: str, signed: str, signature: str) -> str:
    if not signature:
        return "none"
    if not WELL_FORMED.fullmatch(key):
        return "invalid"
    expected = hmac.new(paper_secret(key).encode(), signed.encode(), sha256).hexdigest()
    return "valid" if hmac.compare_digest(expected.encode(), signature.encode()) else "invalid"


def _perform(venue: PaperVenue, asked: Asked) -> Any:
    endpoint = ENDPOINTS.get((asked.method, asked.path))
    if endpoint is None:
        raise VenueRefusal(10017, "request path not found or request method is invalid", 404)
    if endpoint.security != "none":
        _admit(venue, asked)
    return endpoint.handle(Call(venue, asked.api_key, asked.params))


def _admit(venue: PaperVenue, asked: Asked) -> None:
    if not WELL_FORMED.fullmatch(asked.api_key) or not asked.api_key.startswith(KEY_PREFIX):
        raise VenueRefusal(10003, "API key is invalid.")
    if asked.signature != "valid":
        raise VenueRefusal(10004, "error sign! please check the string that was signed")
    if not _is_timely(venue.now_ms(), asked):
        raise VenueRefusal(10002, "invalid request, please check your server timestamp or recv_window param")
    venue.open_account(asked.api_key, BYBIT)


def _is_timely(now_ms: int, asked: Asked) -> bool:
    if not asked.sent.isdecimal() or len(asked.sent) > 19:
        return False
    window = int(asked.window) if asked.window.isdecimal() and len(asked.window) < 10 else 5000
    return now_ms - min(window, MAX_WINDOW_MS) <= int(asked.sent) <= now_ms + AHEAD_MS
