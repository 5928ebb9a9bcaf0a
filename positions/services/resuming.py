"""A person lets an account trade again: is the reason gone?"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import AccountUnusable, ExchangeError
from exchanges.models import KEYS, ExchangeAccount, TradingState
from exchanges.trading_state import Cause, Move
from positions.services import halting

ANSWER_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Resumed:
    """`findings`: what the exchange said when asked, a sentence an account."""

    answer: halting.Answer
    findings: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        return self.answer.move is Move.REFUSE


@dataclass(frozen=True, slots=True)
class Heard:
    """What the exchange said of one account when it was asked."""

    account: ExchangeAccount
    sentence: str
    error: Exception | None


def resume(account_id: int | None, by: str, reason: str = "") -> Resumed:
    """All accounts: ends only what was said of all; one that was stopped by itself stays so. What an exchange refused
    is resumed only when it answers again."""
    return decide(account_id, ask(account_id), by, reason)


def ask(account_id: int | None) -> list[Heard]:
    """Asks the network: never inside a transaction."""
    chosen = ExchangeAccount.objects.order_by("name").defer(*KEYS)
    accounts = list(chosen if account_id is None else chosen.filter(pk=account_id))
    asked = [(account, _question(account)) for account in accounts]
    stays_apart = account_id is None
    return [Heard(account, *_hear(account, question, stays_apart)) for account, question in asked]


def decide(account_id: int | None, heard: list[Heard], by: str, reason: str = "") -> Resumed:
    findings = tuple(f"{one.account}: {one.sentence}" for one in heard)
    refused = [one.account for one in heard if one.error is not None and _is_refused(one.account, one.error)]
    if account_id is not None and refused:
        account = refused[0]
        why = "the exchange still refuses it or does not answer"
        return Resumed(halting.Answer(account.name, TradingState.HALTED, Move.REFUSE, why), findings)
    text = reason or "; ".join(findings)
    return Resumed(halting.activate(account_id, text, by, cause=Cause.PERSON), findings)


def _is_refused(account: ExchangeAccount, error: Exception) -> bool:
    """Whoever halted it: what the exchange says now counts, and what it said when it halted the account."""
    is_of_the_key = account.state_cause == Cause.VENUE or isinstance(error, AccountUnusable)
    return account.trading_state == TradingState.HALTED and is_of_the_key


def _question(account: ExchangeAccount) -> Future[str] | Exception:
    async def ask(client: ExchangeClient) -> str:
        balance = await client.balance()
        held, orders = await client.positions(), await client.open_orders()
        return f"answers, equity {balance.equity:,.2f}, {len(held)} positions, {len(orders)} orders"

    try:
        return session.start(account, ask)
    except Exception as error:
        return error


def _hear(
    account: ExchangeAccount, question: Future[str] | Exception, stays_apart: bool
) -> tuple[str, Exception | None]:
    """`stays_apart`: where all are resumed, one that was stopped by itself is not."""
    try:
        if isinstance(question, Exception):
            raise question
        sentence = session.answer_of(question, ANSWER_WITHIN)
    except ExchangeError as error:
        return f"does not answer as it should: {error.sentence}", error
    except Exception as error:
        return f"could not be asked ({type(error).__name__})", error
    is_stopped = stays_apart and account.trading_state != TradingState.ACTIVE
    stays = f"; it is {account.trading_state} itself" if is_stopped else ""
    return f"{account.venue} {sentence}{stays}", None
