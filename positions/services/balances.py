"""What all accounts hold, asked side by side in bounded time."""

from __future__ import annotations

from concurrent.futures import Future, wait
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from exchanges import session
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.models import AccountBalance, ExchangeAccount
from exchanges.types import BalanceReport
from positions import breaker
from positions.balances import AccountMoney, TotalBalance
from positions.services import reachability

Asked = Future[BalanceReport] | str


def get_total_balance() -> TotalBalance:
    """One that does not answer holds up no other one: what it said last stands beside the answers, with its age."""
    asked_at = timezone.now()
    accounts = list(ExchangeAccount.objects.select_related("balance").order_by("name"))
    asked = [(account, _ask(account)) for account in accounts]
    wait([one for _, one in asked if isinstance(one, Future)], settings.BALANCE_SECONDS)
    return TotalBalance(asked_at, [_money(account, one, asked_at) for account, one in asked])


def last_known_balances() -> TotalBalance:
    """The same without asking anybody, for pages: the comparison keeps it young. One that it did not renew lately
    counts as not reachable."""
    now, accounts = (
        timezone.now(),
        ExchangeAccount.objects.select_related("balance", "watch").order_by("name"),
    )
    return TotalBalance(now, [_known(account, _why_old(account, now)) for account in accounts])


def _ask(account: ExchangeAccount) -> Asked:
    try:
        return session.start(account, lambda client: client.balance())
    except Exception as error:  # whatever keeps one from being asked, the others are
        return _reason(error)


def _money(account: ExchangeAccount, asked: Asked, asked_at: datetime) -> AccountMoney:
    if isinstance(asked, str):
        return _known(account, asked)
    try:
        told = _answer(asked)
    except Exception as error:
        if isinstance(error, ExchangeError):
            reachability.hear(account.pk, error)
        return _known(account, _reason(error))
    reachability.answered(account.pk)
    return AccountMoney(account.name, account.venue, told.equity, told.available_balance, told_at=asked_at)


def _answer(asked: Future[BalanceReport]) -> BalanceReport:
    if asked.done():
        return asked.result()
    asked.cancel()
    raise OutcomeUnknown(f"no answer within {settings.BALANCE_SECONDS:g} s")


def _reason(error: Exception) -> str:
    """The text of a stranger's exception may hold an address with a signature."""
    return error.sentence if isinstance(error, ExchangeError) else type(error).__name__


def _known(account: ExchangeAccount, why: str) -> AccountMoney:
    said: AccountBalance | None = getattr(account, "balance", None)
    if said is None:
        return AccountMoney(account.name, account.venue, why=why)
    return AccountMoney(
        account.name, account.venue, said.equity, said.available_balance, said.reported_at, why
    )


def _why_old(account: ExchangeAccount, now: datetime) -> str:
    said: AccountBalance | None = getattr(account, "balance", None)
    watch = getattr(account, "watch", None)
    if watch and (why := breaker.sentence(reachability.breaker_of(watch), reachability.patience())):
        return why
    if said is None:
        return "it never told"
    return "" if now - said.reported_at < settings.BALANCE_IS_OLD_AFTER else "not renewed since"
