"""Secrets of every kind, typed, sent, configured and mistyped at the running system: nothing it writes holds one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from ops.embedded.postgres import binary
from tests.ops.waiting import until
from tests.secrets.planting import Planted, a_secret, all_of_redis, rows_of_all_tables
from tests.secrets.whole_system import Browser, WholeSystem, environment, listening_to
from tests.template_database import OUR_POSTGRES

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]
NOBODY = "127.0.0.1:9"
ACCOUNTS, TARGETS = "/admin/exchanges/exchangeaccount/", "/admin/ops/notifytarget/"
SENDERS = "/admin/signals_app/signalsender/"


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database, without a password."""
    address, name = os.environ[OUR_POSTGRES], f"planted_{uuid.uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield address.replace("/postgres?", f"/{name}?")
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def system(tmp_path: Path, planted: Planted, database: str) -> WholeSystem:
    password = planted.plant("the database's password")
    env = environment(
        planted,
        DATABASE_URL=database.replace("postgres@", f"postgres:{password}@"),
        SECRET_KEY=planted.plant("SECRET_KEY", a_secret(48)),
        FIELD_KEYS=planted.plant("FIELD_KEYS", Fernet.generate_key().decode()),
        HEARTBEAT_URL=f"http://{NOBODY}/{planted.plant('the heartbeat address')}",
        METRICS_TOKEN=planted.plant("METRICS_TOKEN", a_secret(36)),
        SIGNAL_WS_URL=f"ws://{NOBODY}",
        SIGNAL_WS_TOKEN=planted.plant("the signal server's token"),
        DEMO_SIGNAL_TOKEN=planted.plant("the demo's token"),
    )
    return WholeSystem(tmp_path, planted, env)


def test_nothing_the_whole_system_writes_holds_a_secret(
    system: WholeSystem, planted: Planted, database: str
) -> None:
    with system.up():
        shown_once = [planted.plant("the first password", system.first_password)]
        shown_once.append(planted.plant("the link of the start", system.link_word))
        with listening_to(system.run_env["REDIS_URL"], planted):
            browser = Browser(system.run_env["WEB_URL"], planted)
            sign_in(browser, planted)
            tokens = type_secrets(browser, planted)
            mistype_secrets(browser, planted)
            for origin in dict.fromkeys((browser.origin, system.doors)):
                send_signals(Browser(origin, planted), planted, tokens["sender"])
            ask_the_api(browser, planted, tokens)
            send_through_the_stream(system, planted, database)
            until(lambda: told_of_failure(database), "messages that were not taken", 120)
            look_everywhere(browser)
            use_commands(system, planted)
        hear_all_that_is_kept(system, planted, database)
    said = system.said()
    for one in shown_once:
        said = said.replace(one, "<shown once>", 1)
    planted.hear("the terminal", said)
    for name, text in system.logs():
        planted.hear(name, text)
    assert_it_was_heard(planted)
    leaks = planted.leaks()
    assert leaks == [], "\n".join(leaks)


def sign_in(browser: Browser, planted: Planted) -> None:
    guest = Browser(browser.origin, planted)
    for word in (planted.plant("a wrong word of a link"), planted.known["the link of the start"]):
        guest.post("/accounts/link/", {"word": word})
    assert guest.get("/settings/tokens/").url.endswith("/settings/tokens/"), "the link signed in"
    wrong = {"login": "admin", "password": planted.plant("a mistyped password")}
    assert browser.post("/accounts/login/", wrong).status_code == 200
    old = planted.known["the first password"]
    assert browser.post("/accounts/login/", {"login": "admin", "password": old}).ok
    new = planted.plant("a chosen password", "Pq correct horse 7& battery")
    form = {"oldpassword": old, "password1": new, "password2": new}
    assert browser.post("/accounts/password/change/", form).ok
    browser.post("/accounts/password/change/", form | {"password2": planted.plant("a password typed once")})
    page = browser.get("/accounts/2fa/totp/activate/", shows=True).text
    secret = planted.plant("the secret of the second factor", re.findall(r"\b[A-Z2-7]{32}\b", page)[0])
    browser.post("/accounts/2fa/totp/activate/", {"code": "000000"}, shows=True)
    browser.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)}, shows=True)
    shown = browser.get("/accounts/2fa/recovery-codes/", shows=True).text
    codes = re.findall(r"\b[0-9a-f]{10,}\b|\b\d{8,10}\b", re.sub(r"<[^>]*>", " ", shown))
    assert codes, "recovery codes are shown"
    for number, code in enumerate(codes[:3]):
        planted.plant(f"recovery code {number}", code)


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def type_secrets(browser: Browser, planted: Planted) -> dict[str, str]:
    """Where they belong. What the system itself makes is shown in one answer, which is not searched."""
    account = {
        "name": "planted", "venue": "binance", "api_key": planted.plant("an exchange key"),
        "api_secret": planted.plant("an exchange secret"), "position_mode": "hedge", "margin_mode": "cross",
        "max_open_positions": "3", "max_exposure": "1000", "unknown_positions": "alarm", "adopted_stop_percent": "2",
        **management("balance"),
    }  # fmt: skip
    assert "was added successfully" in browser.post(f"{ACCOUNTS}add/", account).text
    place = f"user:{planted.plant('a password in an address')}@{NOBODY}/{planted.plant('an address')}"
    target = {
        "name": "planted", "least_severity": "low", "time_zone": "UTC", "enabled": "on",
        "new_address": f"json://{place}",
    }  # fmt: skip
    assert "was added successfully" in browser.post(f"{TARGETS}add/", target).text
    browser.post(TARGETS, {"action": "send_a_test", "_selected_action": "1"})
    sender = {
        "name": "planted", "enabled": "on", "max_age_seconds": "", "rate_per_minute": "100", "burst": "50",
        "allowed_networks": "", "replay_window_seconds": "300", "new_signing_key": planted.plant("a signing key"),
    }  # fmt: skip
    shown = browser.post(f"{SENDERS}add/", sender, shows=True).text
    of_sender = planted.plant("a sender's token", re.findall(r'class="new-token">([\w-]{43})<', shown)[0])
    made = {}
    for scope in ("read", "panic"):
        form = {"name": scope, "scope": scope, "days": "3"}
        page = browser.post("/settings/tokens/", form, shows=True).text
        made[scope] = planted.plant(f"a token of {scope}", re.findall(r'id="new-token">(\S+)<', page)[0])
    return made | {"sender": of_sender}


def management(prefix: str) -> dict[str, str]:
    return {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}


def mistype_secrets(browser: Browser, planted: Planted) -> None:
    """Forms that are refused must not give back what was typed, nor may an address that is no page."""
    pages = {
        f"{ACCOUNTS}add/": ("api_key", "api_secret"),
        f"{TARGETS}add/": ("new_address",),
        f"{SENDERS}add/": ("new_signing_key",),
        "/admin/auth/user/add/": ("password1", "password2"),
        "/admin/auth/user/1/password/": ("password1", "password2"),
        "/accounts/reauthenticate/": ("password",),
        "/accounts/2fa/reauthenticate/": ("code",),
    }
    for page, fields in pages.items():
        typed = {name: planted.plant(f"{name} mistyped at {page}") for name in fields}
        assert browser.post(page, typed | {"name": "no name!"}).status_code in (200, 302, 422), page
    address = planted.plant("no address of a service")
    browser.post(f"{TARGETS}add/", {"name": "x", "new_address": address})
    for place in ("/health/", "/no/such/page/", "/webhook/planted/", "/api/v1/positions", "/admin/"):
        browser.get(place, params={"token": planted.plant(f"a token in the address of {place}")})
    browser.post(
        f"{ACCOUNTS}1/change/", {"api_key": planted.plant("a key without the rest"), "venue": "\x00"}
    )


def send_signals(browser: Browser, planted: Planted, good: str) -> None:
    signal = {"symbol": "BTCUSDT", "message": "TREND UP", "bar_time": "2026-01-01T00:00:00Z"}
    path = "/webhook/planted/"
    wrong = [planted.plant(f"a wrong token of a sender {number} at {browser.origin}") for number in range(3)]
    for token in (good, wrong[0]):
        browser.call("POST", path, json=signal | {"token": token})
        browser.call("POST", path, json=signal | {"secret": token, "deep": {"token": token}})
        browser.call("POST", path, json=signal, headers={"Authorization": f"Bearer {token}"})
        browser.call("POST", path, json=signal, headers={"X-Webhook-Token": token, "X-Signature": token})
        browser.call("POST", f"{path}{token}/", json=signal)
        browser.call(
            "POST", path, data=f"token={token} {json.dumps(signal)}", headers={"Content-Type": "text/plain"}
        )
        browser.call("POST", path, data='{"token": "' + token, headers={"Content-Type": "application/json"})
    browser.call("POST", f"/webhook/{wrong[1]}{wrong[1]}/", json=signal)
    door = browser.origin.replace("http", "ws", 1) + "/ws/signals/"
    for token in (good, wrong[2]):
        with suppress(WebSocketException, TimeoutError), connect(door, open_timeout=30) as socket:
            socket.recv(timeout=10)
            socket.send(json.dumps({"type": "auth", "token": token}))
            planted.hear("an answer", str(socket.recv(timeout=10)))
            socket.send('{"type": "signal", "token": "' + token)
            planted.hear("an answer", str(socket.recv(timeout=10)))


def ask_the_api(browser: Browser, planted: Planted, tokens: dict[str, str]) -> None:
    wrong = planted.plant("a wrong token of a program", f"tb_{a_secret(30)}")
    for token in (*tokens.values(), wrong):
        bearer = {"Authorization": f"Bearer {token}"}
        for path in (
            "positions",
            "accounts",
            "notifications",
            "events",
            "health/page",
            "reports/days",
            "nowhere",
        ):
            browser.call("GET", f"/api/v1/{path}", headers=bearer)
        key = {"Idempotency-Key": str(uuid.uuid4())}
        browser.call(
            "POST", "/api/v1/entries/pause", json={"reason": 5, "token": token}, headers=bearer | key
        )
        browser.call("POST", "/api/v1/close-all", data="{" + token, headers=bearer | key)
        browser.call("GET", "/metrics", headers=bearer)
    metrics = {"Authorization": f"Bearer {planted.known['METRICS_TOKEN']}"}
    assert browser.call("GET", "/metrics", headers=metrics).ok


def send_through_the_stream(system: WholeSystem, planted: Planted, database: str) -> None:
    """It asks for no token. What somebody puts there all the same stays where he put it, and goes no further."""
    token = planted.plant("a token that nobody asked for")
    signal = {"symbol": "BTCUSDT", "message": "STREAM", "token": token, "bar_time": "2026-01-01T00:00:00Z"}
    with redis.Redis.from_url(system.run_env["REDIS_URL"]) as client:
        for more in ({}, {"deep": json.dumps({"secret": token})}, {"bar_time": f"token={token}"}):
            client.xadd("signals_stream", signal | more)

    def is_in_the_ledger() -> bool:
        with psycopg.connect(database) as connection:
            found = connection.execute(
                "SELECT count(*) FROM tradingbot.signals_v2_log WHERE message = 'STREAM'"
            )
            return bool((found.fetchone() or [0])[0])

    until(is_in_the_ledger, "the stream's signals in the ledger", 120)


def told_of_failure(database: str) -> bool:
    with psycopg.connect(database) as connection:
        said = connection.execute(
            "SELECT count(*) FROM tradingbot.notify_messages WHERE error <> ''"
        ).fetchone()
    return bool(said and said[0])


def look_everywhere(browser: Browser) -> None:
    pages = [
        "/", "/health/", "/health.json", "/health/panels/", "/signals/ledger/", "/signals/", "/orders/", "/trades/",
        "/trades/trades.csv", "/strategies/", "/settings/", "/settings/tokens/", "/setup/", "/switch/", "/healthz",
        "/readyz", "/metrics", "/api/v1/openapi.json", f"{ACCOUNTS}1/change/", f"{ACCOUNTS}1/history/",
        f"{TARGETS}1/change/", f"{TARGETS}1/history/", f"{SENDERS}1/change/", f"{SENDERS}1/history/",
        "/accounts/sessions/", "/accounts/2fa/",
    ]  # fmt: skip
    index = browser.get("/admin/").text
    lists = sorted(set(re.findall(r'href="(/admin/[a-z_]+/[a-z]+/)"', index)))
    assert len(lists) > 20, lists
    for page in (*pages, *lists):
        assert browser.get(page).status_code < 500, page


def use_commands(system: WholeSystem, planted: Planted) -> None:
    assert system.manage("dumpdata", "exchanges", "ops", "signals_app", "auth", "mfa", "--format", "json")
    for command in ("check_setup", "verify_trail", "rotate_keys --dry-run", "export trades --csv", "balance"):
        system.manage(*command.split())
    folder = Path(system.manage("backup", "--folder", str(system.folder / "backups")).strip())
    for file in (one for one in folder.rglob("*") if one.is_file()):
        planted.hear("a backup", as_text(file))
    away = {"DATABASE_URL": f"postgresql://bot:{planted.plant('a password of no database')}@{NOBODY}/bot"}
    away |= {"REDIS_URL": f"redis://:{planted.plant('a password of no Redis')}@{NOBODY}/0"}
    system.manage("check_setup", **away)
    system.manage("migrate", "--check", **away)
    system.manage("check_setup", SECRET_KEY=planted.plant("a short SECRET_KEY", "Pq-too-short-a-secret"))
    system.manage("check_setup", FIELD_KEYS=planted.plant("no key of Fernet"))
    system.manage("check_setup", HEARTBEAT_URL=f"ftp://{planted.plant('an address nobody calls')}")


def as_text(file: Path) -> str:
    with file.open("rb") as opened:
        if opened.read(5) != b"PGDMP":
            return file.read_text(errors="replace")
    command = [str(binary("pg_restore")), "-f", "-", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def hear_all_that_is_kept(system: WholeSystem, planted: Planted, database: str) -> None:
    with psycopg.connect(database) as connection, connection.cursor() as cursor:
        for table, row in rows_of_all_tables(cursor, planted.known["SECRET_KEY"]):
            planted.hear(f"the table {table}", row)
    with redis.Redis.from_url(system.run_env["REDIS_URL"]) as client:
        own_words = planted.known["a token that nobody asked for"]
        told = planted.told["what Redis is told"]
        planted.told["what Redis is told"] = [one.replace(own_words, "") for one in told]
        planted.hear("Redis", all_of_redis(client).replace(own_words, ""))
    for name in ("keys.env", "run.env"):
        file = system.data / name
        assert not file.exists() or file.stat().st_mode & 0o077 == 0, (
            "files that hold secrets are their owner's"
        )


def assert_it_was_heard(planted: Planted) -> None:
    """Else nothing would be found in nothing."""
    told = {where: "\n".join(texts) for where, texts in planted.told.items()}
    assert "planted" in told["the table exchanges_exchangeaccount"]
    assert "planted" in told["the table trail"], "the trail tells who set up what"
    assert "planted" in told["manage.py dumpdata"]
    assert "exchanges_exchangeaccount" in told["a backup"]
    assert "celery" in told["what Redis is told"].lower()
    assert {"web.log", "worker.log", "intake.log", "notify.log"} <= told.keys(), sorted(told)
    assert '"level"' in told["web.log"], "in JSON"
