from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from positions.lists.cursors import Cursor, read_cursor


@given(
    st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)),
    st.integers(1, 2**63 - 1) | st.uuids(),
)
def test_what_is_written_is_read_again(at: datetime, key: int | UUID) -> None:
    assert read_cursor(str(Cursor(at, key))) == Cursor(at, key)


@given(st.text())
def test_anything_else_is_no_place_and_no_error(text: str) -> None:
    found = read_cursor(text)
    assert found is None or isinstance(found, Cursor)


@pytest.mark.parametrize(
    "text",
    ["", ".", "1", "1.", ".1", "1.0", "1.-1", f"{10**40}.1", "1.9223372036854775808", f"x.{UUID(int=1)}"],
)
def test_these_are_none(text: str) -> None:
    assert read_cursor(text) is None
