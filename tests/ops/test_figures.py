"""What a report says of one run, in times."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from ops.report.figures import fill_to_stop
from tests.builders import a_fill, a_position, an_order


def test_the_time_to_a_stop_runs_from_the_first_execution_to_the_first_answer(db: None) -> None:
    began = timezone.now() - timedelta(minutes=1)
    position = a_position(opened_at=began)
    entry = an_order(position=position, purpose="entry")
    for late in (5, 0):
        a_fill(order=entry, executed_at=began + timedelta(milliseconds=late))
    for number, late in enumerate((90, 40), 1):
        answered = began + timedelta(milliseconds=late)
        an_order(
            position=position, purpose="protect", generation=number, answered_at=answered, stood_at=answered
        )
    assert fill_to_stop(began) == {position.pk: 40.0}


def test_a_stop_that_was_refused_is_no_answer(db: None) -> None:
    began = timezone.now()
    position = a_position(opened_at=began)
    a_fill(order=an_order(position=position, purpose="entry"), executed_at=began)
    an_order(
        position=position, purpose="protect", status="rejected", exchange_order_id="7", answered_at=began
    )
    assert fill_to_stop(began) == {}
