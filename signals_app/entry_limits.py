"""Columns of a strategy: when it does not open although a signal says so."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from exchanges.choices import choices
from signals_app.market_filters import WhenUnknown


def seconds(**kwargs: Any) -> models.PositiveIntegerField:  # type: ignore[type-arg]
    return models.PositiveIntegerField(default=0, validators=[MaxValueValidator(7 * 86_400)], **kwargs)


def limit(**kwargs: Any) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(null=True, blank=True, validators=[MinValueValidator(0)], **kwargs)


def when_unknown() -> models.CharField:  # type: ignore[type-arg]
    return models.CharField(
        max_length=6,
        choices=choices(WhenUnknown),
        default=WhenUnknown.REFUSE,
        help_text="Where the exchange does not tell it",
    )


class EntryLimits(models.Model):
    """Empty or 0: off."""

    cooldown_after_close = seconds(help_text="Seconds without an entry after a close of the same contract")
    cooldown_after_loss = seconds(help_text="Seconds without any entry after a close at a loss")
    cooldown_between_entries = seconds(help_text="Seconds between two entries of the strategy")
    min_open_interest = limit(max_digits=20, decimal_places=2, help_text="USDT: no entry below it")
    open_interest_unknown = when_unknown()
    min_hour_volume = limit(max_digits=20, decimal_places=2, help_text="USDT traded in the last hour")
    hour_volume_unknown = when_unknown()
    max_move_percent = limit(
        max_digits=7, decimal_places=4,
        help_text="4: no long after +4 % in five minutes, no short after -4 %, so as not to run after the price",
    )  # fmt: skip
    move_unknown = when_unknown()
    max_spread_percent = limit(max_digits=7, decimal_places=4, help_text="Between best bid and best ask")
    spread_unknown = when_unknown()
    max_slippage_percent = limit(
        max_digits=7, decimal_places=4,
        help_text="How much worse the mark may be than the signal's price, and the book's best than the mark: 0.2, say",
    )  # fmt: skip
    slippage_unknown = when_unknown()
    max_signal_age = seconds(help_text="Seconds from when it was sent; the sender's own limit counts besides")
    min_confidence = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=40,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Of 100: the strength a signal says, else the lower of its scores. 0: any",
    )
    confidence_unknown = models.CharField(
        max_length=6,
        choices=choices(WhenUnknown),
        default=WhenUnknown.PASS,
        help_text="Where the signal says neither strength nor score",
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return "entry limits"
