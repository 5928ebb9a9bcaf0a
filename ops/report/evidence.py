"""What the exchange itself says: asked through the same client as trading, and read from the paper exchange's log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.request import urlopen

from django.conf import settings

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.models import ExchangeAccount
from exchanges.types import BalanceReport, OrderReport, PositionReport

# by the name that our id has there; Bybit answers with 200 and a code where it refuses
ORDER_PATHS = {
    "/fapi/v1/order": "newClientOrderId",
    "/fapi/v1/algoOrder": "clientAlgoId",
    "/v5/order/create": "orderLinkId",
}


@dataclass(frozen=True, slots=True)
class AccountEvidence:
    account: ExchangeAccount
    balance: BalanceReport
    positions: tuple[PositionReport, ...]
    open_orders: tuple[OrderReport, ...]


@dataclass(frozen=True, slots=True)
class SentOrder:
    """One accepted order request in the paper exchange's log."""

    client_order_id: str
    at: float
    has_valid_signature: bool


def ask_accounts() -> list[AccountEvidence]:
    return [_ask(account) for account in ExchangeAccount.objects.order_by("pk")]


def _ask(account: ExchangeAccount) -> AccountEvidence:
    async def questions(client: ExchangeClient) -> AccountEvidence:
        positions, orders = await client.positions(), await client.open_orders()
        return AccountEvidence(account, await client.balance(), tuple(positions), tuple(orders))

    return session.call(account, questions)


def wallets() -> dict[str, Decimal]:
    return {str(e.account.pk): e.balance.wallet_balance for e in ask_accounts()}


def sent_orders() -> list[SentOrder]:
    """Order requests that the paper exchange accepted, oldest first."""
    return accepted(_request_log())


def accepted(log: Iterable[dict[str, Any]]) -> list[SentOrder]:
    return [
        SentOrder(_client_id(line), float(line["at"]), line["signature"] == "valid")
        for line in log
        if line["method"] == "POST"
        and line["path"] in ORDER_PATHS
        and (line["status"], line["code"]) == (200, None)
        and "fault" not in line
    ]


def _client_id(line: dict[str, Any]) -> str:
    return str(line["params"].get(ORDER_PATHS[line["path"]], ""))


def _request_log() -> list[dict[str, Any]]:
    with urlopen(f"{settings.PAPER_EXCHANGE_URL}/paper/requests?since=0", timeout=10) as answer:  # noqa: S310
        lines: list[dict[str, Any]] = json.load(answer)["requests"]
    return lines
