"""What was paid, found and told beside positions and their orders; how far executions are read."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from positions.fields import money


class FillCursor(models.Model):
    """Up to which trade id the exchange's own listing has been read; what a stream told proves no completeness."""

    account = models.ForeignKey("exchanges.ExchangeAccount", models.CASCADE)
    symbol = models.CharField(max_length=20)
    trade_id = models.CharField(max_length=64)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "symbol"], name="fill_cursor_once")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.trade_id}"


class OlderOrder(models.Model):
    """An order that an older bot left at the exchange, and that would close a position taken over from it."""

    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, related_name="older_orders")
    position = models.ForeignKey("positions.Position", models.PROTECT, related_name="older_orders")
    exchange_order_id = models.CharField(max_length=64)
    client_order_id = models.CharField(max_length=64, blank=True, default="")
    stop_price = money(null=True, blank=True, help_text="Of a stop: at which it sells")
    found_at = models.DateTimeField(default=timezone.now)
    taken_back_at = models.DateTimeField(null=True, blank=True, help_text="When its cancel was first sent")
    missing_since = models.DateTimeField(
        null=True, blank=True, help_text="First successful answer that did not list it"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "older_orders"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "position", "exchange_order_id"], name="older_order_once"
            ),
        ]
        indexes = [
            models.Index(fields=["account"], condition=Q(ended_at=None), name="older_order_left"),
        ]

    def __str__(self) -> str:
        return self.client_order_id or self.exchange_order_id


class FundingPayment(models.Model):
    """One payment; the exchange's id makes a repeated report harmless."""

    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, related_name="funding_payments")
    position = models.ForeignKey(
        "positions.Position", models.PROTECT, related_name="funding_payments", null=True, blank=True
    )
    symbol = models.CharField(max_length=20)
    payment_id = models.CharField(max_length=64)
    amount = money(help_text="Above zero: received")
    currency = models.CharField(max_length=10)
    paid_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "funding_payments"
        constraints = [
            models.UniqueConstraint(fields=["account", "payment_id"], name="funding_payment_once"),
        ]
        indexes = [models.Index(F("paid_at").desc(), name="funding_newest")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.amount}"


class InvariantCheck(models.Model):
    """The last verdict on each sentence that must always be true."""

    name = models.CharField(max_length=100, unique=True)
    is_true = models.BooleanField(null=True, help_text="Unknown while it could not be checked")
    checked_at = models.DateTimeField(null=True, blank=True)
    broken_since = models.DateTimeField(null=True, blank=True)
    findings = models.JSONField(default=list, blank=True)

    class Meta:
        db_table = "invariant_checks"

    def __str__(self) -> str:
        return self.name


class RiskEvent(models.Model):
    """Something the owner should be able to read later: a denial, an alarm, a found difference."""

    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, null=True, blank=True)
    event_type = models.CharField(max_length=50)
    risk_level = models.CharField(max_length=20)
    position_id = models.CharField(max_length=100, null=True, blank=True)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "risk_events"
        indexes = [models.Index(fields=["event_type", "-created_at"], name="risk_event_type_newest")]

    def __str__(self) -> str:
        return self.event_type
