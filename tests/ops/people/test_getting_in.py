"""The doors as a person meets them: password, second factor, lock-out, sessions, saying once more who it is."""

from __future__ import annotations

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from exchanges.models import FlatRun
from tests.builders import an_account
from tests.people import SECRET, a_person, code_now, with_second_factor
from tradingbot.cache import RedisOrMemory
from tradingbot.freshness import CONFIRMED_AT

pytestmark = pytest.mark.django_db
LOGIN, PASSWORD = "/accounts/login/", "a long password"
PHONE = "Mozilla/5.0 (a phone)"


@pytest.fixture(autouse=True)
def _nobody_is_locked_out():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada():
    return a_person("trader", "ada", password=PASSWORD)


def signs_in(client: Client, password: str = PASSWORD, name: str = "ada", **words):
    return client.post(LOGIN, {"login": name, "password": password} | words)


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def is_stale(client: Client) -> None:
    session = client.session
    session[CONFIRMED_AT] = time.time() - settings.FRESH_FOR.total_seconds() - 1
    session.save()


def test_a_first_sign_in_leads_to_the_second_factor_which_can_be_put_off_on_paper(client, ada, settings):
    assert signs_in(client).url == "/accounts/second-factor/"
    page = client.get("/accounts/second-factor/").content.decode()
    assert ("Later" in page, "paper exchange" in page) == (True, True)
    settings.DRY_RUN = False
    page = client.get("/accounts/second-factor/").content.decode()
    assert ("Later" in page, "real money" in page) == (False, True)
    assert is_in(client)  # whoever must stop the bot is never kept from it


def test_where_one_wanted_to_go_is_where_one_comes_out(client, ada):
    assert client.get("/switch/").url == "/accounts/login/?next=/switch/"
    asked = signs_in(client, next="/switch/").url
    assert asked == "/accounts/second-factor/?next=%2Fswitch%2F"
    assert '<a class="button" href="/switch/">Later</a>' in client.get(asked).content.decode()
    with_second_factor(ada)
    assert client.get(asked).url == "/switch/"
    assert client.get(LOGIN, {"next": "/switch/"}).url == "/switch/"


def test_nobody_is_led_to_another_site(client, ada):
    assert signs_in(client, next="https://evil.example/").url == "/accounts/second-factor/"
    for evil in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        page = client.get("/accounts/second-factor/", {"next": evil}).content.decode()
        assert '<a class="button" href="/">Later</a>' in page


def test_an_app_is_set_up_kept_sealed_and_asked_for(client, ada):
    signs_in(client)
    page = client.get("/accounts/2fa/totp/activate/")
    assert page.status_code == 200
    assert "data:image/svg+xml" in page.content.decode()
    with_second_factor(ada)
    assert SECRET not in str(Authenticator.objects.get().data)
    assert client.get("/accounts/second-factor/").url == "/"
    stranger = Client()
    assert signs_in(stranger).url == "/accounts/2fa/authenticate/"
    assert not is_in(stranger)
    assert stranger.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not is_in(stranger)
    stranger.post("/accounts/2fa/authenticate/", {"code": code_now()})
    assert is_in(stranger)
    thief = Client()  # who looked over the shoulder
    signs_in(thief)
    thief.post("/accounts/2fa/authenticate/", {"code": code_now()})
    assert not is_in(thief)


def test_recovery_codes_open_the_door_once_each(client, ada):
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    with_second_factor(ada)
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]
    for expected in (True, False):
        other = Client()
        signs_in(other)
        other.post("/accounts/2fa/authenticate/", {"code": code})
        assert is_in(other) is expected


def test_who_guesses_is_locked_out_and_so_is_the_right_password_for_a_while(client, ada):
    for _ in range(5):
        assert signs_in(client, "wrong").status_code == 200
    answer = signs_in(client)
    assert "Too many failed login attempts" in answer.content.decode()
    assert not is_in(client)
    assert signs_in(Client(REMOTE_ADDR="198.51.100.7")).status_code == 200  # nor from elsewhere


def test_without_redis_one_gets_in_and_guessers_are_still_locked_out(client, ada, settings, monkeypatch):
    monkeypatch.setattr(RedisOrMemory, "away_until", 0.0)
    away = settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = {"default": away}
    try:
        other = Client()
        assert signs_in(other).url == "/accounts/second-factor/"
        assert is_in(other)
        for _ in range(5):
            assert signs_in(client, "wrong").status_code == 200
        assert "Too many failed login attempts" in signs_in(client).content.decode()
    finally:
        from django.core.cache import caches

        caches["default"]._spare.clear()


def test_the_answer_does_not_say_which_names_exist(client, ada):
    known, unknown = signs_in(client, "wrong"), signs_in(client, "wrong", name="nobody")
    assert known.context["form"].errors == unknown.context["form"].errors


def test_whoever_is_switched_off_stays_out(client, ada):
    User.objects.update(is_active=False)
    assert signs_in(client).url == "/accounts/inactive/"
    assert not is_in(client)


def test_the_admin_uses_the_same_door_and_nobody_goes_in_circles(client, ada):
    admin = client.get("/admin/login/?next=/admin/", follow=True)
    assert [path for path, _ in admin.redirect_chain] == ["/accounts/login/?next=%2Fadmin%2F"]
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/?next=")
    client.force_login(User.objects.create_user("customer"))
    answer = client.get("/admin/", follow=True)
    assert (answer.status_code, len(answer.redirect_chain) <= 2) == (403, True)


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/email/", "/accounts/password/reset/"])
def test_nobody_signs_up_or_comes_in_by_mail(client, path):
    answer = client.post(path, {"username": "eve", "password1": "correct horse battery"})
    assert answer.status_code == 404 or "Nobody signs up here" in answer.content.decode()
    assert not User.objects.filter(username="eve").exists()


def test_sessions_are_listed_and_the_others_can_be_ended(client, ada):
    other = Client(HTTP_USER_AGENT=PHONE, REMOTE_ADDR="203.0.113.9")
    signs_in(other)
    signs_in(client)
    page = client.get("/accounts/sessions/").content.decode()
    assert (PHONE in page, "203.0.113.9" in page) == (True, True)
    client.post("/accounts/sessions/")
    assert (is_in(client), is_in(other)) == (True, False)
    assert UserSession.objects.count() == 1


def test_a_session_is_seen_once_a_minute_and_its_forwarded_address_is_nobodys_word(client, ada):
    signs_in(client)
    client.get("/", HTTP_X_FORWARDED_FOR="203.0.113.1")
    before = UserSession.objects.get()
    client.get("/")
    after = UserSession.objects.get()
    assert (before.ip, before.last_seen_at) == ("127.0.0.1", after.last_seen_at)


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_cannot_be_called_back_asks_once_more_who_it_is(client, ada, method):
    an_account(name="main")
    signs_in(client)
    is_stale(client)
    form = {"word": "main", "reason": "storm"}
    answer = getattr(client, method)("/switch/main/flat/", form if method == "post" else {})
    assert answer.url == "/accounts/reauthenticate/?next=%2Fswitch%2Fmain%2Fflat%2F"
    assert not FlatRun.objects.exists()
    assert client.post(answer.url, {"password": "wrong", "next": "/switch/main/flat/"}).status_code == 200
    again = client.post(answer.url, {"password": PASSWORD, "next": "/switch/main/flat/"})
    assert again.url == "/switch/main/flat/"
    assert not FlatRun.objects.exists()  # what was typed is not kept for later
    assert client.post("/switch/main/flat/", form).status_code == 302
    assert FlatRun.objects.count() == 1


def test_to_halt_needs_no_second_word_however_old_the_session(client, ada):
    account = an_account(name="main")
    signs_in(client)
    is_stale(client)
    assert client.post("/switch/main/halt/", {"word": "main", "reason": "storm"}).url == "/switch/"
    account.refresh_from_db()
    assert account.trading_state == "halted"


def test_keys_are_for_whoever_just_signed_in(client):
    client.force_login(a_person("admin", "owner"))
    account = an_account(name="main")
    is_stale(client)
    page = f"/admin/exchanges/exchangeaccount/{account.pk}/change/"
    for answer in (client.get(page), client.post(page, {"api_key": "typed-in-vain"})):
        assert answer.url.startswith("/accounts/reauthenticate/")
    assert "typed-in-vain" not in str(dict(client.session))


def test_a_program_is_told_in_its_own_words(client, ada):
    an_account(name="main")
    client.force_login(ada)
    is_stale(client)
    answer = client.post("/switch/main/flat/", {}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["confirm_at"][:25]) == (403, "/accounts/reauthenticate/")
    answer = client.post("/switch/main/flat/", {}, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith("/accounts/reauthenticate/")


@pytest.mark.parametrize(
    "path",
    ["/accounts/login/", "/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/",
     "/accounts/sessions/", "/accounts/password/change/", "/accounts/reauthenticate/", "/accounts/second-factor/"],
)  # fmt: skip
def test_the_doors_run_under_the_policy_of_all_pages(client, ada, path):
    if path != LOGIN:
        client.force_login(ada)
    answer = client.get(path, HTTP_HOST="localhost")
    page = answer.content.decode()
    assert (answer.status_code, "unsafe" in answer["Content-Security-Policy"]) == (200, False)
    for inline in ("<style", " style=", "onclick=", "<script>"):
        assert inline not in page
