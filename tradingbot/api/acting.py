"""Addresses that do. Each is one service call, once for its Idempotency-Key, in the name of the token's person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Status

from ops.people.token_models import ApiToken
from positions.models import Order, Position
from positions.services import by_hand, pausing
from positions.services.once import Done
from signals_app.answers import STATUS_CODES
from signals_app.registry import live
from signals_app.services.arrivals import Arrival
from signals_app.services.intake import accept
from tradingbot.api import contract, finding, reading
from tradingbot.api.doors import acting, closing_all, switching
from tradingbot.api.problems import Refusal
from tradingbot.api.values import Key, OrderNumber, RowNumber

# of an address with two methods only the first of two routers would answer
router = reading.router

EVERY_ACCOUNT = "ALL"


@router.post("/positions/{position_id}/close", response={202: contract.Done}, auth=acting, tags=["acts"])
def close(request: HttpRequest, position_id: RowNumber, key: Key) -> Any:
    """All of it, at market."""
    finding.the_one(Position.objects.only("pk"), pk=position_id)
    return _told(by_hand.close(key, _by(request), position_id))


@router.post("/positions/{position_id}/close-part", response={202: contract.Done}, auth=acting, tags=["acts"])
def close_part(request: HttpRequest, position_id: RowNumber, key: Key, part: contract.Part) -> Any:
    finding.the_one(Position.objects.only("pk"), pk=position_id)
    by = _by(request)
    return _told(by_hand.close_part(key, by, position_id, percent=part.percent, quantity=part.quantity))


@router.post("/positions/{position_id}/move-stop", response={202: contract.Done}, auth=acting, tags=["acts"])
def move_stop(request: HttpRequest, position_id: RowNumber, key: Key, stop: contract.NewStop) -> Any:
    finding.the_one(Position.objects.only("pk"), pk=position_id)
    by = _by(request)
    wished, may_loosen, seen = stop.stop_price, stop.may_loosen, stop.seen_stop_price
    return _told(by_hand.move_stop(key, by, position_id, wished, may_loosen=may_loosen, seen=seen))


@router.post("/positions/{position_id}/note", response={202: contract.Done}, auth=acting, tags=["acts"])
def note(request: HttpRequest, position_id: RowNumber, key: Key, said: contract.Note) -> Any:
    """Stands in its timeline with your name and the time; nothing takes it back."""
    finding.the_one(Position.objects.only("pk"), pk=position_id)
    return _told(by_hand.note(key, _by(request), position_id, said.text))


@router.post("/orders/{order_id}/cancel", response={202: contract.Done}, auth=acting, tags=["acts"])
def cancel_order(request: HttpRequest, order_id: OrderNumber, key: Key) -> Any:
    """Not of stops and closes: nothing is left without protection this way."""
    finding.the_one(Order.objects.only("pk"), pk=order_id)
    return _told(by_hand.cancel_order(key, _by(request), order_id))


@router.post("/entries/pause", response={202: contract.Done}, auth=switching, tags=["acts"])
def pause(request: HttpRequest, key: Key, asked: contract.Pause) -> Any:
    """Nothing is opened; what is open keeps its stop and its plan."""
    return _told(pausing.pause(key, _by(request), asked.reason, finding.account_id_of(asked.account)))


@router.post("/entries/resume", response={202: contract.Done}, auth=switching, tags=["acts"])
def resume(request: HttpRequest, key: Key, asked: contract.Resume) -> Any:
    """The exchange is asked first; what it still refuses stays as it is."""
    return _told(pausing.resume(key, _by(request), asked.reason, finding.account_id_of(asked.account)))


@router.post("/close-all", response={202: contract.Done}, auth=closing_all, tags=["acts"])
def close_all(request: HttpRequest, key: Key, asked: contract.CloseAll) -> Any:
    """A halt, then every order canceled and every position closed at market. It cannot be called back, and needs a
    token of the scope `panic`."""
    word = asked.account or EVERY_ACCOUNT
    if asked.confirm != word:
        raise Refusal(422, f"Nothing was done. Say {word} in confirm.")
    return _told(by_hand.close_all(key, _by(request), asked.reason, finding.account_id_of(asked.account)))


@router.post("/signals", response={202: contract.Received}, auth=acting, tags=["signals"])
def signal(request: HttpRequest, key: Key, said: contract.SignalIn) -> Any:
    """Through the intake of every other door: a repeat is told as a duplicate and not traded again."""
    verdict = accept(_arrival(request, key))
    status = STATUS_CODES.get(verdict.reason_code, 202) if verdict.reason_code else 202
    if status != 202:
        raise Refusal(status if status in (403, 422) else 422, verdict.reason)
    return Status(202, {
        "status": verdict.status, "reason": verdict.reason, "reason_code": verdict.reason_code,
        "id": verdict.log_id, "uid": verdict.uid,
    })  # fmt: skip


def _arrival(request: HttpRequest, key: UUID) -> Arrival:
    """No sender has a space in its name, so that none is taken for a token."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]
    name = f"token {token.pk}"
    rule = live.current().rule_of(name)
    return Arrival(request.body, f"api:{name}", timezone.now(), rule, delivery=str(key))


def _by(request: HttpRequest) -> str:
    return request.user.get_username()


def _told(done: Done) -> Any:
    if done.is_refused:
        raise Refusal(409, done.sentence)
    return Status(
        202, {"sentence": done.sentence, "order_id": done.order_id, "flat_run_id": done.flat_run_id}
    )
