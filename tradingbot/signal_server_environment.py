"""Settings of the signal server we connect to, by the names that older bots gave them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

Words = Annotated[list[str], NoDecode]
Minute = Annotated[int, Field(ge=0, le=59)]
Score = Annotated[Decimal, Field(ge=0, le=100)]


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return value.replace(",", " ").replace(";", " ").split()


class SignalServerEnvironment(BaseSettings):
    """Without SIGNAL_WS_URL there is no such client."""

    signal_ws_url: str = ""
    signal_ws_token: SecretStr = SecretStr("")
    signal_ws_auto_reconnect: bool = True
    signal_ws_reconnect_interval: float = Field(5, gt=0, le=30)
    signal_ws_max_reconnect_attempts: int = Field(-1, ge=-1)
    signal_ws_waves: bool = True
    signal_buffer_size: int = Field(100, ge=1, le=10_000)
    wave_check_minutes: Annotated[list[Minute], NoDecode] = [6, 20, 35, 50]
    wave_check_duration_seconds: int = Field(120, ge=1, le=840)
    wave_check_interval_seconds: float = Field(1, ge=0.05, le=60)
    max_trades_per_15min: int = Field(5, ge=0, le=1000)
    signal_buffer_percent: Decimal | None = Field(None, ge=0, le=1000)
    signal_buffer_fixed: int = Field(3, ge=0, le=1000)
    min_score_week: Score = Decimal(0)
    min_score_month: Score = Decimal(50)
    stoplist_symbols: Words = []
    use_symbol_whitelist: bool = False
    whitelist_symbols: Words = []

    _split_words = field_validator(
        "wave_check_minutes", "stoplist_symbols", "whitelist_symbols", mode="before"
    )(_split)

    @field_validator("signal_ws_url")
    @classmethod
    def _is_websocket(cls, value: str) -> str:
        if value and not value.startswith(("ws://", "wss://")):
            raise ValueError("must start with ws:// or wss://")
        return value

    @model_validator(mode="after")
    def _client_has_what_it_needs(self) -> SignalServerEnvironment:
        if self.signal_ws_url and not self.signal_ws_token.get_secret_value():
            raise ValueError("SIGNAL_WS_URL is set, so SIGNAL_WS_TOKEN must be set too")
        if self.signal_ws_url and self.signal_ws_waves and not self.wave_check_minutes:
            raise ValueError("WAVE_CHECK_MINUTES must name minutes, or SIGNAL_WS_WAVES be false")
        if self.use_symbol_whitelist and not self.whitelist_symbols:
            raise ValueError("USE_SYMBOL_WHITELIST is on and WHITELIST_SYMBOLS is empty: nothing could trade")
        return self
