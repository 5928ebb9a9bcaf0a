"""Tokens of senders that exist."""

from __future__ import annotations

from signals_app.models import SignalSender
from signals_app.tokens import new_token, token_hash


def renew_token(sender: SignalSender) -> str:
    """The new one, which is kept nowhere; the old one works no more."""
    token = new_token()
    SignalSender.objects.filter(pk=sender.pk).update(token_hash=token_hash(token))
    return token
