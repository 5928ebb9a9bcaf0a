"""What the programs of a run get as environment, decided before Django reads its settings.

The real environment wins over --config, which wins over .env, which wins over keys made here.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import yaml
from cryptography.fernet import Fernet
from dotenv import dotenv_values

from ops.data_folder import DataFolder, write_private
from ops.program import CannotStart

FALSE_WORDS = {"false", "0", "no", "off", "f", "n"}
KEPT_FOR_TOOLS = (
    "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_KEYS", "DRY_RUN", "PAPER_EXCHANGE_URL", "PAPER_EXCHANGE_URLS",
    "DB_SCHEMA", "REDIS_PREFIX", "WEB_URL", "SIGNALS_URL", "DEMO_SIGNAL_TOKEN",
)  # fmt: skip


def configured(base: Path, config: Path | None) -> dict[str, str]:
    return {**_env_file(base / ".env"), **(_config_file(config) if config else {}), **os.environ}


def trades_for_real(values: Mapping[str, str], asked: bool) -> bool:
    """Real orders need two words: --live here and DRY_RUN=false in the configuration."""
    allowed = values.get("DRY_RUN", "true").strip().lower() in FALSE_WORDS
    if asked and not allowed:
        raise CannotStart(
            "--live sends real orders, so it also needs DRY_RUN=false in .env or the environment; "
            "nothing was started."
        )
    return asked


def keys_for(values: Mapping[str, str], data: DataFolder) -> dict[str, str]:
    """Keys nobody configured: made once, kept beside the data they open."""
    kept = _env_file(data.keys)
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "DEMO_SIGNAL_TOKEN": secrets.token_urlsafe(24),
    }
    missing = {name: value for name, value in made.items() if name not in kept and not values.get(name)}
    if missing:
        write_env_file(data.keys, kept | missing)
    return {name: values.get(name) or (kept | missing)[name] for name in made}


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in values.items()}
    write_private(path, "".join(f"{name}='{value}'\n" for name, value in quoted.items()))


def _env_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return {
        name: value for name, value in dotenv_values(path, interpolate=False).items() if value is not None
    }


def _config_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise CannotStart(f"There is no configuration file {path}; name an environment file or a YAML file.")
    if path.suffix not in (".yaml", ".yml"):
        return _env_file(path)
    try:
        content = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise CannotStart(f"{path} is no readable YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise CannotStart(f"{path} must hold names and values, like config/dev.yaml.")
    return {str(name).upper(): _as_text(path, name, value) for name, value in content.items()}


def _as_text(path: Path, name: object, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(str(part) for part in value)
    if isinstance(value, dict) or value is None:
        raise CannotStart(f"{name} in {path} must be a plain value or a list.")
    return str(value)
