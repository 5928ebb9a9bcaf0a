"""Two owners who act by hand through the doors of pages and API, at the worst moments, and side by side."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from django.contrib.auth.models import User

from exchanges.models import ExchangeAccount
from exchanges.types import PositionSide
from positions.act_models import Act
from positions.lifecycle import OrderPurpose
from positions.models import Order, Position
from positions.services import by_hand, pausing
from positions.sizing import floor_to
from signals_app.models import Strategy
from signals_app.services import strategies
from tests.campaign.forms import Form
from tests.campaign.market import Market
from tests.campaign.setting import a_plan
from trailing.models import TrailingStop

if TYPE_CHECKING:
    from tests.campaign.world import World

NAMES = ("mia", "tom")
SHARES = (Decimal(10), Decimal(25), Decimal(50), Decimal(100))
Deed = Callable[[str, Position], Form | None]


class Owners:
    def __init__(self, world: World) -> None:
        self._world, self._market = world, Market(world)
        self._with_position: dict[Deed, int] = {
            self._close: 3, self._close_part: 8, self._move_stop: 8, self._loosen: 5, self._hand_over: 5,
            self._take_back: 7, self._cancel: 5, self._close_again: 2,
        }  # fmt: skip
        self._others = {
            self._pause: 4,
            self._close_all: 1,
            self._edit_a_strategy: 3,
            self._pause_a_strategy: 2,
        }

    def begin(self) -> None:
        self._world.later(self._world.random.expovariate(1 / 3), "person", self._act)

    def _act(self) -> None:
        random = self._world.random
        if random.random() < 0.12:
            random.choices(list(self._others), list(self._others.values()))[0](random.choice(NAMES))
        elif (position := self._a_position()) is not None:
            self._act_on(position)
        self.begin()

    def _act_on(self, position: Position) -> None:
        """Sometimes both at the same moment, and sometimes as the price hits the stop."""
        random = self._world.random
        together = random.random() < 0.25
        delay = random.choice((0.0, 0.0, random.uniform(0.1, 8)))
        forms = [self._form(name, position) for name in (NAMES if together else [random.choice(NAMES)])]
        for form in forms:
            if form is not None:
                self._world.forms.hand_in(form, delay)
        if random.random() < 0.1:
            self._world.later(delay, "person", partial(self._hit_its_stop, position))

    def _form(self, by: str, position: Position) -> Form | None:
        deeds = self._with_position
        if position.handed_over_at is not None and self._world.random.random() < 0.4:
            return self._take_back(by, position)
        form: Form | None = self._world.random.choices(list(deeds), list(deeds.values()))[0](by, position)
        return form

    def _a_position(self) -> Position | None:
        """Rather one of which something is under way; now and then one that has just ended."""
        random = self._world.random
        rows = Position.objects.select_related("instrument").order_by("pk")
        live = list(rows.filter(is_live=True))
        unsure = Order.objects.filter(status__in=("submitted", "initialized", "pending_cancel", "triggered"))
        busy = list(rows.filter(is_live=True, pk__in=unsure.values("position")))
        if random.random() < 0.05:
            live, busy = list(rows.filter(is_live=False).order_by("-closed_at", "pk")[:2]), []
        chosen = busy if busy and random.random() < 0.5 else live
        return random.choice(chosen) if chosen else None

    def _hit_its_stop(self, position: Position) -> None:
        level = TrailingStop.objects.filter(pk=position.pk).values_list("stop_price", flat=True).first()
        if level is not None:
            self._market.set_price(position.instrument.exchange_symbol, level)

    # closing

    def _close(self, by: str, position: Position) -> Form:
        pk = position.pk
        return Form(
            Act.CLOSE, by, f"close {pk}", lambda key, who: by_hand.close(key, who, pk), position_id=pk
        )

    def _close_again(self, by: str, position: Position) -> Form:
        pk = position.pk
        do = lambda key, who: by_hand.close_again(key, who, pk)  # noqa: E731
        return Form(Act.CLOSE_AGAIN, by, f"close {pk} again", do, position_id=pk)

    def _close_part(self, by: str, position: Position) -> Form:
        pk, random = position.pk, self._world.random
        is_percent = random.random() < 0.6
        part = random.choice(SHARES) if is_percent else self._odd_quantity(position)
        words = {"percent": part} if is_percent else {"quantity": part}
        do = lambda key, who: by_hand.close_part(key, who, pk, **words)  # noqa: E731
        name = f"close {part:f}{' %' if is_percent else ''} of {pk}"
        return Form(Act.CLOSE_PART, by, name, do, position_id=pk, part=part, is_percent=is_percent)

    def _odd_quantity(self, position: Position) -> Decimal:
        """As typed: not on a step, a crumb, or more than is held."""
        share = Decimal(str(round(self._world.random.uniform(0.02, 1.1), 3)))
        return max(position.quantity, position.instrument.size_increment) * share

    # stops

    def _move_stop(self, by: str, position: Position) -> Form:
        return self._stop(by, position, may_loosen=False)

    def _loosen(self, by: str, position: Position) -> Form:
        return self._stop(by, position, may_loosen=True)

    def _stop(self, by: str, position: Position, *, may_loosen: bool) -> Form:
        """Without the tick it is often a wider one all the same."""
        pk, random, side = position.pk, self._world.random, PositionSide(position.position_side)
        price = self._world.engine.prices[position.instrument.exchange_symbol]
        away = Decimal(str(round(random.uniform(0.05, 4), 3))) * -side.sign
        stop = floor_to(price * (1 + away / 100), position.instrument.price_increment)
        seen = by_hand.level_by_now(pk) if random.random() < 0.5 else None
        do = lambda key, who: by_hand.move_stop(key, who, pk, stop, may_loosen=may_loosen, seen=seen)  # noqa: E731
        name = f"stop of {pk} to {stop}{', may be looser' if may_loosen else ''}"
        looser = stop if may_loosen else None
        return Form(Act.MOVE_STOP, by, name, do, position_id=pk, looser_stop=looser)

    # whose it is

    def _hand_over(self, by: str, position: Position) -> Form:
        pk, may_be_bare = position.pk, self._world.random.random() < 0.5
        do = lambda key, who: by_hand.hand_over(key, who, pk, may_be_bare=may_be_bare)  # noqa: E731
        name = f"take {pk} over{', bare too' if may_be_bare else ''}"
        return Form(Act.HAND_OVER, by, name, do, position_id=pk)

    def _take_back(self, by: str, position: Position) -> Form:
        pk, may_close = position.pk, self._world.random.random() < 0.5
        do = lambda key, who: by_hand.take_back(key, who, pk, may_close=may_close)  # noqa: E731
        name = f"give {pk} back{', may close' if may_close else ''}"
        return Form(Act.TAKE_BACK, by, name, do, position_id=pk)

    def give_back_most(self) -> None:
        """What stays with a person is left alone until the end."""
        for position in Position.objects.filter(is_live=True).exclude(handed_over_at=None).order_by("pk"):
            if self._world.random.random() < 0.7:
                form = self._take_back(NAMES[0], position)
                self._world.forms.hand_in(form, 0.0)

    # orders

    def _cancel(self, by: str, position: Position) -> Form | None:
        """Also stops and closes, which nobody may."""
        orders = list(Order.objects.filter(position=position).order_by("-created_at", "pk")[:5])
        wishes = [o for o in orders if o.purpose in (OrderPurpose.TAKE_PROFIT, OrderPurpose.ENTRY)] or orders
        if not orders:
            return None
        order = self._world.random.choice(wishes if self._world.random.random() < 0.6 else orders)
        do = lambda key, who: by_hand.cancel_order(key, who, order.pk)  # noqa: E731
        return Form(Act.CANCEL_ORDER, by, f"cancel {order.client_order_id}", do, position_id=position.pk)

    # accounts

    def _pause(self, by: str) -> None:
        account_id = self._some_account()
        do = lambda key, who: pausing.pause(key, who, "a look at it", account_id)  # noqa: E731
        self._world.forms.hand_in(Form(Act.PAUSE, by, f"pause {account_id or 'all'}", do), 0.0)
        self._resume_later(account_id)

    def _close_all(self, by: str) -> None:
        account_id = self._some_account()
        do = lambda key, who: by_hand.close_all(key, who, "enough", account_id)  # noqa: E731
        self._world.forms.hand_in(Form(Act.CLOSE_ALL, by, f"close all of {account_id or 'all'}", do), 0.0)
        self._resume_later(account_id)

    def _some_account(self) -> int | None:
        accounts = list(ExchangeAccount.objects.order_by("pk").values_list("pk", flat=True))
        return self._world.random.choice([*accounts, None])

    def _resume_later(self, account_id: int | None) -> None:
        by = self._world.random.choice(NAMES)
        do = lambda key, who: pausing.resume(key, who, "go on", account_id)  # noqa: E731
        for earliest, latest in ((1, 10), (12, 20)):  # the exchange may not answer the first time
            form = Form(Act.RESUME, by, f"resume {account_id or 'all'}", do)
            self._world.forms.hand_in(form, self._world.random.uniform(earliest, latest))

    # strategies, while positions of theirs live

    def _edit_a_strategy(self, by: str) -> None:
        random, strategy = self._world.random, self._a_strategy()
        strategy.protection = a_plan(random, self._world.venue).as_json()
        strategy.notional, strategy.leverage = Decimal(random.choice((100, 300, 900))), random.randint(3, 10)
        save = partial(strategy.save, update_fields=["protection", "notional", "leverage", "updated_at"])
        self._world.count("form", "edit a strategy")
        self._world.perform(f"{by}: edits {strategy}", save)

    def _pause_a_strategy(self, by: str) -> None:
        strategy, paused = self._a_strategy(), self._world.random.random() < 0.4
        user, _ = User.objects.get_or_create(username=by)
        pause = partial(strategies.set_paused, strategy.pk, paused=paused, by=user)
        self._world.count("form", "pause a strategy")
        self._world.perform(f"{by}: {'pauses' if paused else 'resumes'} {strategy}", pause)

    def _a_strategy(self) -> Strategy:
        return self._world.random.choice(list(Strategy.objects.order_by("pk")))
