"""A table as a file to download."""

from __future__ import annotations

from django.http import HttpResponse

from positions.reports.cells import csv_of
from positions.reports.tables import Table


def csv_answer(table: Table, name: str) -> HttpResponse:
    answer = HttpResponse(csv_of(*table), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
