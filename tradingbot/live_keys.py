"""Keys that real money may hang on: somebody made them, and they are not the ones of an example. Pure."""

from __future__ import annotations

from base64 import urlsafe_b64decode

SHORTEST = 50
FEWEST_CHARACTERS = 10
FEWEST_BYTES = 12  # of 32; in a key that was drawn there are hardly ever fewer than 26
EXAMPLES = ("django-insecure", "only-for-", "at-least-32", "change", "example", "secret-key")


def why_not_live(secret_key: str, field_keys: str, is_debugging: bool) -> None:
    """Raises ValueError with what to do about it."""
    if len(secret_key) < SHORTEST or len(set(secret_key)) < FEWEST_CHARACTERS:
        raise ValueError(
            f"SECRET_KEY is too simple for live trading: draw one of {SHORTEST} characters or more"
        )
    if secret_key.lower().startswith(EXAMPLES):
        raise ValueError("SECRET_KEY is the one of an example: draw one for live trading")
    if any(len(set(urlsafe_b64decode(key.strip()))) < FEWEST_BYTES for key in field_keys.split(",")):
        raise ValueError(
            "FIELD_KEYS holds a key of an example: draw one for live trading (manage.py rotate_keys)"
        )
    if is_debugging:
        raise ValueError(
            "DEBUG is on: its pages show settings and rows to whoever meets an error; no live trading"
        )
