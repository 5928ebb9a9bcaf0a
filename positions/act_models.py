"""What a person asked for on a page, once however often the form arrives."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Q
from django.utils import timezone

from exchanges.choices import choices


class Act(StrEnum):
    CLOSE = "close"
    CLOSE_PART = "close_part"
    CLOSE_ALL = "close_all"
    CLOSE_AGAIN = "close_again"
    MOVE_STOP = "move_stop"
    CANCEL_ORDER = "cancel_order"
    HAND_OVER = "hand_over"
    TAKE_BACK = "take_back"
    PAUSE = "pause"
    RESUME = "resume"
    NOTE = "note"


class PersonAct(models.Model):
    """The form's own number is the key: what arrives twice meets its row, and is told the first outcome."""

    id = models.UUIDField(primary_key=True)
    act = models.CharField(max_length=12, choices=choices(Act))
    by = models.CharField(max_length=100)
    account = models.ForeignKey(
        "exchanges.ExchangeAccount", models.PROTECT, null=True, blank=True, related_name="person_acts"
    )
    position = models.ForeignKey(
        "positions.Position", models.PROTECT, null=True, blank=True, related_name="person_acts"
    )
    given = models.JSONField(default=dict, blank=True, help_text="The numbers and words of the form")
    order_id = models.UUIDField(null=True, blank=True, help_text="The order it made or ended")
    flat_run = models.ForeignKey("exchanges.FlatRun", models.PROTECT, null=True, blank=True, related_name="+")
    outcome = models.TextField(blank=True, default="")
    is_refused = models.BooleanField(default=False, db_default=False)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "person_acts"
        constraints = [
            models.CheckConstraint(condition=Q(act__in=list(Act)) & ~Q(by=""), name="person_act_is_named"),
        ]
        indexes = [models.Index(fields=["position", "at"], name="person_act_of_position")]

    def __str__(self) -> str:
        return f"{self.by}: {self.act}"
