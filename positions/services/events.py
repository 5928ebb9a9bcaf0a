"""What the owner should be able to read later."""

from __future__ import annotations

import logging
from typing import Any

from positions.models import RiskEvent

logger = logging.getLogger(__name__)


def record(
    event_type: str,
    risk_level: str,
    *,
    account_id: int | None,
    position_id: int | None = None,
    **details: Any,
) -> None:
    logger.warning(
        "%s (%s) account=%s position=%s %s", event_type, risk_level, account_id, position_id, details
    )
    RiskEvent.objects.create(
        event_type=event_type,
        risk_level=risk_level,
        account_id=account_id,
        position_id=None if position_id is None else str(position_id),
        details={key: str(value) for key, value in details.items()},
    )
