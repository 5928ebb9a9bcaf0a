"""What we hold and what we asked for. Constraints, no behaviour."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from exchanges.choices import choices
from exchanges.types import Book, Forced, OrderType, PositionSide, PriceKind, Side, TimeInForce
from positions.act_models import PersonAct
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from positions.canary_models import CanaryOrder, CanaryRun
from positions.fields import PostgresEnumField, money, signal_id_field
from positions.lifecycle import DONE, CloseReason, OrderPurpose, OrderStatus, PositionStatus
from positions.record_models import FillCursor, FundingPayment, InvariantCheck, OlderOrder, RiskEvent
from positions.risk_models import AccountEquity, LimitLevel, RiskLimits

__all__ = [
    "AccountEquity", "ArbitragePair", "ArbitrageTrade", "CanaryOrder", "CanaryRun", "Fill", "FillCursor",
    "FundingPayment", "InvariantCheck", "LimitLevel", "OlderOrder", "Order", "PersonAct", "Position", "RiskEvent",
    "RiskLimits",
]  # fmt: skip


class RandomUUID(models.Func):
    function = "gen_random_uuid"
    output_field = models.UUIDField()
    arity = 0


def position_token() -> str:
    return uuid.uuid4().hex[:16]


class Position(models.Model):
    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, related_name="positions")
    instrument = models.ForeignKey("exchanges.Instrument", models.PROTECT, related_name="positions")
    strategy = models.ForeignKey(
        "signals_app.Strategy", models.PROTECT, null=True, blank=True, related_name="positions"
    )
    stands_in_for = models.ForeignKey(
        "exchanges.ExchangeAccount",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="opened_elsewhere",
        help_text="The strategy's account that could not be reached when this was opened",
    )
    plan = models.ForeignKey("trailing.PlanVersion", models.PROTECT, related_name="positions")
    signal_id = signal_id_field()
    # part of every client order id of this position: unlike the row's number it differs between databases
    token = models.CharField(max_length=16, unique=True, default=position_token, editable=False)
    position_side = models.CharField(max_length=5, choices=choices(PositionSide))
    position_idx = models.SmallIntegerField(help_text="1 long leg, 2 short leg; 0 in one-way mode")
    status = models.CharField(max_length=10, choices=choices(PositionStatus), default=PositionStatus.OPENING)
    is_live = models.GeneratedField(
        expression=~Q(status=PositionStatus.CLOSED),  # type: ignore[arg-type]
        output_field=models.BooleanField(),
        db_persist=True,
    )
    planned_quantity = money()
    planned_notional = money(
        help_text="Reserved against the account's exposure while opening, quote currency"
    )
    planned_risk = money(default=0, help_text="Lost at its first stop, as sized, quote currency")
    reference_price = money(help_text="Mark price the quantity was sized with")
    leverage = models.PositiveSmallIntegerField(default=1)
    quantity = money(default=0, help_text="Held now, base units; entry fills less exit fills")
    average_entry_price = money(null=True, blank=True)
    average_exit_price = money(null=True, blank=True)
    realized_pnl = money(
        default=0, help_text="Price difference of closed quantity, quote currency, fees not taken off"
    )
    fees = money(default=0)
    funding = money(default=0, help_text="Sum of funding payments, above zero we received more than we paid")
    unexplained_quantity = money(
        default=0, help_text="Held (or, below zero, gone) by the exchange's own word, without an execution"
    )
    unexplained_price = money(null=True, blank=True, help_text="Entry price of it as the exchange told it")
    unexplained_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the exchange's word was asked for: it counts what was executed until then",
    )
    differs_since = models.DateTimeField(
        null=True, blank=True, help_text="First successful answer that showed another quantity"
    )
    # of a live position: why somebody wants it closed
    close_reason = models.CharField(max_length=20, choices=choices(CloseReason), blank=True, default="")
    close_requested_by = models.CharField(max_length=100, blank=True, default="")
    close_refusals = models.PositiveIntegerField(default=0, db_default=0)  # in a row
    close_again_at = models.DateTimeField(null=True, blank=True, help_text="Refused: not asked again before")
    absent_since = models.DateTimeField(
        null=True, blank=True, help_text="First successful answer that did not show this position"
    )
    unprotected_since = models.DateTimeField(null=True, blank=True)
    software_stop_since = models.DateTimeField(
        null=True, blank=True, help_text="The exchange refuses stops: its level is watched here, and closes"
    )
    unprotected_seconds = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    handed_over_at = models.DateTimeField(
        null=True, blank=True, help_text="Since then a person looks after it: nothing of ours moves it"
    )
    handed_over_to = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "positions"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "instrument", "position_side"],
                condition=~Q(status=PositionStatus.CLOSED),
                name="one_live_position_per_leg",
            ),
            models.UniqueConstraint(
                fields=["account", "instrument"],
                condition=Q(position_idx=0) & ~Q(status="closed"),
                name="one_live_position_in_one_way_mode",
            ),
            # target of the trailing row's two-column foreign key
            models.UniqueConstraint(fields=["id", "is_live"], name="position_id_and_liveness"),
            models.CheckConstraint(
                condition=Q(status__in=list(PositionStatus)), name="position_status_known"
            ),
            models.CheckConstraint(
                condition=Q(position_side="long", position_idx__in=(0, 1))
                | Q(position_side="short", position_idx__in=(0, 2)),
                name="position_idx_follows_side",
            ),
            models.CheckConstraint(
                condition=Q(planned_quantity__gt=0, quantity__gte=0, leverage__gte=1),
                name="position_numbers_sane",
            ),
            models.CheckConstraint(
                condition=~Q(status=PositionStatus.CLOSED)
                | (Q(closed_at__isnull=False) & ~Q(close_reason="") & Q(quantity=0)),
                name="closed_position_is_explained",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "account"], name="position_status_account"),
            models.Index(F("created_at").desc(), name="position_newest"),
            models.Index(fields=["account", "closed_at"], name="position_account_closed"),
            models.Index(
                F("closed_at").desc(),
                condition=Q(status=PositionStatus.CLOSED),
                name="position_newest_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.position_side}"


# no venue triggers an order by the book
TRIGGERS = [PriceKind.MARK, PriceKind.LAST]


class Order(models.Model):
    """One intent, written before it is sent; reaches the exchange at most once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, related_name="orders")
    position = models.ForeignKey(Position, models.PROTECT, related_name="orders")
    symbol = models.CharField(max_length=20, help_text="the venue's id, BTCUSDT")
    side = PostgresEnumField(enum_type="order_side_enum", choices=choices(Side))
    quantity = money()
    price = money(null=True, blank=True)
    status = PostgresEnumField(
        enum_type="order_status_enum", choices=choices(OrderStatus), default=OrderStatus.INITIALIZED
    )
    position_idx = models.IntegerField(default=0, db_default=0)
    reduce_only = models.BooleanField(default=False, db_default=False)
    time_in_force = models.CharField(max_length=10, null=True, blank=True, choices=choices(TimeInForce))
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Canceled by us when still open then")
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    purpose = models.CharField(max_length=12, choices=choices(OrderPurpose))
    generation = models.PositiveIntegerField(default=1)
    part = models.PositiveSmallIntegerField(default=1, db_default=1)  # several orders may be one stop
    level = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Of the take-profit ladder it belongs to"
    )
    order_type = models.CharField(max_length=20, choices=choices(OrderType))
    trigger_price = money(null=True, blank=True)
    trigger_by = models.CharField(
        max_length=4,
        choices=[(kind.value, kind.value) for kind in TRIGGERS],
        default=PriceKind.MARK,
        db_default=PriceKind.MARK,
        help_text="Which price triggers it; without meaning where no price does",
    )
    callback_rate = models.DecimalField(
        max_digits=4,
        decimal_places=1,
        null=True,
        blank=True,
        help_text="Percent by which the exchange's own trailing follows the best price",
    )
    activation_price = money(null=True, blank=True, help_text="From here on the exchange trails")
    client_order_id = models.CharField(max_length=32, unique=True)
    book = models.CharField(max_length=5, choices=choices(Book), default=Book.PLAIN)
    exchange_order_id = models.CharField(max_length=64, blank=True, default="")
    child_order_id = models.CharField(max_length=64, blank=True, default="")
    filled_quantity = money(default=0)
    average_price = money(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True, help_text="When a worker claimed it")
    answered_at = models.DateTimeField(null=True, blank=True)
    stood_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="First told to work or to have worked; an acknowledgement tells neither",
    )
    cancel_sent_at = models.DateTimeField(null=True, blank=True)
    wanted_price = money(
        null=True, blank=True, help_text="A changed price that the exchange has not confirmed"
    )
    amend_sent_at = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveBigIntegerField(default=0, db_default=0)  # of an entry: when it was decided

    class Meta:
        db_table = "orders"
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_quantity_positive"),
            models.CheckConstraint(
                condition=Q(filled_quantity__gte=0, filled_quantity__lte=F("quantity")),
                name="order_not_overfilled",
            ),
            models.CheckConstraint(condition=Q(purpose__in=list(OrderPurpose)), name="order_purpose_known"),
            models.CheckConstraint(condition=Q(order_type__in=list(OrderType)), name="order_type_known"),
            models.CheckConstraint(condition=Q(trigger_by__in=TRIGGERS), name="order_trigger_known"),
            models.CheckConstraint(
                condition=Q(purpose=OrderPurpose.ENTRY) | Q(reduce_only=True), name="exits_only_reduce"
            ),
            models.UniqueConstraint(
                fields=["position", "purpose", "generation", "part"], name="order_generation_once"
            ),
            models.UniqueConstraint(
                fields=["position"],
                condition=Q(purpose=OrderPurpose.CLOSE) & ~Q(status__in=sorted(DONE)),
                name="one_pending_close_per_position",
            ),
            models.UniqueConstraint(
                fields=["position"],
                condition=Q(purpose=OrderPurpose.ENTRY) & ~Q(status__in=sorted(DONE)),
                name="one_pending_entry_per_position",
            ),
            models.UniqueConstraint(
                fields=["position"],
                condition=Q(purpose=OrderPurpose.REDUCE) & ~Q(status__in=sorted(DONE)),
                name="one_pending_reduce_per_position",
            ),
            models.UniqueConstraint(
                fields=["position"],
                condition=Q(purpose=OrderPurpose.BACKSTOP) & ~Q(status__in=sorted(DONE)),
                name="one_pending_backstop_per_position",
            ),
            models.UniqueConstraint(
                fields=["position", "level"],
                condition=Q(level__isnull=False) & ~Q(status__in=sorted(DONE)),
                name="one_pending_order_per_level",
            ),
        ]
        indexes = [
            models.Index(fields=["symbol", "status"], name="order_symbol_status"),
            models.Index(F("created_at").desc(), name="order_newest"),
            models.Index(fields=["status", "next_attempt_at"], name="order_due"),
            models.Index(
                fields=["exchange_order_id"],
                condition=~Q(exchange_order_id=""),
                name="order_of_exchange_id",
            ),
        ]

    def __str__(self) -> str:
        return self.client_order_id


class Fill(models.Model):
    """One execution; the exchange's trade id makes a repeated report harmless."""

    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, related_name="fills")
    position = models.ForeignKey(Position, models.PROTECT, related_name="fills", null=True, blank=True)
    order = models.ForeignKey(Order, models.PROTECT, related_name="fills", null=True, blank=True)
    signal_id = signal_id_field()
    symbol = models.CharField(max_length=20)
    trade_id = models.CharField(max_length=64)
    exchange_order_id = models.CharField(max_length=64, blank=True, default="")
    client_order_id = models.CharField(max_length=40, blank=True, default="")
    side = PostgresEnumField(enum_type="order_side_enum", choices=choices(Side))
    position_side = models.CharField(max_length=5, choices=choices(PositionSide))
    quantity = money()
    price = money()
    fee = money(default=0)
    fee_currency = models.CharField(max_length=10, blank=True, default="")
    realized_pnl = money(default=0, help_text="As the exchange reported it")
    forced = models.CharField(max_length=12, choices=choices(Forced), blank=True, default="")
    executed_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "trades"
        constraints = [
            models.UniqueConstraint(fields=["account", "symbol", "trade_id"], name="fill_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, price__gt=0), name="fill_numbers_positive"),
        ]
        indexes = [models.Index(F("executed_at").desc(), name="fill_newest")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.trade_id}"
