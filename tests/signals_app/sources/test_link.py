"""States, pauses and silence of a link, by arithmetic alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.sources.link import MOVES, Hearing, IllegalMove, LinkState, Patience, moved

LEGAL = {
    ("disconnected", "connecting"),
    ("connecting", "connected"), ("connecting", "reconnecting"), ("connecting", "disconnected"),
    ("connected", "authenticated"), ("connected", "reconnecting"), ("connected", "disconnected"),
    ("authenticated", "reconnecting"), ("authenticated", "disconnected"),
    ("reconnecting", "connecting"), ("reconnecting", "disconnected"),
}  # fmt: skip


@pytest.mark.parametrize("to", LinkState)
@pytest.mark.parametrize("state", LinkState)
def test_every_pair_of_states_is_a_move_or_raises(state: LinkState, to: LinkState) -> None:
    assert set(MOVES) == set(LinkState)
    if (state, to) in LEGAL:
        assert moved(state, to) is to
    else:
        with pytest.raises(IllegalMove, match=f"{state} cannot become {to}"):
            moved(state, to)


def test_pauses_double_up_to_thirty_seconds() -> None:
    pauses = [Patience(first_pause=5).pause(failures, dice=0) for failures in range(1, 7)]
    assert pauses == [5, 10, 20, 30, 30, 30]
    assert Patience(first_pause=1).pause(100_000, dice=0) == 30


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_dice_take_at_most_three_tenths_off(failures: int, dice: float) -> None:
    whole = Patience().pause(failures, 0)
    assert 0.7 * whole - 1e-9 <= Patience().pause(failures, dice) <= whole


def test_the_default_never_gives_up_and_a_limit_does() -> None:
    assert not Patience().gives_up(10**6)
    limited = Patience(max_attempts=3)
    assert [limited.gives_up(failures) for failures in (0, 3, 4)] == [False, False, True]


def test_the_first_message_has_sixty_seconds_and_later_ones_fifteen_minutes() -> None:
    patience, fresh = Patience(), Hearing(signed_in_at=1000)
    assert [fresh.is_deaf(now, patience) for now in (1060, 1060.1)] == [False, True]
    heard = Hearing(signed_in_at=1000, heard_at=1050)
    assert [heard.is_deaf(now, patience) for now in (1950, 1950.1)] == [False, True]


def test_a_quiet_server_is_asked_at_half_time() -> None:
    heard = Hearing(signed_in_at=0, heard_at=100)
    assert [heard.should_ask(now, Patience()) for now in (550, 550.1)] == [False, True]
    assert not Hearing(signed_in_at=0).should_ask(10_000, Patience())
