"""The ledger's page: who may see it, what it says of a day, and where its links lead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from signals_app.ledger_page import page_of
from signals_app.models import SignalLog
from tests.builders import a_log_entry, a_signal_log, a_strategy, an_account
from tests.people import a_person
from tests.signals_app.test_balance import DAY, SOURCE, TEN, a_log, a_mixed_hour, counted

pytestmark = pytest.mark.django_db
PAGE = "/signals/ledger/"
HOSTILE = '<script>alert("pwned")</script>'


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(a_person("viewer"))
    return client


@pytest.fixture
def owner() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    return client


def text_of(client: Client, query: str = "?day=2026-03-01") -> str:
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def shown(source: str = "") -> dict:
    return page_of(DAY.date(), source, datetime(2026, 3, 2, tzinfo=UTC))


def test_only_staff_sees_it_and_nobody_writes_to_it(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    client.force_login(User.objects.create_user("customer"))
    assert client.get(PAGE).status_code == 403
    client.force_login(a_person("viewer"))
    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE).status_code == 405


def test_a_day_without_signals_says_so(viewer: Client) -> None:
    assert "Nothing came in on this day." in text_of(viewer)


def test_an_hour_that_closes(viewer: Client) -> None:
    a_mixed_hour()
    counted(8)
    page = shown()
    (line,) = page["lines"]
    assert (line["hour"], line["received"], line["new"], line["duplicate"], line["ignored"]) == (
        "10:00",
        8,
        5,
        2,
        1,
    )
    assert (line["dispatched"], line["skipped"], line["waiting"]) == (2, 2, 1)
    assert (line["closes"], line["tone"], line["door"]) == ("closes", "", "as counted at the door")
    text = text_of(viewer)
    assert "The ledger closes in every line." in text
    assert "cooldown 1, market 1" in text


def test_each_account_has_a_line_of_what_was_done_there(viewer: Client) -> None:
    main = an_account(name="main")
    strategy = a_strategy(main)
    a_log_entry(a_log(), strategy)
    failed = a_log()
    a_log_entry(failed, strategy)
    a_log_entry(failed, strategy, account=an_account(name="spare"), status="failed")
    assert [(row["name"], row["opened"], row["failed"], row["tone"]) for row in shown()["accounts"]] == [
        ("main", 2, 0, ""), ("spare", 0, 1, "bad"),
    ]  # fmt: skip
    assert "<td>spare</td>" in text_of(viewer)
    assert shown(source="nobody")["accounts"] == []


def test_a_line_that_does_not_close_says_so_in_words(viewer: Client) -> None:
    a_log()
    page = shown()
    assert page["lines"][0]["tone"] == "bad"
    text = text_of(viewer)
    assert f"The ledger does NOT close: 1 of 1 lines, {SOURCE} at 10:00." in text
    assert "does not close: nothing became of 1" in text
    assert 'data-tone="bad"' in text


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (None, "not counted at the door"),
        (1, "as counted at the door"),
        (3, "2 arrived and left no row"),
        (0, "1 more rows than the door told"),
    ],
)
def test_the_doors_own_count_stands_beside_our_rows(count: int | None, said: str) -> None:
    a_log_entry(a_log())
    if count is not None:
        counted(count)
    (line,) = shown()["lines"]
    assert line["door"].startswith(said)
    assert line["tone"] == ""


def test_it_is_filtered_by_source_and_day(viewer: Client) -> None:
    a_log_entry(a_log())
    a_log_entry(a_log(source="stream"))
    assert [line["source"] for line in shown("stream")["lines"]] == ["stream"]
    text = text_of(viewer, "?day=2026-03-01&source=stream")
    assert "<option selected>stream</option>" in text
    assert f"<option>{SOURCE}</option>" in text
    assert "Nothing came in on this day." in text_of(viewer, "?day=2026-02-28&source=stream")
    assert "/signals/ledger/?day=2026-02-28" in text


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "9999-12-31", "0001-01-01", "%00", "2026-W01-1x"])
def test_what_is_no_day_is_answered_with_today(viewer: Client, day: str) -> None:
    text = text_of(viewer, f"?day={day}")
    assert "This is today." in text
    assert f'value="{timezone.now():%Y-%m-%d}"' in text


def test_what_a_sender_or_a_visitor_wrote_is_shown_as_text(viewer: Client) -> None:
    a_log_entry(a_log(source=HOSTILE))
    for query in (
        "?day=2026-03-01",
        f"?day=2026-03-01&source={HOSTILE}",
        f"?day={HOSTILE}",
        "?source=%00%ff",
    ):
        assert HOSTILE not in viewer.get(PAGE + query).content.decode()


def test_links_lead_to_the_signals_that_were_counted(owner: Client) -> None:
    a_mixed_hour()
    a_log_entry(a_log(TEN - timedelta(days=1)), status="skipped", reason_code="cooldown")
    by_code = {row["code"]: row for row in shown(SOURCE)["reasons"]}
    assert (by_code["cooldown"]["entries"], by_code["stale"]["signals"]) == (2, 1)
    for code, signals in (("cooldown", 2), ("market", 1), ("stale", 1)):
        address = by_code[code]["address"]
        assert parse_qs(urlsplit(address).query)["source"] == [SOURCE]
        answer = owner.get(address)
        assert answer.status_code == 200
        assert len(answer.context["rows"]) == signals, code
    of_the_line = owner.get(shown()["lines"][0]["address"])
    assert len(of_the_line.context["rows"]) == SignalLog.objects.filter(received_at__gte=DAY).count()


def test_the_number_of_questions_does_not_grow_with_the_rows() -> None:
    def questions() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            shown()
        return len(asked)

    a_mixed_hour()
    few = questions()
    for number in range(5):
        a_log_entry(a_log(source=f"webhook:{number}"))
        a_log_entry(a_signal_log(received_at=DAY + timedelta(hours=number)))
    assert questions() == few <= 9
