"""What may be kept of a text or of details."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.redaction import HIDDEN, redacted, redacted_text, without_secrets

KEY = "s3cr3tk3y"


@pytest.mark.parametrize(
    "text",
    [
        f'{{"token": "{KEY}", "symbol": "BTCUSDT"}}',
        f"{{'password': '{KEY}'}}",
        f"api_key={KEY}&symbol=BTCUSDT",
        f"could not reach postgresql://owner:{KEY}@db/bot",
        f"Authorization: Bearer {KEY}",
        f"sent with bearer {KEY}",
        f"signature={KEY}",
        "listen key " + "ab12" * 16,
        "x" * 50 + "y_-z" * 5,
    ],
)
def test_secrets_do_not_stay_in_texts(text: str) -> None:
    kept = redacted_text(text)
    assert KEY not in kept
    assert "ab12ab12" not in kept
    assert "xxxxxxxx" not in kept


@pytest.mark.parametrize(
    "text",
    [
        f"{{'token': '{KEY}', 'a': 1}}",
        f"{{'token': b'{KEY}', 'a': 1}}",
        f'{{"access_token":"{KEY}","a": 1}}',
        f'{{"webhook_secret" : "{KEY}", "a": 1}}',
        f'{{"\\u0074ok\\u0065n": "{KEY}", "a": 1}}',
        f'{{"token": "half\\" {KEY}", "a": 1}}',
        f'{{"token": ["half]", ["{KEY}"], {{"x": "{KEY}"}}], "a": 1}}',
        f'{{"Api-Key": {{"key": "{KEY}"}}, "a": 1}}',
        f'{{"passwd": {KEY}, "a": 1}}',
        f'{{"body": "{{\\"token\\": \\"{KEY}\\"}}", "a": 1}}',
        f"a line\\ntoken={KEY}&a=1",
        f"token => {KEY}, a",
        f"a {{'password': '{KEY}",
        f'a "secret": [1, "{KEY}',
    ],
)
def test_a_secret_is_hidden_however_it_is_written(text: str) -> None:
    kept = without_secrets(text)
    assert KEY not in kept
    assert HIDDEN in kept
    assert "a" in kept.replace("pa", "")


def test_a_number_can_be_a_secret() -> None:
    assert without_secrets('{"token": 12345678, "price": 5}') == '{"token": …, "price": 5}'


def test_what_stands_beside_a_secret_stays() -> None:
    text = '{"details": {"token": "x"}, "ids": [1], "token": null}, {"token":}, token=&a=1'
    assert without_secrets(text) == (
        '{"details": {"token": "…"}, "ids": [1], "token": …}, {"token":}, token=&a=1'
    )


@pytest.mark.parametrize(
    "piece",
    ["token", "a", "ab ", "-", "_", " ", "\\", "\\u0074", '"', "'", '\\"', "[", "{", "=", ":", "token=", "token:[",
     "token: ", "bearer ", "://", "a://", "a@", "token='", 'token=\\"', "token " * 3, "a" * 39 + " "],
)  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    """Ten times as long as what is looked at anywhere: what is quadratic takes minutes."""
    began = time.process_time()
    without_secrets((piece * 40_000)[:40_000])
    redacted_text(piece * 4000)
    assert time.process_time() - began < 2


def test_what_is_no_secret_stays() -> None:
    text = "strategy 5 of BTCUSDT: order tb-0f3a-e1 refused, 3 of 5"
    assert redacted_text(text) == text


def test_details_become_json_without_secrets() -> None:
    details = {
        "account": {"api_secret": KEY, "name": "paper"},
        "token": [KEY],
        "price": Decimal("1.50"),
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "error": ValueError(f"token={KEY}"),
        "nan": float("nan"),
        "huge": 10**5000,
        "count": 3,
    }
    kept = redacted(details)
    assert KEY not in json.dumps(kept, allow_nan=False)
    assert (kept["account"]["name"], kept["price"], kept["count"]) == ("paper", "1.50", 3)


def test_an_object_that_cannot_be_said_is_named() -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    assert redacted({"what": Mute()}) == {"what": "a Mute that cannot be said"}


def test_what_is_huge_or_endless_is_cut() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert len(redacted_text("word " * 10_000)) == 2000
    assert "…" in json.dumps(redacted(endless), ensure_ascii=False)
    assert len(redacted(dict.fromkeys(range(1000)))) == 100


@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.binary(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_any_value_becomes_json_that_postgresql_takes(value: object) -> None:
    text = json.dumps(redacted(value), allow_nan=False, ensure_ascii=False)
    assert "\\u0000" not in text.replace("\\\\", "")
    text.encode("utf-8")
