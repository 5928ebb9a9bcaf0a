"""The link to a signal server and its waves, as rows. Constraints, no behaviour."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from exchanges.choices import choices
from exchanges.models import Venue
from signals_app.sources.link import LinkState
from signals_app.waves import Outcome, WaveStatus

LIVE = [status.value for status in WaveStatus if not status.is_over]


class SignalServerLink(models.Model):
    """What the process that holds the link says of it. An old `reported_at`: nobody knows."""

    server = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=14, choices=choices(LinkState))
    failures = models.PositiveIntegerField(default=0, help_text="In a row")
    error = models.TextField(blank=True, default="")
    refused_at = models.DateTimeField(null=True, blank=True, help_text="Our token was not taken")
    next_try_at = models.DateTimeField(null=True, blank=True)
    signed_in_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    query_interval = models.FloatField(null=True, blank=True, help_text="Seconds, as the server says")
    signal_window = models.FloatField(null=True, blank=True, help_text="Minutes, as the server says")
    reported_at = models.DateTimeField()

    class Meta:
        db_table = "signal_server_links"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(LinkState)), name="link_state_known")
        ]

    def __str__(self) -> str:
        return f"{self.server} {self.state}"


class Wave(models.Model):
    """The signals of one candle for one exchange, once: whoever inserts the row may look for them."""

    exchange = models.CharField(max_length=20, choices=choices(Venue))
    wave_time = models.DateTimeField(help_text="Open time of the 15-minute candle")
    status = models.CharField(max_length=12, choices=choices(WaveStatus), default=WaveStatus.PROCESSING)
    look_until = models.DateTimeField()
    target = models.PositiveIntegerField(null=True, blank=True, help_text="Signals that may open")
    first = models.PositiveIntegerField(null=True, blank=True, help_text="Candidates that are tried first")
    found = models.PositiveIntegerField(default=0, help_text="Distinct signals of this wave")
    reason = models.TextField(blank=True, default="", help_text="Why it ended")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "waves"
        ordering = ["-wave_time", "exchange"]
        constraints = [
            models.UniqueConstraint(fields=["exchange", "wave_time"], name="wave_once"),
            models.CheckConstraint(condition=Q(status__in=list(WaveStatus)), name="wave_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=LIVE, finished_at=None)
                | ~Q(status__in=LIVE) & Q(finished_at__isnull=False),
                name="finished_wave_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[WaveStatus.EXECUTING, WaveStatus.COMPLETED])
                | Q(target__isnull=False, first__isnull=False),
                name="executing_wave_knows_its_limits",
            ),
        ]
        indexes = [models.Index(fields=["wave_time"], condition=Q(status__in=LIVE), name="wave_unfinished")]

    def __str__(self) -> str:
        return f"{self.exchange} {self.wave_time:%Y-%m-%d %H:%M}"


class WaveSignal(models.Model):
    """A candidate of a wave, written before the first one is handed on: who finishes the wave reads them here."""

    wave = models.ForeignKey(Wave, models.CASCADE, related_name="candidates")
    place = models.PositiveIntegerField(help_text="From 0, best scores first")
    uid = models.CharField(max_length=64)
    symbol = models.CharField(max_length=20)
    score = models.DecimalField(max_digits=20, decimal_places=10, help_text="Sum of both scores")
    raw = models.TextField()
    outcome = models.CharField(max_length=10, choices=choices(Outcome), blank=True, default=Outcome.WAITING)
    handed_on_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "wave_signals"
        ordering = ["wave", "place"]
        constraints = [
            models.UniqueConstraint(fields=["wave", "place"], name="wave_place_once"),
            models.UniqueConstraint(fields=["wave", "uid"], name="wave_signal_once"),
            models.CheckConstraint(condition=Q(outcome__in=list(Outcome)), name="wave_outcome_known"),
        ]

    def __str__(self) -> str:
        return f"{self.wave_id} {self.place} {self.symbol}"
