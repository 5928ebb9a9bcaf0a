"""Which of the requests in the paper exchange's log were orders that it took."""

from __future__ import annotations

from typing import Any

import pytest

from ops.report.evidence import accepted


def line(path: str, **told: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": path,
        "at": 1.0,
        "signature": "valid",
        "status": 200,
        "code": None,
    } | told


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/fapi/v1/order", "newClientOrderId"),
        ("/fapi/v1/algoOrder", "clientAlgoId"),
        ("/v5/order/create", "orderLinkId"),
    ],
)
def test_an_order_is_known_by_our_id_on_each_venue(path: str, ours: str) -> None:
    [sent] = accepted([line(path, params={ours: "tb-1-e1"})])
    assert (sent.client_order_id, sent.has_valid_signature) == ("tb-1-e1", True)


@pytest.mark.parametrize(
    "other",
    [
        line("/v5/order/create", params={"orderLinkId": "tb-1-e1"}, code=110007),
        line("/fapi/v1/order", params={"newClientOrderId": "tb-1-e1"}, status=400, code=-2019),
        line("/fapi/v1/order", params={"newClientOrderId": "tb-1-e1"}, method="DELETE"),
        line("/v5/order/create", params={"orderLinkId": "tb-1-e1"}, fault="too_many"),
        line("/v5/order/cancel", params={"orderLinkId": "tb-1-e1"}),
    ],
)
def test_what_was_refused_or_is_no_order_is_none(other: dict[str, Any]) -> None:
    assert accepted([other]) == []
