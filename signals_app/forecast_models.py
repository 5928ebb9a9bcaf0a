"""Candles, models and what they said, as rows. Constraints, no behaviour."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db import models
from django.db.models import F, Q

from exchanges.choices import choices
from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import Timeframe

OF_PAPER = "Told by the paper exchange: no model of real candles is trained or judged by it"


class ForecastSource(StrEnum):
    MODEL = "model"
    FALLBACK = "fallback"  # simple rules, while no model can be asked


class ForecastDirection(StrEnum):
    LONG = "long"
    SHORT = "short"
    NEUTRAL = "neutral"


class ForecastProfile(StrEnum):
    """Names of the filters of signals_app.forecasts.choosing."""

    MODERATE = "moderate"
    CONSERVATIVE = "conservative"
    AGGRESSIVE = "aggressive"


class ModelState(StrEnum):
    KEPT = "kept"  # trained, and not better than what is in use, or than knowing nothing
    IN_USE = "in use"
    RETIRED = "retired"  # was in use before


def price() -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=30, decimal_places=12)


def share(**kwargs: object) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=9, decimal_places=8, **kwargs)  # type: ignore[arg-type]


def percent() -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=6, decimal_places=2)


def timeframe() -> models.CharField:  # type: ignore[type-arg]
    return models.CharField(max_length=3, choices=choices(Timeframe), default=Timeframe.QUARTER)


class ForecastFeed(models.Model):
    """What an account's candles are kept and forecast for. Nothing is sent as a signal unless it says so."""

    account = models.OneToOneField(ExchangeAccount, models.CASCADE, related_name="forecast_feed")
    enabled = models.BooleanField(
        default=True, help_text="Keep candles of all enabled tickers and forecast them"
    )
    timeframe = timeframe()
    days_kept = models.PositiveIntegerField(default=400, help_text="Older candles are removed")
    profile = models.CharField(
        max_length=12, choices=choices(ForecastProfile), default=ForecastProfile.MODERATE
    )
    sends_signals = models.BooleanField(
        default=False, help_text="Forecasts of a model in use that pass the profile become signals"
    )
    sends_fallback = models.BooleanField(
        default=False, help_text="Those of the simple rules too: they are not known to foresee anything"
    )
    long_phrase = models.CharField(max_length=200, default="FORECAST LONG")
    short_phrase = models.CharField(max_length=200, default="FORECAST SHORT")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "forecast_feeds"
        constraints = [
            models.CheckConstraint(condition=Q(days_kept__gte=3), name="feed_keeps_enough_candles"),
            models.CheckConstraint(
                condition=~Q(long_phrase="") & ~Q(short_phrase="") & ~Q(long_phrase=F("short_phrase")),
                name="feed_phrases_differ",
            ),
        ]

    def __str__(self) -> str:
        return f"forecasts of {self.account}"


class StoredCandle(models.Model):
    """One that is over; the newest ones are the memory that features are made of."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="+")
    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="+")
    timeframe = timeframe()
    of_paper = models.BooleanField(help_text=OF_PAPER)
    opened_at = models.DateTimeField()
    open = price()
    high = price()
    low = price()
    close = price()
    volume = price()

    class Meta:
        db_table = "market_candles"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "timeframe", "of_paper", "instrument", "opened_at"], name="candle_once"
            ),
            models.CheckConstraint(
                condition=Q(low__gt=0, volume__gte=0, low__lte=F("open"), high__gte=F("open"))
                & Q(low__lte=F("close"), high__gte=F("close")),
                name="candle_is_possible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.opened_at:%Y-%m-%d %H:%M}"


class CandleSpan(models.Model):
    """What the exchange was asked for and has answered: a candle that is missing in here does not exist."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="+")
    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="+")
    timeframe = timeframe()
    of_paper = models.BooleanField(help_text=OF_PAPER)
    since = models.DateTimeField(help_text="When its first candle opened")
    until = models.DateTimeField(help_text="When its last candle ended")

    class Meta:
        db_table = "market_candle_spans"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "timeframe", "of_paper", "instrument", "since"], name="candle_span_once"
            ),
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="candle_span_has_length"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M}"


class ForecastModel(models.Model):
    """A trained model: plain arrays, never a pickle. card: what is honestly known of it."""

    timeframe = timeframe()
    of_paper = models.BooleanField(help_text=OF_PAPER)
    state = models.CharField(max_length=8, choices=choices(ModelState), default=ModelState.KEPT)
    features_version = models.CharField(max_length=64)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    reference = models.BinaryField(default=bytes, help_text="What its features looked like, to see drift by")
    card = models.JSONField()
    is_worth_using = models.BooleanField(help_text="It beat those who know nothing, on candles it never saw")
    verdict = models.TextField(help_text="Why it is or is not worth using, in a sentence")
    trained_until = models.DateTimeField(help_text="End of the newest candle it has seen")
    trained_at = models.DateTimeField()
    put_in_use_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "forecast_models"
        ordering = ["-trained_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["timeframe", "of_paper"],
                condition=Q(state=ModelState.IN_USE),
                name="one_model_in_use",
            ),
            models.CheckConstraint(condition=Q(state__in=list(ModelState)), name="model_state_known"),
            models.CheckConstraint(
                condition=~Q(state=ModelState.IN_USE) | Q(put_in_use_at__isnull=False),
                name="model_in_use_since",
            ),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="model_has_its_hash"),
        ]

    def __str__(self) -> str:
        return f"model {self.pk} of {self.trained_at:%Y-%m-%d %H:%M}"


class ForecastRun(models.Model):
    """All contracts of one account at the end of one candle: whoever inserts the row makes them."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="+")
    timeframe = timeframe()
    of_paper = models.BooleanField(help_text=OF_PAPER)
    candle_at = models.DateTimeField(help_text="When the candle opened that ended last")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=8, choices=choices(ForecastSource), blank=True, default="")
    model = models.ForeignKey(ForecastModel, models.SET_NULL, null=True, blank=True, related_name="+")
    fallback_reason = models.TextField(blank=True, default="")
    contracts = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    identical = models.JSONField(
        default=list, help_text="Groups of symbols with the same answers, number by number"
    )
    left_out = models.JSONField(
        default=dict, help_text="Contracts that were not forecast, each with its reason"
    )
    drift = models.JSONField(
        default=dict, help_text="Population stability index of the features that moved most"
    )
    measured = models.JSONField(
        default=dict,
        help_text="Once an hour: how far most features moved, and what was said against what came true",
    )

    class Meta:
        db_table = "forecast_runs"
        ordering = ["-candle_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "timeframe", "of_paper", "candle_at"], name="forecast_run_once"
            )
        ]

    def __str__(self) -> str:
        return f"forecasts of {self.account} for {self.candle_at:%Y-%m-%d %H:%M}"

    @property
    def candle_ended_at(self) -> datetime:
        return self.candle_at + Timeframe(self.timeframe).length


class Forecast(models.Model):
    """What was said of one contract at the end of one candle, and what came of it."""

    run = models.ForeignKey(ForecastRun, models.CASCADE, related_name="forecasts")
    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="+")
    source = models.CharField(max_length=8, choices=choices(ForecastSource))
    price = price()
    direction = models.CharField(max_length=7, choices=choices(ForecastDirection))
    confidence = share()
    quality = share()
    strength = share()
    agreement = models.PositiveSmallIntegerField(help_text="Horizons on its side")
    risk = models.CharField(max_length=6)
    stop_percent = percent()
    target_percent = percent()
    horizons = models.JSONField(
        help_text="Each horizon's probabilities of long, short, neutral, and its return"
    )
    reason = models.TextField(
        blank=True, default="", help_text="Why it was not sent as a signal; empty: it was"
    )
    signal = models.ForeignKey(
        "signals_app.SignalLog", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    send_until = models.DateTimeField(
        null=True, blank=True, help_text="It is still to be sent, until then; empty: that is settled"
    )
    made_at = models.DateTimeField()
    outcomes = models.JSONField(default=dict, help_text="Each horizon's return, once it is over")
    judged_at = models.DateTimeField(null=True, blank=True, help_text="When the last horizon was over")

    class Meta:
        db_table = "forecasts"
        ordering = ["-made_at", "instrument"]
        constraints = [
            models.UniqueConstraint(fields=["run", "instrument"], name="forecast_once"),
            models.CheckConstraint(
                condition=Q(confidence__gt=0, confidence__lt=1), name="confidence_is_never_certainty"
            ),
            models.CheckConstraint(
                condition=Q(source__in=list(ForecastSource), direction__in=list(ForecastDirection)),
                name="forecast_words_known",
            ),
        ]
        indexes = [
            models.Index(fields=["instrument", "-made_at"], name="forecasts_of_a_contract"),
            models.Index(fields=["made_at"], condition=Q(judged_at=None), name="forecasts_to_judge"),
            models.Index(fields=["send_until"], condition=~Q(send_until=None), name="forecasts_to_send"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.direction} {self.confidence}"
