"""Runs of the canary and their orders: rows before they are requests, apart from the orders of positions."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from exchanges.choices import choices
from exchanges.types import Book, OrderType
from positions.canary import CanaryVerdict, ProbeState


class CanaryRun(models.Model):
    account = models.ForeignKey("exchanges.ExchangeAccount", models.CASCADE, related_name="canary_runs")
    instrument = models.ForeignKey("exchanges.Instrument", models.CASCADE)
    mark_price = models.DecimalField(max_digits=20, decimal_places=8)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=10, choices=choices(CanaryVerdict), default=CanaryVerdict.RUNNING)

    class Meta:
        db_table = "canary_runs"
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=list(CanaryVerdict)), name="canary_verdict_known"),
            models.UniqueConstraint(
                fields=["account"], condition=Q(ended_at=None), name="one_canary_run_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["account", "-started_at"], name="canary_newest")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.started_at:%Y-%m-%d %H:%M:%S} {self.verdict}"


class CanaryOrder(models.Model):
    """Always a buying order of the long leg; `name` is its client order id, of a shape that no position's order has."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(CanaryRun, models.CASCADE, related_name="orders")
    name = models.CharField(max_length=32, unique=True)
    order_type = models.CharField(max_length=20, choices=choices(OrderType))
    book = models.CharField(max_length=5, choices=choices(Book))
    quantity = models.DecimalField(max_digits=20, decimal_places=8)
    price = models.DecimalField(max_digits=20, decimal_places=8, null=True, blank=True)
    trigger_price = models.DecimalField(max_digits=20, decimal_places=8, null=True, blank=True)
    activation_price = models.DecimalField(max_digits=20, decimal_places=8, null=True, blank=True)
    callback_rate = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    state = models.CharField(max_length=10, choices=choices(ProbeState), default=ProbeState.ASKED)
    kind_refused = models.BooleanField(default=False)
    reason = models.TextField(blank=True, default="")
    # what it bought after all
    position = models.ForeignKey(
        "positions.Position", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "canary_orders"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(ProbeState)), name="canary_state_known"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="canary_quantity_positive"),
            models.UniqueConstraint(fields=["run", "order_type"], name="canary_kind_once_per_run"),
        ]

    def __str__(self) -> str:
        return self.name
