"""What the kill switch says now. The row of all accounts and the account's own count together: the stricter decides,
and since both epochs only rise, their sum is the same only while neither has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Subquery
from django.db.models.functions import JSONObject

from exchanges.models import ExchangeAccount, GlobalState, TradingState
from exchanges.switch_models import Switched
from exchanges.trading_state import Cause, strictest

EVERYWHERE = 1  # the one row's key


@dataclass(frozen=True, slots=True)
class Switch:
    state: TradingState
    reason: str
    epoch: int
    is_everywhere: bool = False

    @property
    def refusal(self) -> str:
        """Why nothing may be opened; empty: it may."""
        if self.state is TradingState.ACTIVE:
            return ""
        who = "every account is" if self.is_everywhere else "the account is"
        return f"{who} {self.state}: {self.reason or 'no new positions'}"


def switch_of(account_id: int) -> Switch:
    """One question, so that its answer is of one moment."""
    everywhere = GlobalState.objects.filter(pk=EVERYWHERE).values(
        row=JSONObject(state="trading_state", reason="state_reason", epoch="epoch")
    )
    account = ExchangeAccount.objects.annotate(everywhere=Subquery(everywhere))
    state, reason, epoch, above = account.values_list(
        "trading_state", "state_reason", "epoch", "everywhere"
    ).get(pk=account_id)
    return _together(Switch(TradingState(state), reason, epoch), above)


def _together(own: Switch, above: dict[str, Any] | None) -> Switch:
    if above is None:
        return own
    epoch, state = own.epoch + above["epoch"], TradingState(above["state"])
    is_everywhere = state is not TradingState.ACTIVE and strictest(own.state, state) is state
    if is_everywhere:
        return Switch(state, above["reason"], epoch, is_everywhere=True)
    return Switch(own.state, own.reason, epoch)


def since_and_who(row: Switched) -> str:
    if row.state_since is None:
        return ""
    who = row.state_by or ("the exchange" if row.state_cause == Cause.VENUE else "our limits")
    return f"since {row.state_since:%Y-%m-%d %H:%M:%S} UTC, by {who}"
