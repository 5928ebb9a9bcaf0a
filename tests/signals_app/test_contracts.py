"""Every spelling of one contract is one; what only looks like it is another."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from signals_app.contracts import Contracts, contracts
from signals_app.models import SignalLog, TickerAlias
from signals_app.parsing import Signal, parse
from signals_app.registry import load
from signals_app.services.intake import receive_signal
from signals_app.shapes.signal import Details
from tests.builders import a_position, a_ticker, an_instrument
from tests.signals_app.test_intake import a_trader, arrival, frame

LISTINGS = [
    ("BTC/USDT:USDT", "BTCUSDT"),
    ("1000PEPE/USDT:USDT", "1000PEPEUSDT"),
    ("SHIB1000/USDT:USDT", "SHIB1000USDT"),
    ("DOGE/USDT:USDT", "DOGEUSDT"),
    ("BTC/USDC:USDC", "BTCPERP"),
    ("BTC/USDT:USDT-261225", "BTCUSDT_261225"),
    ("BTC/USD:BTC", "BTCUSD"),
]
KNOWN = contracts(LISTINGS, {"XBTUSDT": "BTCUSDT", "FLOKIUSDT": "1000FLOKIUSDT", "DOGEUSDT": "BTCUSDT"})
NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def named(symbol: str, known: Contracts = KNOWN) -> Signal:
    signal = parse(frame(symbol=symbol, bar_time=NOW.isoformat()), NOW)
    assert isinstance(signal, Signal), signal
    return known.named(signal)


@pytest.mark.parametrize(
    ("spelling", "contract"),
    [
        ("BINANCE:BTCUSDT.P", "BTCUSDT"), ("BTC/USDT:USDT", "BTCUSDT"), ("btcusdt", "BTCUSDT"),
        ("BTC-USDT", "BTCUSDT"), ("BTCUSDT_PERP", "BTCUSDT"), ("XBTUSDT", "BTCUSDT"), ("xbt/usdt", "BTCUSDT"),
        ("BTC/USDC:USDC", "BTCPERP"), ("BTCUSDC", "BTCPERP"), ("BTCPERP", "BTCPERP"),
        ("1000pepe/usdt", "1000PEPEUSDT"), ("FLOKIUSDT", "1000FLOKIUSDT"), ("NOSUCHUSDT", "NOSUCHUSDT"),
        ("DOGEUSDT", "DOGEUSDT"),
    ],
)  # fmt: skip
def test_spellings_and_aliases_of_a_contract(spelling: str, contract: str) -> None:
    """An alias takes no contract's own name away."""
    assert named(spelling).symbol == contract


@given(
    st.sampled_from(["{b}{q}", "{b}/{q}", "{b}-{q}", "{b}_{q}", "{b}/{q}:{q}", "{b}{q}.P", "{b}{q}_PERP",
                     "{b}{q}PERP", "{b}-{q}-SWAP", "BINANCE:{b}{q}.P", " bybit:{b}{q} "]),
    st.sampled_from([("BTC", "USDT"), ("1000PEPE", "USDT"), ("SHIB1000", "USDT"), ("XBT", "USDT"), ("BTC", "USDC")]),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_the_uid_is_the_same_for_every_spelling(form: str, pair: tuple[str, str], dice) -> None:
    text = form.format(b=pair[0], q=pair[1])
    spelling = "".join(dice.choice([letter.lower(), letter]) for letter in text)
    assert named(spelling).uid == named("".join(pair)).uid


@pytest.mark.parametrize(
    ("symbol", "listed"),
    [
        ("PEPEUSDT", "1000PEPEUSDT"), ("1000000PEPEUSDT", "1000PEPEUSDT"), ("1MPEPEUSDT", "1000PEPEUSDT"),
        ("SHIBUSDT", "SHIB1000USDT"), ("1000SHIBUSDT", "SHIB1000USDT"), ("1000BTCUSDT", "BTCUSDT"),
    ],
)  # fmt: skip
def test_a_multiple_is_another_contract_and_the_owner_is_told_how_to_allow_it(symbol, listed) -> None:
    objection = KNOWN.objection(symbol)
    assert objection.startswith(f"unknown ticker {symbol}; {listed} is listed, which is another contract")
    assert f"declare {symbol} as an alias of ticker {listed}" in objection


@pytest.mark.parametrize("symbol", ["BTCUSDT", "1000PEPEUSDT", "NOSUCHUSDT", "1000NOSUCHUSDT", "BTCPERP"])
def test_nothing_is_said_against_what_is_listed_or_like_nothing(symbol) -> None:
    assert KNOWN.objection(symbol) == ""
    assert Contracts().objection(symbol) == ""


def test_prices_of_one_unit_are_not_taken_for_those_of_a_thousand() -> None:
    said = Details(strength=Decimal(50), entry_price=Decimal("0.01"), stop_loss_price=Decimal("0.009"))
    floki = Signal("FLOKIUSDT", "open_long", NOW, NOW, None, said)
    assert KNOWN.named(floki).details == Details(strength=Decimal(50))
    xbt = Signal("XBTUSDT", "open_long", NOW, NOW, None, said)
    assert KNOWN.named(xbt).details == said


def test_a_declared_alias_trades_its_contract_and_is_one_signal_with_it(account) -> None:
    a_trader(account)
    TickerAlias.objects.create(ticker=a_ticker("BTCUSDT"), alias="XBTUSDT")
    tables = load()
    verdicts = [receive_signal(arrival(frame(symbol=name)), tables) for name in ("XBT/USDT", "BTCUSDT.P")]
    assert [verdict.status for verdict in verdicts] == ["new", "duplicate"]
    assert SignalLog.objects.get().symbol == "BTCUSDT"


def test_an_undeclared_multiple_is_refused_even_where_a_ticker_has_its_name(account) -> None:
    a_trader(account)
    an_instrument("1000PEPE")
    a_ticker("PEPEUSDT")
    verdict = receive_signal(arrival(frame(symbol="PEPEUSDT")), load())
    assert (verdict.status, verdict.reason_code, verdict.entries) == ("ignored", "unknown_ticker", ())
    assert "1000PEPEUSDT is listed" in SignalLog.objects.get().reason


@pytest.mark.django_db
def test_a_contract_of_its_own_cannot_become_an_alias() -> None:
    an_instrument("ETH")
    btc, _ = a_ticker("BTCUSDT"), a_ticker("SOLUSDT")
    for name in ("ETHUSDT", "SOLUSDT", "BTCUSDT"):
        with pytest.raises(ValidationError, match="is a contract of its own"):
            TickerAlias(ticker=btc, alias=name).full_clean()
    with pytest.raises(ValidationError):
        TickerAlias(ticker=btc, alias="xbt/usdt").full_clean()
    TickerAlias(ticker=btc, alias="XBTUSDT").full_clean()


def test_what_is_held_of_a_delisted_contract_can_be_closed_under_each_of_its_names(account) -> None:
    strategy = a_trader(account)
    gone = an_instrument("OLD", symbol="GONE/USDT:USDT", active=False)
    a_ticker("OLDUSDT")
    position = a_position(account=account, strategy=strategy, instrument=gone)
    verdict = receive_signal(arrival(frame("EXIT", symbol="gone/usdt")), load())
    assert [(entry.status, entry.position_id) for entry in verdict.entries] == [("closed", position.pk)]
