from __future__ import annotations

import uuid

import pytest

from positions.signal_ids import signal_id_text

UUID = uuid.UUID("0190f1a6-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("websocket_test_123", "websocket_test_123"),
        (7, "7"),
        (0, "0"),
        (UUID, str(UUID)),
        (" padded ", "padded"),
        ("x" * 100, "x" * 100),
        (None, None),
        ("", None),
        ("  ", None),
        ("unknown", None),
        ("PENDING", None),
        ("null", None),
    ],
)
def test_text_of_any_id_and_nothing_for_none(given: object, stored: str | None) -> None:
    assert signal_id_text(given) == stored


@pytest.mark.parametrize("given", [True, 1.5, ["a"], {"a": 1}, "x" * 101, "a\x00b", "two\nlines"])
def test_other_shapes_are_refused(given: object) -> None:
    with pytest.raises(ValueError, match="signal id must be"):
        signal_id_text(given)
