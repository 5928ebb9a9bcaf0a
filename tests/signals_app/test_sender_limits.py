"""How many, from where, and signed by whom: decided by pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.buckets import Rate, full, seconds_until_next, take
from signals_app.limits import WRONG_TOKENS, WRONG_TOKENS_OF_ALL, Buckets, Strangers
from signals_app.networks import NotANetwork, client_address, is_inside, read_networks
from signals_app.signatures import SignatureFault, digest, sign, signature_fault

TEN_AT_ONCE = Rate(per_minute=60, burst=10)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
WINDOW = timedelta(minutes=5)
KEY, BODY = "a key that both of them know", b'{"symbol": "BTCUSDT"}'
SIGNED = sign(KEY, STAMP, BODY)


def test_a_burst_passes_and_then_one_a_second() -> None:
    bucket, passing = take(full(TEN_AT_ONCE, 0.0), TEN_AT_ONCE, 25, 0.0)
    assert passing == 10
    assert seconds_until_next(bucket, TEN_AT_ONCE) == 1.0
    bucket, passing = take(bucket, TEN_AT_ONCE, 25, 3.5)
    assert passing == 3
    assert seconds_until_next(bucket, TEN_AT_ONCE) == 0.5
    assert take(bucket, TEN_AT_ONCE, 25, 3600.0)[1] == 10, "a long pause saves up no more than one burst"


def test_no_limit_lets_all_pass() -> None:
    free = Rate(0, 1)
    assert take(full(free, 0.0), free, 10_000, 0.0)[1] == 10_000
    assert seconds_until_next(full(free, 0.0), free) == 0.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket, _ = take(full(TEN_AT_ONCE, 100.0), TEN_AT_ONCE, 10, 100.0)
    assert take(bucket, TEN_AT_ONCE, 1, 50.0)[1] == 0


@given(
    st.integers(1, 6000),
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 80), st.floats(0, 20)), max_size=40),
)
def test_never_more_than_a_burst_and_what_time_allows(per_minute, burst, arrivals) -> None:
    rate = Rate(per_minute, burst)
    bucket, at, passed = full(rate, 0.0), 0.0, 0
    for wanted, pause in arrivals:
        at += pause
        bucket, passing = take(bucket, rate, wanted, at)
        assert 0 <= passing <= wanted
        passed += passing
    assert passed <= burst + at * per_minute / 60 + 1e-6


def test_networks_are_read_as_written_or_refused() -> None:
    read = read_networks("203.0.113.7\n10.0.0.0/8, 2001:db8::/32")
    assert [str(network) for network in read] == ["203.0.113.7/32", "10.0.0.0/8", "2001:db8::/32"]
    assert read_networks(" \n") == ()
    for wrong in ("10.0.0.1/8", "all", "1.2.3.4/33", "http://1.2.3.4"):
        with pytest.raises(NotANetwork):
            read_networks(wrong)


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("2001:db8::5", True), ("::1", False),
        ("", False), ("unix", False),
    ],
)  # fmt: skip
def test_an_address_is_inside_or_not(address, is_in) -> None:
    assert is_inside(address, read_networks("10.0.0.0/8 2001:db8::/32")) is is_in


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),  # not behind a proxy of ours: its word is nobody's
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),  # the left part was written by the sender
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9:55001", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::5]:55001", "2001:db8::5"),
        ("10.0.0.1", "2001:db8::5", "2001:db8::5"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
    ],
)
def test_who_sent_it_is_told_by_proxies_we_trust_alone(peer, forwarded, found) -> None:
    assert client_address(peer, forwarded, read_networks("10.0.0.0/8")) == found


def fault(signature: str = SIGNED, stamp: str = STAMP, body: bytes = BODY, now: datetime = NOW) -> str | None:
    return signature_fault(KEY, signature, stamp, body, now, WINDOW)


def test_a_signature_of_this_body_and_moment_is_good() -> None:
    assert fault() is fault("sha256=" + SIGNED) is fault(SIGNED.upper()) is None
    assert digest(f" sha256={SIGNED.upper()} ") == SIGNED
    stamp = str(int(NOW.timestamp() * 1000))
    assert fault(sign(KEY, stamp, BODY), stamp) is None


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        ({"signature": ""}, SignatureFault.NO_SIGNATURE),
        ({"stamp": ""}, SignatureFault.NO_TIMESTAMP),
        ({"stamp": "yesterday"}, SignatureFault.NO_TIMESTAMP),
        ({"stamp": "9" * 12}, SignatureFault.NO_TIMESTAMP),
        ({"signature": "z" * 64}, SignatureFault.NOT_HEXADECIMAL),
        ({"signature": SIGNED[:-1]}, SignatureFault.NOT_HEXADECIMAL),
        ({"signature": SIGNED + "\n{}"}, SignatureFault.NOT_HEXADECIMAL),
        ({"body": BODY + b" "}, SignatureFault.OTHER_TEXT),
        ({"stamp": str(int(STAMP) + 1)}, SignatureFault.OTHER_TEXT),
        ({"signature": sign("another key", STAMP, BODY)}, SignatureFault.OTHER_TEXT),
        ({"now": NOW + timedelta(minutes=6)}, SignatureFault.TOO_OLD),
        ({"now": NOW - timedelta(minutes=6)}, SignatureFault.TOO_OLD),
    ],
    ids=str,
)
def test_any_other_signature_is_refused_with_its_reason(given_, found) -> None:
    assert fault(**given_) is found


def test_buckets_are_kept_by_name_and_the_oldest_go_first() -> None:
    now = [0.0]
    buckets = Buckets(kept=2, clock=lambda: now[0])
    one_each = Rate(per_minute=1, burst=1)
    assert [buckets.passing(name, one_each) for name in ("a", "a", "b")] == [1, 0, 1]
    assert buckets.seconds_until_next("a", one_each) == 60.0
    assert buckets.seconds_until_next("never seen", one_each) == 0.0
    assert buckets.passing("c", one_each) == 1
    assert buckets.passing("b", one_each) == 0, "was used later than a"
    assert buckets.passing("a", one_each) == 1, "was forgotten"
    assert buckets.passing("a", Rate(per_minute=1, burst=3), 5) == 3, "a new rate counts at once"


def test_a_flood_of_wrong_tokens_is_known_by_its_address() -> None:
    strangers = Strangers(clock=lambda: 0.0)
    seen = [strangers.is_flooding("203.0.113.9") for _ in range(40)]
    assert seen == [False] * WRONG_TOKENS.burst + [True] * (40 - WRONG_TOKENS.burst)
    assert not strangers.is_flooding("203.0.113.10")


def test_a_flood_of_wrong_tokens_from_many_addresses_is_one_flood() -> None:
    strangers = Strangers(clock=lambda: 0.0)
    seen = [strangers.is_flooding(f"2001:db8::{number:x}") for number in range(500)]
    assert seen.count(False) == WRONG_TOKENS_OF_ALL.burst


def test_nobody_signs_with_an_empty_key() -> None:
    now = datetime.now(UTC)
    stamp = str(int(now.timestamp()))
    fault = signature_fault("", sign("", stamp, b"{}"), stamp, b"{}", now, timedelta(minutes=5))
    assert fault is SignatureFault.NO_KEY
