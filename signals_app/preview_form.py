"""Which signal to try, and what it would do in words and money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms

from exchanges.models import KEYS, ExchangeAccount
from exchanges.types import PositionSide
from positions import formats
from signals_app.models import Strategy, Ticker
from signals_app.previewing import NotOpened, Preview, preview
from trailing.words import in_words

SIDES = [(side.value, side.value.upper()) for side in PositionSide]


class PreviewForm(forms.Form):
    account: Any = forms.ModelChoiceField(ExchangeAccount.objects.none(), empty_label=None)
    ticker: Any = forms.ModelChoiceField(Ticker.objects.none(), empty_label=None)
    side = forms.ChoiceField(choices=SIDES)

    def __init__(self, *args: Any, strategy: Strategy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.strategy = strategy
        accounts = ExchangeAccount.objects.filter(strategies__strategy=strategy)
        self.fields["account"].queryset = accounts.defer(*KEYS).order_by("name")  # type: ignore[attr-defined]
        tickers = Ticker.objects.all() if strategy.use_all_tickers else strategy.tickers.all()
        self.fields["ticker"].queryset = tickers.order_by("symbol")  # type: ignore[attr-defined]

    def preview(self) -> Preview | NotOpened:
        chosen = self.cleaned_data
        return preview(self.strategy, chosen["account"], chosen["ticker"], PositionSide(chosen["side"]))


@dataclass(frozen=True, slots=True)
class Sheet:
    verdict: str
    opens: bool
    rows: tuple[tuple[str, str], ...] = ()
    levels: tuple[tuple[str, ...], ...] = ()


def sheet_of(found: Preview | NotOpened) -> Sheet:
    if isinstance(found, NotOpened):
        return Sheet(f"Nothing would be opened: {found.reason}.", opens=False)
    first = "The opposite position would be closed first. Then it" if found.closes_first else "It"
    side = found.ready.entry.side.value.upper()
    verdict = f"{first} would open a {side} of {found.ready.instrument.symbol} at the market."
    return Sheet(verdict, True, tuple(_rows(found)), tuple(_levels(found)))


def _rows(found: Preview) -> Iterator[tuple[str, str]]:
    ready = found.ready
    step = ready.instrument.price_increment
    yield "Price now", formats.price(found.price, step)
    yield (
        "Size",
        f"{formats.quantity(ready.sized.quantity)} contracts, {formats.amount(ready.sized.notional)} USDT",
    )
    yield "Margin", f"{formats.amount(ready.sized.margin)} USDT at leverage {ready.strategy.leverage}"
    away = formats.percent_change((ready.stop - ready.entry.price) / ready.entry.price * 100)
    yield "First stop", f"{formats.price(ready.stop, step)} ({away})"
    yield "Lost at the stop", f"{formats.change(found.loss)} USDT, before fees and slippage"
    yield "Protection", in_words(ready.plan)


def _levels(found: Preview) -> Iterator[tuple[str, ...]]:
    step, total = found.ready.instrument.price_increment, Decimal(0)
    for one in found.ladder:
        total += one.profit
        rung = one.rung
        yield (
            str(rung.level), formats.price(rung.price, step), formats.quantity(rung.quantity),
            formats.change(one.profit), formats.change(total),
        )  # fmt: skip
