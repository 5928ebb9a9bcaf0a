"""All candidates for the stop, and the one that counts: the most protective, never loosened. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from trailing.engine import Close, Hold, TrailingParams, TrailingPhase, TrailingState


def start(params: TrailingParams) -> TrailingState:
    """The state right after the entry filled: only the fixed stop stands."""
    return replace(TrailingState().moved_to(TrailingPhase.WAITING), stop_price=fixed_stop(params))


def fixed_stop(params: TrailingParams) -> Decimal:
    return params.away_from_market(params.offset(params.entry_price, -params.stop_loss_percent))


def advance(params: TrailingParams, state: TrailingState, mark_price: Decimal) -> Hold | Close:
    """One price. A stop that is crossed fires before this price could move it."""
    if not (mark_price.is_finite() and mark_price > 0):
        raise ValueError("a mark price is a positive number")
    if state.phase is TrailingPhase.TRIGGERED:
        return Hold(state)
    if state.stop_price is not None and is_crossed(params, state.stop_price, mark_price):
        fired = state.moved_to(TrailingPhase.TRIGGERED)
        return Close(fired, was_trailing=state.phase is TrailingPhase.ACTIVE)
    return Hold(_protected(params, _marked(params, state, mark_price)))


def is_crossed(params: TrailingParams, stop_price: Decimal, mark_price: Decimal) -> bool:
    return not params.is_better(mark_price, stop_price)


def _marked(params: TrailingParams, state: TrailingState, mark_price: Decimal) -> TrailingState:
    if state.phase is TrailingPhase.ACTIVE:
        best = state.high_water_mark
        if best is not None and not params.is_better(mark_price, best):
            return state
        return replace(state, high_water_mark=mark_price)
    if params.is_better(params.activation_price, mark_price):
        return state
    return replace(state.moved_to(TrailingPhase.ACTIVE), high_water_mark=mark_price)


def _protected(params: TrailingParams, state: TrailingState) -> TrailingState:
    return replace(state, stop_price=effective_stop(params, state))


def effective_stop(params: TrailingParams, state: TrailingState) -> Decimal:
    best, *others = candidates(params, state)
    for candidate in others:
        best = candidate if params.is_better(candidate, best) else best
    return best


def candidates(params: TrailingParams, state: TrailingState) -> Iterator[Decimal]:
    yield fixed_stop(params)
    if state.stop_price is not None:
        yield state.stop_price  # what stands is never loosened
    if state.high_water_mark is not None:
        yield params.away_from_market(params.offset(state.high_water_mark, -params.callback_rate))
