"""A sample of the campaign against real processes; `make faults PROCESSES=50` runs more of it."""

from __future__ import annotations

import pytest

from exchanges import session
from positions.models import Order
from tests.campaign.process_checks import Baseline, contradictions
from tests.campaign.process_story import tell
from tests.integration.stack import Stack, Trader
from tests.ops.waiting import until


@pytest.fixture
def at_the_paper(stack: Stack, settings):
    """What this process asks the exchange itself goes to the stack's."""
    settings.PAPER_EXCHANGE_URL = stack.paper.url
    yield
    session.close_all()


@pytest.mark.timeout(300)
def test_faults_and_kills_leave_the_books_right(complete: Stack, at_the_paper: None) -> None:
    story = tell(complete, 1, acts=10)
    assert story.violations == []
    assert sum(times for what, times in story.counts.items() if what.startswith("SIGKILL")) > 0


@pytest.mark.soak
def test_the_campaign_sees_what_it_looks_for(trader: Trader, beat: None, at_the_paper: None) -> None:
    baseline = Baseline.of(trader)
    position = trader.open()
    until(lambda: contradictions(trader, baseline, baseline.began_at) == [], "peace")
    Order.objects.filter(position=position, purpose="entry").update(client_order_id="another-name")
    [found] = contradictions(trader, baseline, baseline.began_at)
    assert found == f"tb-{position.token}-e1 has no row"
