"""One request at the webhook, from what came in to its verdict. Writes through services; waits for nobody outside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from signals_app.doors import UNKNOWN_TOKEN, failed, without_token
from signals_app.limits import senders
from signals_app.models import SignalStatus
from signals_app.parsing import MAX_BYTES
from signals_app.reasons import ReasonCode
from signals_app.registry import Registry
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.counting import count_arrival
from signals_app.services.intake import accept
from signals_app.services.refusals import accept_signed, refuse, refuse_for_rate
from signals_app.signatures import digest, signature_fault
from signals_app.tokens import known_hash

CONTENT_TYPES = ("application/json", "text/plain")
IN_QUERY = "a token in the address would end up in logs; send it in a header or in the body"
Objection = tuple[str, ReasonCode]


@dataclass(frozen=True, slots=True)
class Call:
    """The body ends one byte behind the limit where it was longer; token is of the header or the path."""

    sender: str
    address: str
    content_type: str
    size: int
    body: bytes
    token: str | None
    is_token_in_query: bool
    signature: str
    timestamp: str
    received_at: datetime


def receive(call: Call, registry: Registry) -> Verdict:
    token = call.token or _token_in(call.body)
    rule = _known(call.sender, token, registry)
    if call.is_token_in_query or token is None or rule is None:
        reason = IN_QUERY if call.is_token_in_query else UNKNOWN_TOKEN
        return Verdict(SignalStatus.IGNORED, reason, reason_code=ReasonCode.BAD_TOKEN)
    arrival = Arrival(without_token(call.body, token), f"webhook:{rule.name}", call.received_at, rule)
    count_arrival(arrival.source, arrival.received_at)
    try:
        return _admitted(call, arrival)
    except Exception as error:
        return failed(arrival, error)


def _admitted(call: Call, arrival: Arrival) -> Verdict:
    rule = arrival.rule
    if not senders.passing(rule.name, rule.rate):
        return refuse_for_rate([arrival])[0]
    objection = _objection(call, rule)
    if objection:
        return refuse(arrival, *objection)
    used = digest(call.signature) if rule.signing_key and call.signature else None
    return accept_signed(arrival, used) if used else accept(arrival)


def _known(sender: str, token: str | None, registry: Registry) -> SenderRule | None:
    found = known_hash(token, registry.senders) if token else None
    rule = registry.senders[found] if found else None
    return rule if rule and rule.name == sender else None


def _token_in(body: bytes) -> str | None:
    """`token` or `secret` of a JSON object: charts cannot set headers."""
    if len(body) > MAX_BYTES:
        return None
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    given = [fields.get("token"), fields.get("secret")] if isinstance(fields, dict) else []
    return next((token for token in given if isinstance(token, str) and token), None)


def _objection(call: Call, rule: SenderRule) -> Objection | None:
    if not rule.enabled:
        return "this sender was switched off", ReasonCode.NOT_PERMITTED
    if not rule.is_heard_from(call.address):
        return "this sender may not send from this network", ReasonCode.WRONG_NETWORK
    if max(call.size, len(call.body)) > MAX_BYTES:
        return f"the body is larger than {MAX_BYTES} bytes", ReasonCode.TOO_LARGE
    if call.content_type not in CONTENT_TYPES:
        return f"send {' or '.join(CONTENT_TYPES)}", ReasonCode.CONTENT_TYPE
    return _unsigned(call, rule)


def _unsigned(call: Call, rule: SenderRule) -> Objection | None:
    """A signature that is sent is checked, also where none is asked for."""
    if not rule.requires_signature and not (rule.signing_key and call.signature):
        return None
    fault = signature_fault(
        rule.signing_key, call.signature, call.timestamp, call.body, call.received_at, rule.replay_window
    )
    return (fault.value, ReasonCode.BAD_SIGNATURE) if fault else None
