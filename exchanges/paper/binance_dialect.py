"""Binance's requests and answers as the server handles them."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

from exchanges.paper import security
from exchanges.paper.binance_rest import ENDPOINTS
from exchanges.paper.binance_weights import ORDERS, weight_of
from exchanges.paper.book import VenueRefusal
from exchanges.paper.call import Call, Endpoint
from exchanges.paper.dialect import Asked, Said
from exchanges.paper.rate_limits import MustWait
from exchanges.paper.venue import PaperVenue, now_ms
from exchanges.paper.venue_rules import BINANCE


class BinanceDialect:
    def asked(self, request: web.Request, raw: str) -> Asked:
        params = dict(parse_qsl(raw, keep_blank_values=True))
        params.pop("signature", None)
        api_key = request.headers.get("X-MBX-APIKEY", "")
        verdict = security.signature_verdict(api_key, raw)
        return Asked(request.method, request.path, params, api_key, verdict, request.remote or "")

    def answer(self, venue: PaperVenue, asked: Asked) -> Said:
        try:
            said = Said(_perform(venue, asked))
        except VenueRefusal as refusal:
            said = _refused(refusal)
        return Said(said.body, said.status, said.code, {**said.headers, **_usage(venue, asked)})

    def broken(self, venue: PaperVenue) -> Said:
        return _said(500, -1000, "An unknown error occurred while processing the request.")

    def too_many(self, venue: PaperVenue, seconds: int) -> Said:
        message = "Too many requests; current limit is 2400 requests per minute."
        return _said(429, -1003, message, seconds)

    def banned(self, venue: PaperVenue, seconds: int) -> Said:
        until = venue.now_ms() + seconds * 1000
        return _said(418, -1003, f"Way too many requests; IP banned until {until}.", seconds)


def _said(status: int, code: int, message: str, retry_after: int | None = None) -> Said:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Said({"code": code, "msg": message}, status, code, headers)


def _refused(refusal: VenueRefusal) -> Said:
    retry_after = refusal.retry_after if isinstance(refusal, MustWait) else None
    return _said(refusal.http_status, refusal.code, refusal.message, retry_after)


def _is_order(asked: Asked) -> bool:
    return (asked.method, asked.path) in ORDERS


def _usage(venue: PaperVenue, asked: Asked) -> dict[str, str]:
    limits, at = venue.rate_limits, now_ms()
    used = dict(limits.headers(asked.api_key, asked.address, at))
    return {**used, **limits.order_headers(asked.api_key, at)} if _is_order(asked) else used


def _perform(venue: PaperVenue, asked: Asked) -> object:
    """Limits go by the true time: a wrong clock must not open a window again."""
    weight = weight_of(asked.method, asked.path, asked.params)
    venue.rate_limits.weigh(asked.api_key, asked.address, weight, now_ms())
    endpoint = ENDPOINTS.get((asked.method, asked.path))
    if endpoint is None:
        raise VenueRefusal(-5000, f"Path {asked.path}, Method {asked.method} is invalid", 404)
    _admit(venue, endpoint, asked)
    if _is_order(asked):
        venue.rate_limits.count_order(asked.api_key, asked.address, now_ms())
    return endpoint.handle(Call(venue, asked.api_key, asked.params))


def _admit(venue: PaperVenue, endpoint: Endpoint, asked: Asked) -> None:
    if endpoint.security == "none":
        return
    security.check_key(asked.api_key)
    if endpoint.security == "signed":
        security.check_signed(asked.signature, asked.params, venue.now_ms())
    venue.open_account(asked.api_key, BINANCE)
