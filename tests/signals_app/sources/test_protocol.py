"""Frames of the legacy server, and whatever else a socket may bring."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.sources import protocol as p


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"type": "auth_required"}, p.AuthRequired()),
        ({"type": "auth_success", "query_interval": 30, "signal_window": 60}, p.AuthSuccess(30, 60)),
        ({"type": "auth_success", "query_interval": "often"}, p.AuthSuccess(None, None)),
        ({"type": "auth_failed", "message": "who are you"}, p.AuthFailed("who are you")),
        ({"type": "auth_failed"}, p.AuthFailed("")),
        ({"type": "signals", "count": 1, "data": [{"id": 1}]}, p.Snapshot(({"id": 1},))),
        ({"type": "signals", "count": 0, "data": []}, p.Snapshot(())),
        ({"type": "signals", "count": 5, "data": [{"id": 1}, 7]}, p.Snapshot(({"id": 1}, {"not_an_object": 7}))),
        ({"type": "signals", "data": {}}, p.Unknown("signals without a list of them")),
        ({"type": "pong"}, p.Pong()),
        ({"type": "stats", "n": 3}, p.Stats({"type": "stats", "n": 3})),
        ({"type": "error", "message": "a\nb"}, p.ServerError("a b")),
        ({"type": "hello"}, p.Unknown("a message of type 'hello'")),
        ({"type": ["auth_success"]}, p.Unknown("a message of type \"['auth_success']\"")),
        ({}, p.Unknown("a message of type ''")),
        ([], p.Unknown("a frame that is no object but list")),
    ],
)  # fmt: skip
def test_what_each_message_says(message: object, said: p.Said) -> None:
    assert p.read(json.dumps(message)) == said
    assert p.read(json.dumps(message).encode()) == said


@pytest.mark.parametrize("frame", ["", "{", b"\xff\xfe\x00", "[" * 100_000])
def test_what_cannot_be_read_is_dropped_not_raised(frame: str | bytes) -> None:
    assert isinstance(p.read(frame), p.Unknown)


def test_a_field_that_is_given_twice_makes_a_record_that_nothing_reads() -> None:
    said = p.read('{"type": "signals", "data": [{"id": 1, "id": 2}]}')
    assert said == p.Snapshot(({"a field is given twice": [("id", 1), ("id", 2)]},))
    assert p.read('{"type": "pong", "type": "pong"}') == p.Unknown("a message of type ''")


def test_a_number_without_end_spoils_no_other_record() -> None:
    digits = "9" * 5000
    said = p.read(f'{{"type": "signals", "data": [{{"id": 1}}, {{"id": {digits}}}]}}')
    assert said == p.Snapshot(({"id": 1}, {"id": digits}))


def test_nor_does_one_without_bottom() -> None:
    deep = "[" * 300 + "]" * 300
    said = p.read(f'{{"type": "signals", "data": [{{"id": 1}}, {{"id": 2, "note": {deep}}}, 3]}}')
    assert said == p.Snapshot(({"id": 1}, {"nested_too_deeply": True}, {"not_an_object": 3}))


@given(st.text() | st.binary())
def test_no_frame_raises(frame: str | bytes) -> None:
    p.read(frame)


def test_a_token_of_any_text_survives_the_frame() -> None:
    assert json.loads(p.auth('quo"te\\')) == {"type": "auth", "token": 'quo"te\\'}
