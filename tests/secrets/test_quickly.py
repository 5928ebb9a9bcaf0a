"""The search itself, and a sample of the places where secrets come in. All of them: test_whole_system.py."""

from __future__ import annotations

import base64
import logging
import re
from io import StringIO
from urllib.parse import quote

import pytest
import redis
from django.conf import settings as configured
from django.core.management import call_command
from django.db import connection
from django.test import Client

from exchanges.models import ExchangeAccount
from ops.models import NotifyMessage, NotifyTarget
from ops.notify.apprise_sender import send
from ops.notify.services import delivering
from signals_app.models import SignalSender
from signals_app.tokens import token_hash
from tests.ops.people.test_getting_in import signs_in
from tests.people import a_person
from tests.positions.test_admin import form_of
from tests.secrets.planting import Planted, all_of_redis, rows_of_all_tables

pytestmark = pytest.mark.django_db
NOBODY = "127.0.0.1:9"


@pytest.mark.parametrize(
    "written",
    [
        "{}", "xx{}yy", "half: {:.15}", "{!r}",
    ],
)  # fmt: skip
def test_a_secret_is_found_in_a_text(written: str) -> None:
    planted = Planted()
    planted.hear("a log", written.format(planted.plant("a key")))
    assert len(planted.leaks()) == 1


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_secret_is_found_in_disguise(before: str) -> None:
    value = "pa/ss+word?of some&length"
    for hidden in (
        base64.b64encode(f"{before}{value}zz".encode()).decode(), quote(f"{before}{value}"), value.encode().hex(),
        quote(value, safe=""), value[::-1], value[:12], value[12:],
    ):  # fmt: skip
        planted = Planted({"a password": value}, {"a log": [hidden]})
        assert planted.leaks(), hidden


def test_what_is_not_there_is_not_found() -> None:
    planted = Planted({}, {"a log": ["nothing of it"]})
    planted.plant("a key")
    assert planted.leaks() == []


@pytest.fixture
def planted() -> Planted:
    return Planted()


def hear(planted: Planted, answer) -> str:
    text = answer.content.decode()
    planted.hear("an answer", f"{dict(answer.headers)} {answer.cookies} {text}")
    return text


def test_what_is_typed_is_sealed_or_hashed_and_given_back_by_no_page(
    planted: Planted, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    boss = a_person("admin", "ada", password=planted.plant("a password", "Pq correct horse 7& battery"))
    hear(planted, signs_in(client, planted.plant("a mistyped password")))
    hear(planted, signs_in(client, planted.known["a password"]))
    type_into_admin(planted, client)
    made = client.post("/settings/tokens/", {"name": "x", "scope": "read", "days": "3"}).context["token"]
    planted.plant("a program's token", made)
    bearer = {"Authorization": f"Bearer {made}"}
    for path in ("accounts", "notifications", "nowhere"):
        hear(planted, client.get(f"/api/v1/{path}", headers=bearer))
    wrong = {"Authorization": f"Bearer {planted.plant('a wrong token')}"}
    hear(planted, client.get("/api/v1/accounts", headers=wrong))
    for page in ("/settings/tokens/", "/admin/ops/notifymessage/", "/admin/ops/notifytarget/", "/health/"):
        hear(planted, client.get(page))
    out = StringIO()
    call_command("dumpdata", "exchanges", "ops", "signals_app", "auth", stdout=out)
    planted.hear("dumpdata", out.getvalue())
    hear_what_is_kept(planted, caplog)
    assert boss.username in "".join(planted.told["the table auth_user"])
    assert planted.leaks() == []


def type_into_admin(planted: Planted, client: Client) -> None:
    account = ExchangeAccount.objects.create(name="main")
    page = f"/admin/exchanges/exchangeaccount/{account.pk}/change/"
    keys = {"api_key": planted.plant("an exchange key"), "api_secret": planted.plant("an exchange secret")}
    hear(planted, client.post(page, form_of(account, **keys), follow=True))
    assert ExchangeAccount.objects.get().api_key == keys["api_key"]
    hear(planted, client.post(page, {"api_key": planted.plant("a key without the rest")}))
    place = f"user:{planted.plant('a password in an address')}@{NOBODY}/{planted.plant('an address')}"
    told = {"name": "phone", "least_severity": "low", "time_zone": "UTC", "enabled": "on"}
    hear(
        planted,
        client.post("/admin/ops/notifytarget/add/", told | {"new_address": f"json://{place}"}, follow=True),
    )
    hear(planted, client.post("/admin/ops/notifytarget/add/", {"new_address": planted.plant("no address")}))
    delivering.ask_for_a_test(NotifyTarget.objects.get().pk, "ada")
    delivering.deliver(NotifyTarget.objects.get().pk, send)
    assert NotifyMessage.objects.get().error, "and it failed"
    sender = {
        "name": "charts",
        "enabled": "on",
        "rate_per_minute": "10",
        "burst": "5",
        "replay_window_seconds": "300",
    }
    sender |= {"new_signing_key": planted.plant("a signing key")}
    shown = client.post("/admin/signals_app/signalsender/add/", sender)
    (token,) = re.findall(r'new-token">([\w-]{43})<', shown.content.decode())
    planted.plant("a sender's token", token)
    planted.hear("an answer", str(shown.cookies))
    assert SignalSender.objects.get().token_hash == token_hash(token)


def hear_what_is_kept(planted: Planted, caplog: pytest.LogCaptureFixture) -> None:
    planted.hear("the log", caplog.text)
    with connection.cursor() as cursor:
        for table, row in rows_of_all_tables(cursor, configured.SECRET_KEY):
            planted.hear(f"the table {table}", row)
    with redis.Redis.from_url(configured.REDIS_URL) as kept:
        planted.hear("Redis", all_of_redis(kept))
