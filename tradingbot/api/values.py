"""Numbers, names and texts of the contract. Amounts are texts: no float stands between two ends that deal in money."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from ninja import Header, Path
from pydantic import Field, PlainSerializer, StringConstraints


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"


Amount = Annotated[Decimal, PlainSerializer(_plain, return_type=str)]
GivenAmount = Annotated[Decimal, Field(gt=0, lt=10**15, max_digits=30, decimal_places=12, examples=["0.002"])]
Percent = Annotated[Decimal, Field(gt=0, le=100, max_digits=9, decimal_places=6, examples=["25"])]
# PostgreSQL keeps no NUL in a text
PLAIN = r"^[^\x00]*$"
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=PLAIN)]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=PLAIN)
]
NoteText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=PLAIN)
]
Name = Annotated[str, StringConstraints(max_length=60, pattern=r"^[A-Za-z0-9_./:-]+$")]
RowNumber = Annotated[int, Path(ge=1, lt=2**63)]
OrderNumber = Annotated[UUID, Path()]
Key = Annotated[
    UUID,
    Header(
        alias="Idempotency-Key",
        description="A UUID made anew for each wish. Sent again with the same one, nothing happens twice and the "
        "first answer comes back",
    ),
]
