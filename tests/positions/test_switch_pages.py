from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from exchanges.models import FlatReport, FlatRun, GlobalState, StateChange
from exchanges.trading_state import FlatOutcome
from positions.models import Order, PersonAct, Position
from positions.services.flattening import flatten
from tests.builders import a_position, an_account
from tests.people import a_person
from tests.positions.services.conftest import Desk, desk  # noqa: F401

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def owner(client):
    client.force_login(a_person("trader", "ada"))
    return client


@pytest.fixture
def account():
    return an_account(name="main")


def state(account):
    account.refresh_from_db()
    return account.trading_state


@pytest.mark.parametrize("path", ["/switch/", "/switch/halt/", "/switch/main/flat/", "/flat/1/"])
def test_strangers_are_sent_to_the_login(client, path):
    assert client.get(path).url.startswith("/accounts/login/")


@pytest.mark.parametrize("act", ["halt", "reduce", "flat", "pause", "resume"])
def test_who_may_not_switch_sees_the_switch_and_has_no_hand_on_it(client, account, act):
    client.force_login(a_person("viewer"))
    page = client.get("/switch/").content.decode()
    assert ("main" in page, "/switch/main/halt/" in page) == (True, False)
    for path in (f"/switch/{act}/", f"/switch/main/{act}/"):
        assert client.get(path).status_code == 403
        assert client.post(path, {"word": "ALL", "reason": "x"}).status_code == 403
    assert not StateChange.objects.exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"word": "other", "reason": "x"}, "Type main to confirm"),
        ({"word": "ALL", "reason": "x"}, "Type main to confirm"),
        ({"word": "main", "reason": " "}, "Say why"),
    ],
)
def test_without_the_name_or_a_reason_nothing_is_done(owner, account, given, sentence):
    answer = owner.post("/switch/main/halt/", given)
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert state(account) == "active"


def test_an_account_is_halted_and_resumed_from_the_page(owner, desk):  # noqa: F811
    desk.open()
    name = desk.account.name
    page = owner.get(f"/switch/{name}/halt/").content.decode()
    assert f"Type <b>{name}</b> to confirm" in page
    answer = owner.post(
        f"/switch/{name}/halt/", {"word": name, "reason": HOSTILE}, follow=True
    ).content.decode()
    assert f"{name} is now halted." in answer
    assert "1 entries were called off." in answer
    assert HOSTILE not in answer
    live = owner.get("/").content.decode()
    assert ('data-kind="halted"' in live, "UTC, by ada" in live, HOSTILE in live) == (True, True, False)
    page = owner.get(f"/switch/{name}/resume/").content.decode()
    assert ("<dd>halted</dd>" in page, "Type" in page, HOSTILE in page) == (True, False, False)
    answer = owner.post(f"/switch/{name}/resume/", {"key": str(uuid4())}, follow=True).content.decode()
    assert f"{name} is now active." in answer
    assert "equity 10,000.00, 0 positions, 0 orders" in answer
    assert StateChange.objects.latest("pk").by == "ada"


def test_all_accounts_need_the_word_all(owner, account):
    assert owner.post("/switch/halt/", {"word": "main", "reason": "storm"}).status_code == 422
    assert not GlobalState.objects.exists()
    owner.post("/switch/halt/", {"word": "ALL", "reason": "storm"})
    assert (GlobalState.objects.get().trading_state, state(account)) == ("halted", "active")
    assert "Every account" in owner.get("/").content.decode()


def test_entries_are_paused_by_one_click_and_resumed_by_one(owner, account):
    live = owner.get("/").content.decode()
    key = live.split('id="pause"')[1].split('name="key" value="')[1][:36]
    for _ in range(2):
        told = owner.post("/switch/pause/", {"key": key}, follow=True).content.decode()
        assert "Every account is now reducing." in told
    everywhere = GlobalState.objects.get()
    given = (
        everywhere.trading_state,
        everywhere.state_reason,
        everywhere.state_by,
        PersonAct.objects.count(),
    )
    assert given == ("reducing", "by hand", "ada", 1)
    page = owner.get("/switch/resume/").content.decode()
    assert ("<dd>reducing</dd>" in page, 'data-must="' in page) == (True, False)
    owner.post("/switch/resume/", {"key": str(uuid4())})
    assert GlobalState.objects.get().trading_state == "active"
    assert "Nothing holds up the entries" in owner.get("/switch/resume/").content.decode()


def test_a_pause_sent_twice_does_not_undo_a_resume(owner, desk):  # noqa: F811
    name, key = desk.account.name, str(uuid4())
    owner.post(f"/switch/{name}/pause/", {"key": key, "reason": "news"})
    assert (state(desk.account), desk.account.state_reason) == ("reducing", "news")
    owner.post(f"/switch/{name}/resume/", {"key": str(uuid4())})
    owner.post(f"/switch/{name}/pause/", {"key": key, "reason": "news"})
    assert state(desk.account) == "active"


def test_a_resume_names_what_stays_stopped(owner, account):
    owner.post("/switch/pause/", {"key": str(uuid4())})
    owner.post("/switch/main/pause/", {"key": str(uuid4())})
    assert "every account is reducing" in owner.get("/switch/main/resume/").content.decode()
    assert "main is reducing itself" in owner.get("/switch/resume/").content.decode()


def test_the_report_lists_each_position_and_keeps_what_was_refused_with_a_retry(owner, account):
    refused, gone = a_position(account=account), a_position("ETH", account=account)
    owner.post("/switch/main/flat/", {"word": "main", "reason": "storm"})
    run = FlatRun.objects.get()
    Order.objects.filter(position=refused).update(status="rejected", reason="price too far")
    Position.objects.filter(pk=refused.pk).update(close_refusals=2, close_again_at=run.begun_at)
    Position.objects.filter(pk=gone.pk).update(
        status="closed", quantity=0, closed_at=run.begun_at, close_reason="manual", realized_pnl=5
    )
    page = owner.get(f"/flat/{run.pk}/").content.decode().split('id="progress"')[1]
    for told in ("refused 2", "price too far", f"/positions/{refused.pk}/close-again/", "closed: manual"):
        assert told in page
    assert f"/positions/{gone.pk}/close-again/" not in page


def test_flat_leads_to_its_report_that_follows_by_itself(owner, account):
    position = a_position(account=account)
    answer = owner.post("/switch/main/flat/", {"word": "main", "reason": "storm", "include_foreign": "on"})
    run = FlatRun.objects.get()
    assert (answer.url, run.include_foreign, run.by) == (f"/flat/{run.pk}/", True, "ada")
    assert Order.objects.get(position=position).purpose == "close"
    page = owner.get(answer.url).content.decode()
    assert 'http-equiv="refresh"' in page
    assert "its close order is initialized" in page
    assert owner.get("/flat/99999/").status_code == 404


def test_a_finished_report_says_whether_it_is_flat_and_stays(owner, account):
    run = flatten(account.pk, "storm", "ada")
    now = run.begun_at
    FlatReport.objects.update(outcome=FlatOutcome.FLAT, asked_at=now, tried_at=now, ended_at=now)
    FlatRun.objects.update(ended_at=now)
    page = owner.get(f"/flat/{run.pk}/").content.decode()
    assert ("Flat, and proven." in page, 'http-equiv="refresh"' in page) == (True, False)
    foreign = {"kind": "position", "what": "SOL long 10", "why": "nobody here opened it", "is_ours": False}
    FlatReport.objects.update(outcome=FlatOutcome.FOREIGN_LEFT, left=[foreign])
    page = owner.get(f"/flat/{run.pk}/").content.decode()
    assert ("not everything is gone" in page, "somebody else&#x27;s" in page) == (True, True)


def test_a_report_that_claims_flat_without_proof_is_refused_by_the_database(account):
    from django.db import IntegrityError, transaction

    report = flatten(account.pk, "storm", "ada").reports.get()
    for wrong in ({"asked_at": None}, {"left": [1], "asked_at": report.run.begun_at}):
        with pytest.raises(IntegrityError), transaction.atomic():
            FlatReport.objects.update(outcome=FlatOutcome.FLAT, ended_at=report.run.begun_at, **wrong)


def test_the_switch_needs_the_csrf_token(owner, account):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = owner.cookies
    assert strict.post("/switch/main/halt/", {"word": "main", "reason": "x"}).status_code == 403
    assert state(account) == "active"


@pytest.mark.parametrize("path", ["/switch/", "/switch/main/flat/"])
def test_the_pages_need_no_script_and_nothing_from_elsewhere(owner, account, path):
    page = owner.get(path).content.decode()
    for inline in ("<style", " style=", "onclick=", "<script>"):
        assert inline not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/')
