"""What a stranger wrote never becomes a formula, and numbers stay numbers."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from positions.reports.cells import FORMULA_STARTS, as_written, csv_of, text_of


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =HYPERLINK(1)", "=cmd|' /C calc'!A0"]
)
def test_text_that_would_be_a_formula_is_told_as_text(text: str) -> None:
    assert text_of(text) == f"'{text}"


def test_numbers_and_times_are_what_they_are() -> None:
    assert text_of(D("-12.40")) == "-12.40"
    assert text_of(D("1E-8")) == "0.00000001"
    assert text_of(None) == ""
    assert text_of(7) == "7"
    east = timezone(timedelta(hours=2))
    assert text_of(datetime(2026, 3, 1, 1, tzinfo=east)) == "2026-02-28T23:00:00+00:00"
    assert text_of(timedelta(minutes=2)) == "120"


@pytest.mark.parametrize("text", ["=1+1", "  -x", "plain", "'quoted", "", "-1.5"])
def test_a_file_that_is_read_again_says_what_was_written(text: str) -> None:
    assert as_written(text_of(text)) == text


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=3))
def test_no_text_cell_of_any_file_begins_a_formula(cells: list[str]) -> None:
    (_, row) = list(csv.reader(io.StringIO(csv_of(["head"], [cells]), newline="")))[:2] or ([], [])
    assert len(row) == len(cells) or cells == [""]
    assert not [cell for cell in row if cell.startswith(FORMULA_STARTS)]
