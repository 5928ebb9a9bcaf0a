from __future__ import annotations

from exchanges.trading_state import TradingState
from positions.management.stopping import StoppingCommand


class Command(StoppingCommand):
    help = "Nothing is opened for now; exits and stops go on."
    wanted = TradingState.REDUCING
