"""What the exchange answered, and what the whole system then did: rows, account, owner, next attempt, and the end.

The real sender and the real ccxt client, over a socket, against the paper exchange whose answer is replaced by the
one of the story.
"""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from exchanges.models import ExchangeAccount
from positions.services.opening import Opened, open_position
from positions.sizing import Skip
from tests.exchanges.error_stories import ANSWERS, PAGE, STORIES, Story, page
from tests.exchanges.floor import Floor, seen, the_end
from tests.sampling import sample


@pytest.mark.parametrize(
    ("floor", "story"),
    sample([(story.venue, story) for story in STORIES], 6, ids=[story.name for story in STORIES]),
    indirect=["floor"],
)
def test_the_story(floor: Floor, story: Story) -> None:
    order = floor.order_for(story.asked)
    floor.act(story.asked, order, story.trouble)
    assert seen(order) == story.at_once
    if order.status in ("rejected", "initialized"):
        assert order.reason.startswith(_number_in(story)), "the row keeps the exchange's own number"
    if story.trouble["kind"] == "delay_before":
        floor.arrives_late(order)
    floor.minutes_of_sweeps()
    assert the_end(floor, story.asked, order.position) == story.end


def test_short_of_money_no_further_signal_opens_for_a_minute(floor: Floor) -> None:
    refusal = next(story for story in STORIES if story.name == "b-2019 to entry")
    floor.act("entry", floor.order_for("entry"), refusal.trouble)
    skipped = open_position(floor.propose("ETHUSDT"))
    assert isinstance(skipped, Skip)
    assert "Margin is insufficient" in skipped.reason
    ExchangeAccount.objects.update(entries_paused_until=timezone.now())
    assert isinstance(open_position(floor.propose("ETHUSDT")), Opened)


def _number_in(story: Story) -> str:
    found = re.search(r"-\d+|\b\d{5,6}\b", story.said)
    return found.group() if found else ""


def test_every_sampled_answer_has_a_story() -> None:
    assert {story.name.split(" to ")[0] for story in STORIES} >= set(ANSWERS)


def test_the_page_is_the_stories() -> None:
    assert PAGE.read_text() == page()
