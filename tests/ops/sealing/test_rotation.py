"""Keys change: what is sealed comes along, or nothing does."""

from __future__ import annotations

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from exchanges.models import ExchangeAccount
from exchanges.secrets import SecretUnreadable
from ops.sealing.services import look
from tests.builders import an_account
from tests.people import SECRET, a_person, with_second_factor

pytestmark = pytest.mark.django_db
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def keys(settings):
    """Two accounts and an authenticator app, all from before the new key came."""
    settings.FIELD_KEYS = [OLD]
    an_account(name="main", api_key="planted-key", api_secret="planted-secret")
    an_account(name="empty", api_key="", api_secret="")
    with_second_factor(a_person("admin"))
    settings.FIELD_KEYS = [NEW, OLD]
    return settings


def said(*words: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *words, stdout=out)
    return out.getvalue()


def test_everything_comes_under_the_new_key_and_stays_readable(keys):
    assert said("--dry-run") == "3 sealed values, 3 of them under an older key.\n"
    assert said().startswith("3 of 3 sealed values are under the newest key now.")
    keys.FIELD_KEYS = [NEW]
    account = ExchangeAccount.objects.get(name="main")
    assert (account.api_key, account.api_secret) == ("planted-key", "planted-secret")
    assert Authenticator.objects.get().wrap().instance.data["secret"] != SECRET
    assert all(one.is_newest for one in look())
    assert said().startswith("0 of 3")


def test_what_was_begun_is_ended_by_the_next_run(keys):
    ExchangeAccount.objects.filter(name="main").update(api_key="typed anew")
    assert said().startswith("2 of 3")


def test_one_value_nobody_can_open_keeps_all_as_they_are(keys):
    keys.FIELD_KEYS = [NEW]
    with pytest.raises(CommandError, match=r"Nothing was changed.*ExchangeAccount \d+ api_key") as refused:
        said()
    assert "planted" not in str(refused.value)
    keys.FIELD_KEYS = [OLD]
    assert ExchangeAccount.objects.get(name="main").api_key == "planted-key"


def test_a_wrong_key_gives_no_value_instead_of_a_wrong_one(keys):
    keys.FIELD_KEYS = [NEW]
    with pytest.raises(SecretUnreadable):
        ExchangeAccount.objects.get(name="main")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE exchanges_exchangeaccount SET api_key = 'in the clear' WHERE name = 'main'")
    with pytest.raises(SecretUnreadable):
        ExchangeAccount.objects.get(name="main")


def test_a_dump_holds_secrets_sealed_and_gives_them_back(keys, tmp_path):
    file = tmp_path / "dump.json"
    call_command("dumpdata", "exchanges.exchangeaccount", output=str(file))
    assert "planted" not in file.read_text()
    ExchangeAccount.objects.filter(name="main").update(api_key="gone")
    call_command("loaddata", str(file), verbosity=0)
    assert ExchangeAccount.objects.get(name="main").api_key == "planted-key"
