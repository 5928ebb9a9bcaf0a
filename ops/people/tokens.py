"""What a token may: never more than its person, and only what its scope is for."""

from __future__ import annotations

from ops.people.token_models import ApiToken, Scope
from tradingbot.people import ACT, LOOK, SWITCH, may

NEEDED = {
    Scope.READ: LOOK, Scope.TRADE: ACT, Scope.ADMIN: "exchanges.change_exchangeaccount", Scope.PANIC: SWITCH,
}  # fmt: skip


def is_within(scope: str, permission: str) -> bool:
    if permission.partition(".")[2].startswith("view_"):
        return True
    return scope == Scope.ADMIN or (scope == Scope.TRADE and permission in (ACT, SWITCH))


def may_with(token: ApiToken, permission: str) -> bool:
    return is_within(token.scope, permission) and may(token.user, permission)


def may_close_all(token: ApiToken) -> bool:
    """It cannot be called back, and no program can say anew who it is: its person did, when he made it for this."""
    return token.scope == Scope.PANIC and may(token.user, SWITCH)


def bearer(header: str) -> str:
    """The token in an Authorization header; nothing where it holds none."""
    scheme, _, text = header.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
