"""How far an installation is set up, and what is next. Reads only."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from exchanges.models import KEYS, ExchangeAccount
from ops import demo
from signals_app.models import SignalLog, SignalSender, Strategy, StrategySignal, Ticker
from signals_app.routing import SignalDirection
from signals_app.strategy_needs import lacks

EXAMPLE_SENDER = "charts"
MAY_SET_UP = "exchanges.add_exchangeaccount"
# the exchange answered with this account's keys
ANSWERED = (
    Q(permissions_seen_at__isnull=False) | Q(watch__reconciled_at__isnull=False) | ~Q(told_position_mode="")
)


@dataclass(frozen=True, slots=True)
class Tick:
    title: str
    is_done: bool
    found: str
    missing: str
    button: str
    url: str
    look: str
    permission: str


def ticks() -> list[Tick]:
    return list(_ticks())


def _ticks() -> Iterator[Tick]:
    account = ExchangeAccount.objects.defer(*KEYS).order_by("pk").first()
    answered = ExchangeAccount.objects.filter(ANSWERED).defer(*KEYS).order_by("pk").first()
    accounts = "admin:exchanges_exchangeaccount"
    yield Tick(
        "An account", account is not None, f"{account} on {account.venue}." if account else "",
        "Where orders go. On paper it needs no keys.", "Add an account",
        reverse(f"{accounts}_add"), reverse(f"{accounts}_changelist"), MAY_SET_UP,
    )  # fmt: skip
    tried = (
        reverse(f"{accounts}_connection", args=[account.pk]) if account else reverse(f"{accounts}_changelist")
    )
    yield Tick(
        "The key, tested", answered is not None, f"The exchange answers {answered}." if answered else "",
        "Asks the exchange what the key may do; one that may withdraw money is refused.", "Test the connection",
        tried, tried, "exchanges.change_exchangeaccount",
    )  # fmt: skip
    yield from _what_is_traded()


def _what_is_traded() -> Iterator[Tick]:
    tickers_page = reverse("admin:signals_app_ticker_changelist")
    tickers = Ticker.objects.filter(enabled=True, trade_permission=True).count()
    yield Tick(
        "Tickers", tickers > 0, f"{tickers} may be traded.",
        "Which contracts may be traded at all.", "Take them from the exchange",
        tickers_page, tickers_page, "signals_app.add_ticker",
    )  # fmt: skip
    yield _strategy()
    yield _signal()


@dataclass(frozen=True, slots=True)
class Doors:
    """Where senders go. Without doors of their own: where the page is."""

    socket: str
    webhook: str

    @classmethod
    def beside(cls, page: str) -> Doors:
        socket = settings.SIGNALS_URL or page.replace("http", "ws", 1) + "ws/signals/"
        return cls(socket, socket.removesuffix("ws/signals/").replace("ws", "http", 1) + "webhook/")


def _strategy() -> Tick:
    page, usable = "admin:signals_app_strategy", Strategy.objects.filter(enabled=True, archived=False)
    ready = usable.filter(accounts__isnull=False, phrases__isnull=False).order_by("pk").first()
    begun = None if ready else usable.filter(kind="signal").order_by("pk").first()
    missing = "What a signal's phrase means, how much is risked, and how positions are left."
    button, url = "Write a strategy", reverse(f"{page}_add")
    if begun:
        missing = f"{begun} {lacks(begun)}: they are the last rows of its page."
        button, url = f"Go on with {begun}", reverse(f"{page}_change", args=[begun.pk])
    return Tick(
        "A strategy", ready is not None, f"{ready} listens.", missing, button, url,
        reverse(f"{page}_changelist"), "signals_app.add_strategy",
    )  # fmt: skip


def _signal() -> Tick:
    missing = "Who sends them gets a token of its own, shown once."
    button, url = "Add a sender", reverse("admin:signals_app_signalsender_add")
    if sender := own_sender():
        missing = f"{sender} may speak, and said nothing yet: the command below does."
        button, url = "To the command", "#own-signal"
    return Tick(
        "A first signal", is_over(), "Signals arrive.", missing, button, url,
        reverse("admin:signals_app_signallog_changelist"), "signals_app.add_signalsender",
    )  # fmt: skip


def is_over() -> bool:
    """A signal has come: nobody needs to be led any more."""
    return SignalLog.objects.exists()


def own_sender() -> SignalSender | None:
    return SignalSender.objects.filter(enabled=True).exclude(name=demo.SENDER).order_by("-pk").first()


def first_signal(webhook: str) -> tuple[str, str]:
    """The name of a sender of one's own, and the command that speaks for it; both are ready to be copied."""
    sender = own_sender()
    name = sender.name if sender else EXAMPLE_SENDER
    phrases = StrategySignal.objects.filter(
        direction=SignalDirection.LONG, strategy__enabled=True, strategy__archived=False
    )
    if sender and sender.strategies.exists():
        phrases = phrases.filter(strategy__in=sender.strategies.all())
    phrase = phrases.order_by("strategy", "pk").values_list("phrase", flat=True).first()
    symbol = (
        Ticker.objects.filter(enabled=True, trade_permission=True).values_list("symbol", flat=True).first()
    )
    said = json.dumps({"symbol": symbol or "BTCUSDT", "message": phrase or "THE-PHRASE"})
    return name, _command(f"{webhook}{name}/", said)


def _command(url: str, said: str) -> str:
    """The shell adds the time, so that each copy is a signal of its own."""
    before, after = f'{said[:-1]}, "bar_time": "', '"}'
    body = f'{shlex.quote(before)}"$(date -u +%Y-%m-%dT%H:%M:%SZ)"{shlex.quote(after)}'
    headers = '-H "Authorization: Bearer THE-TOKEN" -H "Content-Type: application/json"'
    return f"curl -sS {url} \\\n  {headers} \\\n  -d {body}"


def is_untouched() -> bool:
    """Nothing at all is set up; after the first step nobody is sent anywhere."""
    return not any(model.objects.exists() for model in (ExchangeAccount, Strategy, SignalLog))


def set_up_first(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Leads those who can do it to the steps, instead of to a page with nothing on it."""

    @wraps(page)
    def shown(request: HttpRequest, *names: object, **words: object) -> HttpResponse:
        if request.user.has_perm(MAY_SET_UP) and is_untouched():
            return redirect("setup")
        return page(request, *names, **words)

    return shown
