"""A person's settings, the steps of setting up, a connection tested, and what the admin lets nobody switch off."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from exchanges.models import ExchangeAccount
from exchanges.paper.inprocess import FRONTS
from ops.desk import setting_up
from ops.desk.preference_models import Preferences
from ops.desk.schedule_admin import MAY_REST, NEEDED
from positions.services.instruments import refresh_instruments
from tests.builders import a_position, a_signal_log, a_strategy, a_ticker, an_account
from tradingbot.schedule import SCHEDULE

pytestmark = pytest.mark.django_db
CHOSEN = {
    "zone": "Asia/Tokyo",
    "colours": "dark",
    "palette": "blue_orange",
    "density": "compact",
    "money_decimals": "0",
}


@pytest.fixture
def viewer(client):
    user = User.objects.create_user("viewer", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="viewer")[0])
    names = ("view_position", "view_exchangeaccount", "view_strategy", "view_ticker")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def test_settings_are_kept_for_one_person_and_used_by_all_pages(client, viewer):
    assert client.post("/settings/", CHOSEN).status_code == 302
    kept = Preferences.objects.get()
    assert (kept.user, kept.zone) == (viewer, "Asia/Tokyo")
    for url in ("/", "/settings/"):
        page = client.get(url).content.decode()
        assert 'data-colours="dark" data-palette="blue_orange" data-density="compact"' in page
        assert 'data-zone="Asia/Tokyo"' in page
    assert "colours-dark palette-blue_orange density-compact" in client.get("/admin/").content.decode()
    client.force_login(User.objects.create_superuser("other"))
    assert 'data-colours="system"' in client.get("/settings/").content.decode()


@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_no_choice_is_refused_with_its_name(client, viewer, name):
    answer = client.post("/settings/", CHOSEN | {name: "nonsense"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [name])
    assert not Preferences.objects.exists()


def test_times_are_iso_and_in_the_persons_zone(client, admin_client):
    log = a_signal_log()
    Preferences.objects.create(user=User.objects.get(username="admin"), zone="Asia/Tokyo")
    page = admin_client.get("/admin/signals_app/signallog/").content.decode()
    from zoneinfo import ZoneInfo

    assert f"{log.received_at.astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%d %H:%M:%S}" in page


def done():
    return [tick.is_done for tick in setting_up.ticks()]


def test_each_step_is_ticked_by_what_it_is_about(engine):
    assert done() == [False] * 5
    account = an_account()
    assert done() == [True, False, False, False, False]
    ExchangeAccount.objects.filter(pk=account.pk).update(told_position_mode="hedge")
    a_ticker("BTCUSDT")
    strategy = a_strategy(account)
    assert done() == [True, True, True, False, False], "it knows no phrase yet"
    strategy.phrases.create(phrase="UP", direction="long")
    a_signal_log()
    assert done() == [True] * 5


def test_only_who_can_set_up_is_led_there_and_only_before_the_first_step(client, admin_client, viewer):
    assert client.get("/").status_code == 200, "a viewer could do nothing there"
    assert admin_client.get("/").url == "/setup/"
    page = client.get("/setup/").content.decode()
    assert "Add an account" not in page
    an_account()
    assert admin_client.get("/").status_code == 200
    assert 'href="/setup/"' in admin_client.get("/settings/").content.decode()


@pytest.mark.parametrize(
    ("signals_url", "webhook", "socket"),
    [
        ("", "http://testserver/webhook/NAME/", "ws://testserver/ws/signals/"),
        ("wss://signals.example/ws/signals/", "https://signals.example/webhook/NAME/", "wss://signals.example/ws/signals/"),
    ],
)  # fmt: skip
def test_setup_says_where_senders_go(client, viewer, settings, signals_url, webhook, socket):
    settings.SIGNALS_URL = signals_url
    page = client.get("/setup/").content.decode()
    assert f"<code>{webhook}</code> or <code>{socket}</code>" in page


def connection(client, account):
    url = f"/admin/exchanges/exchangeaccount/{account.pk}/connection/"
    assert client.get(url).context["findings"] == ()
    return {one.what: (one.is_good, one.sentence) for one in client.post(url).context["findings"]}


def test_a_connection_is_tested_by_a_button(admin_client, engine):
    account = an_account()
    refresh_instruments()
    found = connection(admin_client, account)
    assert found["Answer"][0] is True
    assert "paper exchange" in found["Answer"][1]
    assert found["Position mode"][0] is True
    assert found["Rights of the key"] == (
        True, "It may trade, may not withdraw, and is bound to addresses.",
    )  # fmt: skip
    account.refresh_from_db()
    assert account.permissions_seen_at is None, "what paper says of a key is nothing to go live with"
    assert setting_up.ticks()[1].is_done


def test_an_exchange_that_does_not_answer_is_unknown_not_bad(admin_client, settings):
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"
    assert {good for good, _ in connection(admin_client, an_account()).values()} <= {None, False}
    assert FRONTS == {}


def test_who_may_only_look_tests_no_connection(client, viewer):
    account = an_account()
    assert client.get(f"/admin/exchanges/exchangeaccount/{account.pk}/connection/").status_code == 403


def test_only_the_end_of_a_key_is_told(admin_client):
    account = an_account(api_key="abcdefghijklmnop-9876", api_secret="never-told-at-all")
    page = admin_client.get(f"/admin/exchanges/exchangeaccount/{account.pk}/change/").content.decode()
    assert "ends in •••• 9876" in page
    assert "abcdefgh" not in page
    assert "told-at-all" not in page
    assert "-all" not in page.split("api_secret")[-1][:400]


def a_task(name):
    interval = IntervalSchedule.objects.get_or_create(every=2, period="seconds")[0]
    return PeriodicTask.objects.create(name=name, task=SCHEDULE[name]["task"], interval=interval)


def test_nobody_stretches_the_times_that_sweeps_run_by(admin_client):
    task, own = a_task("evaluate trailing stops"), IntervalSchedule.objects.create(every=9, period="hours")
    pages = "/admin/django_celery_beat/intervalschedule"
    answer = admin_client.post(f"{pages}/{task.interval_id}/change/", {"every": "9999", "period": "days"})
    assert answer.status_code == 403
    assert admin_client.post(f"{pages}/{task.interval_id}/delete/", {"post": "yes"}).status_code == 403
    assert (
        admin_client.post(f"{pages}/{own.pk}/change/", {"every": "8", "period": "hours"}).status_code == 302
    )
    assert "evaluate trailing stops" in admin_client.get(f"{pages}/").content.decode()
    assert sorted(IntervalSchedule.objects.values_list("every", flat=True)) == [2, 8]


def test_sweeps_that_money_depends_on_stay_on(admin_client):
    needed, resting = a_task("evaluate trailing stops"), a_task("refresh instruments")
    chosen = {"action": "disable_tasks", "_selected_action": [needed.pk, resting.pk]}
    page = admin_client.post("/admin/django_celery_beat/periodictask/", chosen, follow=True).content.decode()
    assert "Not switched off, for money depends on it: evaluate trailing stops" in page
    assert list(PeriodicTask.objects.order_by("pk").values_list("enabled", flat=True)) == [True, False]
    for task in (needed, resting):
        url = f"/admin/django_celery_beat/periodictask/{task.pk}/delete/"
        assert admin_client.post(url, {"post": "yes"}).status_code == 403
    assert admin_client.get(f"/admin/django_celery_beat/periodictask/{needed.pk}/change/").status_code == 200
    assert NEEDED.isdisjoint(MAY_REST)
    assert set(SCHEDULE) >= MAY_REST


def test_who_looks_after_people_is_no_superuser_by_it(client):
    boss = User.objects.create_superuser("boss", password="x")
    keeper = User.objects.create_user("keeper", is_staff=True)
    keeper.user_permissions.set(
        Permission.objects.filter(codename__in=("view_user", "change_user", "add_user"))
    )
    client.force_login(keeper)
    own = f"/admin/auth/user/{keeper.pk}/change/"
    client.post(own, {"username": "keeper", "is_staff": "on", "is_active": "on", "is_superuser": "on",
                      "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"})  # fmt: skip
    keeper.refresh_from_db()
    assert not keeper.is_superuser
    assert client.post(f"/admin/auth/user/{boss.pk}/change/", {"username": "mine"}).status_code == 403
    assert client.post(f"/admin/auth/user/{boss.pk}/password/", {}).status_code == 403


def test_the_index_is_grouped_and_counts_what_is_open(admin_client):
    a_position()
    page = admin_client.get("/admin/")
    assert [group["name"] for group in page.context["app_list"]] == ["Trading", "Setup", "System"]
    assert "1 open" in page.content.decode()
    assert 'data-mode="PAPER"' in page.content.decode()
