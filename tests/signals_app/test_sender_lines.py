"""Connections of one sender hand on in turns, and no new one before what older ones still had."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from signals_app.sender_lines import Lines, Place

pytestmark = pytest.mark.asyncio


async def everyone_else() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def hand_on(place: Place, name: str, done: list[str]) -> None:
    async with place.turn():
        done.append(name)


async def test_a_new_one_waits_until_an_older_one_has_nothing_left_or_is_gone() -> None:
    lines, done = Lines(), list[str]()
    with ExitStack() as held, lines.joined("charts") as idle, lines.joined("charts") as new:
        idle.has_nothing_left()
        held.enter_context(lines.joined("other"))
        task = asyncio.create_task(hand_on(new, "new", done))
        await everyone_else()
        assert done == ["new"]
        with lines.joined("charts") as newest:
            task = asyncio.create_task(hand_on(newest, "newest", done))
            await everyone_else()
            assert done == ["new"], "the new one had frames"
            new.has_nothing_left()
            new.has_more()
            await task
        await hand_on(idle, "idle", done)
    assert done == ["new", "newest", "idle"]


async def test_one_that_is_gone_holds_up_nobody() -> None:
    lines, done = Lines(), list[str]()
    with lines.joined("charts"):
        held = ExitStack()
        new = held.enter_context(lines.joined("charts"))
        task = asyncio.create_task(hand_on(new, "new", done))
        await everyone_else()
        assert done == []
    await task
    held.close()
    assert len(lines) == 0, "nothing is kept of senders that are gone"


async def test_two_that_live_take_turns() -> None:
    lines, done = Lines(), list[str]()
    with lines.joined("charts") as one, lines.joined("charts") as other, lines.joined("phone") as phone:
        one.has_nothing_left()
        async with one.turn():
            task = asyncio.create_task(hand_on(other, "other", done))
            await hand_on(phone, "phone", done)
            await everyone_else()
            assert done == ["phone"]
        await task
    assert (done, len(lines)) == (["phone", "other"], 0)
