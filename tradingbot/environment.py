"""The environment as typed values; a start with a senseless one ends with one sentence per fault."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from tradingbot.live_keys import why_not_live
from tradingbot.signal_server_environment import SignalServerEnvironment

BASE_DIR = Path(__file__).resolve().parent.parent


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
Names = Annotated[list[str], NoDecode]
ByName = Annotated[dict[str, str], NoDecode]
Percent = Annotated[Decimal | None, Field(gt=0, lt=100)]


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if any(not (name.strip() and value.strip()) for name, _, value in pairs):
        raise ValueError("wants venue=value, one or several with commas between them")
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


class Environment(SignalServerEnvironment):
    """Process environment first, then .env, then what a running `manage.py up` left in var/run.env."""

    model_config = SettingsConfigDict(env_file=(BASE_DIR / "var/run.env", BASE_DIR / ".env"), extra="ignore")

    database_url: str
    redis_url: str
    secret_key: SecretStr = Field(min_length=32)
    field_keys: SecretStr
    debug: bool = False
    dry_run: bool = True
    paper_exchange_url: str = ""
    paper_exchange_urls: ByName = {}
    paper_hosts: Names = []
    legacy_accounts: ByName = {}
    legacy_stop_loss_percent: Percent = None
    legacy_trailing_activation_percent: Percent = None
    legacy_trailing_callback_percent: Percent = None
    allowed_hosts: Names = list(THIS_MACHINE)
    https_only: bool | None = None
    csrf_trusted_origins: Names = []
    db_schema: str = Field("tradingbot", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    redis_prefix: str = "tradingbot"
    log_level: str = "INFO"
    order_receive_window_ms: int = Field(3000, ge=500, le=60000)
    max_clock_offset_ms: int = Field(1000, ge=50)
    max_signal_age_seconds: int = Field(300, ge=1)
    trusted_proxies: Names = []
    max_sender_connections: int = Field(8, ge=1)
    signals_url: str = Field("", pattern=r"^(wss?://\S+/ws/signals/)?$")
    trading_hedge_mode: bool = True
    max_price_age_seconds: int = Field(5, ge=1)
    price_silent_seconds: int = Field(30, ge=5)
    unprotected_close_seconds: int = Field(30, ge=1)
    signals_stream: str = Field("signals_stream", pattern=r"^\S{1,200}$")
    signals_stream_kept: int = Field(10_000, ge=0)
    signals_stream_wait_seconds: int = Field(30, ge=1)
    forecast_wait_seconds: int = Field(8, ge=0)
    forecast_model_seconds: float = Field(5, gt=0)
    system_log_days: int = Field(30, ge=1)
    log_format: Literal["console", "json"] = "console"
    metrics_token: SecretStr = SecretStr("")
    heartbeat_url: SecretStr = SecretStr("")
    paper_starting_balance: Decimal = Field(Decimal(10000), gt=0)

    _split_names = field_validator(
        "paper_hosts", "allowed_hosts", "csrf_trusted_origins", "trusted_proxies", mode="before"
    )(_split)

    _pair_words = field_validator("paper_exchange_urls", "legacy_accounts", mode="before")(_pairs)

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str) -> str:
        if not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for word in value:
            ip_network(word)
        return value

    @field_validator("metrics_token")
    @classmethod
    def _is_no_guess(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 20:
            raise ValueError("wants twenty letters or more, or none at all")
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _is_of_the_web(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("must start with https:// or http://")
        return value

    @field_validator("field_keys")
    @classmethod
    def _are_fernet_keys(cls, value: SecretStr) -> SecretStr:
        for key in value.get_secret_value().split(","):
            Fernet(key.strip())
        return value

    @model_validator(mode="after")
    def _dry_run_needs_the_paper_exchange(self) -> Environment:
        if self.dry_run and not self.paper_exchange_url:
            raise ValueError("DRY_RUN is on but PAPER_EXCHANGE_URL is not set; `manage.py up` sets it")
        return self

    @model_validator(mode="after")
    def _live_needs_keys_of_its_own(self) -> Environment:
        if not self.dry_run:
            why_not_live(self.secret_key.get_secret_value(), self.field_keys.get_secret_value(), self.debug)
        return self

    @property
    def is_https_only(self) -> bool:
        """Unless told otherwise: wherever another machine could be the one that asks."""
        if self.https_only is not None:
            return self.https_only
        return not set(self.allowed_hosts) <= set(THIS_MACHINE)


class BadEnvironment(SystemExit):
    """Ends the start with the sentences on standard error and status 1."""


def load() -> Environment:
    try:
        return Environment()  # type: ignore[call-arg]
    except ValidationError as error:
        raise BadEnvironment(_sentences(error)) from None


def _sentences(error: ValidationError) -> str:
    faults = [f"  {'.'.join(map(str, e['loc'])).upper() or 'settings'}: {e['msg']}" for e in error.errors()]
    return "Settings make no sense, so nothing was started:\n" + "\n".join(faults) + "\nSee .env.example."
