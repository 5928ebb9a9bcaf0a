"""Every row of a legacy table is decided once, and what is refused keeps nothing else out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import connection
from rich.progress import Progress

from ops.legacy.mapping.reading import NotYet, Rejection, Row, needed
from ops.legacy.outcomes import each_that_says_why, summary
from ops.legacy.services import batches
from ops.legacy.services.batches import (
    LegacyTable,
    Verdict,
    carry_over,
    imported,
    leave_behind,
    our_ids,
    sort_out,
)
from ops.models import LegacyRow
from positions.models import RiskEvent

pytestmark = pytest.mark.django_db
ALERTS = LegacyTable("tradingbot", "monitoring", "alerts")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)


@pytest.fixture(autouse=True)
def _legacy_table() -> None:
    sql("CREATE SCHEMA monitoring; CREATE TABLE monitoring.alerts (id bigint, name varchar(80))")


def sql(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def add(*names: str) -> None:
    for name in names:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO monitoring.alerts SELECT coalesce(max(id), 0) + 1, %s FROM monitoring.alerts",
                [name],
            )


def write(rows: Sequence[Row]) -> list[Verdict]:
    taken, verdicts = sort_out(rows, _name)
    for row, name in taken:
        event = RiskEvent.objects.create(event_type=name, risk_level="info")
        verdicts.append(imported(row, "risk_events", event.pk))
    return verdicts


def _name(row: Row) -> str:
    name = needed(row, "name")
    if name == "later":
        raise NotYet("not today")
    if name == "broken":
        raise Rejection("it is broken")
    return name


def run(write=write) -> None:
    carry_over(ALERTS, write, Progress(disable=True))


def names() -> list[str]:
    return list(RiskEvent.objects.order_by("pk").values_list("event_type", flat=True))


def test_each_row_becomes_one_of_ours_once_and_a_new_one_is_found_by_the_next_import() -> None:
    add("a", "b", "c", "d", "e")
    run()
    run()
    assert names() == ["a", "b", "c", "d", "e"]
    add("f")
    run()
    assert names() == ["a", "b", "c", "d", "e", "f"]
    assert our_ids(ALERTS, ["6"], "risk_events") == {"6": str(RiskEvent.objects.get(event_type="f").pk)}


def test_what_our_table_refuses_keeps_no_other_row_out() -> None:
    add("a", "x" * 60, "b", "c")
    run()
    assert names() == ["a", "b", "c"]
    (line,) = each_that_says_why()
    assert line.startswith("tradingbot monitoring.alerts 2 rejected: DataError: value too long")


def test_each_row_that_is_not_imported_says_why() -> None:
    add("a", "broken", "", "later")
    run()
    assert list(each_that_says_why()) == [
        "tradingbot monitoring.alerts 2 rejected: it is broken",
        "tradingbot monitoring.alerts 3 rejected: it has no name",
        "tradingbot monitoring.alerts 4 waiting: not today",
    ]
    assert list(summary()) == [
        "tradingbot monitoring.alerts: 1 imported",
        "tradingbot monitoring.alerts: 1 rejected: it has no name (such as 3)",
        "tradingbot monitoring.alerts: 1 rejected: it is broken (such as 2)",
        "tradingbot monitoring.alerts: 1 waiting: not today (such as 4)",
    ]


def test_a_row_that_waits_is_tried_again() -> None:
    add("later")
    run()
    sql("UPDATE monitoring.alerts SET name = 'now'")
    run()
    assert names() == ["now"]
    assert LegacyRow.objects.get().outcome == "imported"


def test_killed_between_two_batches_it_goes_on_behind_the_last() -> None:
    add("a", "b", "c", "d")

    def killed(rows: Sequence[Row]) -> list[Verdict]:
        if rows[0]["name"] == "c":
            raise KeyboardInterrupt
        return write(rows)

    with pytest.raises(KeyboardInterrupt):
        run(killed)
    assert names() == ["a", "b"]
    run()
    assert names() == ["a", "b", "c", "d"]


def test_a_row_that_gets_no_verdict_is_not_lost_silently() -> None:
    add("a")
    run(lambda rows: [])
    assert LegacyRow.objects.get().reason == "ValueError: not every row has its verdict"


def test_rows_without_a_number_are_told_apart_by_their_content() -> None:
    sql("ALTER TABLE monitoring.alerts DROP COLUMN id")
    sql("INSERT INTO monitoring.alerts VALUES ('a'), ('a'), ('b')")
    run()
    run()
    assert names() == ["a", "a", "b"]


def test_a_table_that_has_no_place_with_us_has_one_verdict_however_many_rows_it_has() -> None:
    add("a", "b", "c")
    leave_behind(ALERTS, "figures are reckoned anew")
    first = LegacyRow.objects.get()
    leave_behind(ALERTS, "figures are reckoned anew")
    assert LegacyRow.objects.get().decided_at == first.decided_at
    assert list(summary()) == [
        "tradingbot monitoring.alerts: skipped as a whole, 3 rows: figures are reckoned anew"
    ]
    add("d")
    leave_behind(ALERTS, "figures are reckoned anew")
    assert LegacyRow.objects.get().reason == "4 rows: figures are reckoned anew"


def test_a_table_that_is_not_there_is_no_news() -> None:
    sql("DROP TABLE monitoring.alerts")
    run()
    leave_behind(ALERTS, "figures are reckoned anew")
    assert not LegacyRow.objects.exists()
