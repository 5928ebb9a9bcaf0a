"""Errors named by what to do next; the tree is the documentation."""

from __future__ import annotations


class ExchangeError(Exception):
    """Base. `code` is the venue's number as text, or empty when it gave none."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def sentence(self) -> str:
        return f"{self.code} {self}".strip()


class NotSent(ExchangeError):
    """Proven not executed: the same request may go out again after `retry_after` seconds."""

    def __init__(self, message: str, *, code: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class NotReached(NotSent):
    """No connection, or no answer to what had to be asked before: nothing was executed."""


class Banned(NotSent):
    """Every request until then makes it longer: stay silent, and tell the owner."""


class Refused(ExchangeError):
    """The exchange said no for good."""


class InsufficientMargin(Refused):
    pass


class InvalidRequest(Refused):
    """Our numbers or our bug."""


class PriceTooFar(Refused):
    """The same order may be taken when the market is nearer to its price."""


class NothingToReduce(Refused):
    """The position is already flat, or smaller than the order: look at it."""


class WouldTriggerImmediately(Refused):
    """The stop is already crossed: close at market."""


class OrderNotFound(ExchangeError):
    """Answer to a look-up or a cancel. Not final before the request's receive window has passed."""


class OutcomeUnknown(ExchangeError):
    """Maybe executed: ask by client order id before anything else."""


class PositionModeDiffers(ExchangeError):
    """No order can succeed: the exchange has another position mode than the account is set to."""


class AccountUnusable(ExchangeError):
    """Key, permission or ban: halt the account and call its owner."""


def is_silence(error: ExchangeError) -> bool:
    """The exchange could not be reached: nothing with a number of its own came back."""
    return not error.code and isinstance(error, NotReached | OutcomeUnknown)
