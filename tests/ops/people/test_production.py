"""Settings away from localhost, and what live trading does not start with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from ops.data_folder import DataFolder
from ops.environment import keys_for
from tradingbot.environment import BASE_DIR
from tradingbot.live_keys import why_not_live

GOOD = "kX3vN8qLr2T_wZ7bYc5MdE1aHgJ9fRsU4oPiVx6eQmB-0nKtCyWl"
KEY = Fernet.generate_key().decode()


def checked(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("check", *words, **environment)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "manage.py", *words]
    return subprocess.run(
        command, cwd=BASE_DIR, env=os.environ | environment, capture_output=True, text=True, timeout=60
    )


def test_a_deployment_has_nothing_to_complain_of() -> None:
    done = checked(
        "--deploy", "--fail-level", "WARNING",
        ALLOWED_HOSTS="bot.example.com", SECRET_KEY=GOOD, FIELD_KEYS=KEY, DRY_RUN="false",
    )  # fmt: skip
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (0, []), done.stderr


def test_whoever_watches_from_this_machine_is_answered_whatever_the_page_is_called() -> None:
    """A healthcheck and Prometheus ask 127.0.0.1 over plain http, also where people come by a name and https."""
    asked = """
from django.test import Client
seen = Client(headers={"host": "127.0.0.1:8000"})
print([seen.get(path).status_code for path in ("/healthz", "/metrics", "/accounts/login/")])
"""
    done = run("shell", "-v", "0", "-c", asked, ALLOWED_HOSTS="bot.example.com", METRICS_TOKEN="t" * 20)
    assert done.stdout.strip() == "[200, 401, 301]", done.stderr


def test_live_trading_does_not_start_with_keys_of_the_tests() -> None:
    done = checked(DRY_RUN="false")
    assert done.returncode != 0
    assert "SECRET_KEY is" in done.stderr


@pytest.mark.parametrize(
    ("secret", "field_keys", "debugging", "sentence"),
    [
        (GOOD[:49], KEY, False, "too simple"), ("ab" * 40, KEY, False, "too simple"),
        ("django-insecure-" + GOOD, KEY, False, "example"),
        ("at-least-32-random-characters" + GOOD, KEY, False, "example"),
        (GOOD, "A" * 43 + "=", False, "FIELD_KEYS"), (GOOD, f"{KEY},{'A' * 43}=", False, "FIELD_KEYS"),
        (GOOD, KEY, True, "DEBUG"),
    ],
    ids=["short", "one pattern", "Django's", "the example's", "no key", "one key is none", "debugging"],
)  # fmt: skip
def test_each_reason_is_said(secret: str, field_keys: str, debugging: bool, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        why_not_live(secret, field_keys, debugging)


def test_keys_that_the_first_start_draws_are_good_enough(tmp_path) -> None:
    data = DataFolder(tmp_path / "data")
    data.path.mkdir()
    made = keys_for({}, data)
    why_not_live(made["SECRET_KEY"], made["FIELD_KEYS"], False)
