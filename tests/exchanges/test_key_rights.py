"""What an API key may do: read from each venue, warned about, and acknowledged before an account goes live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from exchanges import key_probe, session
from exchanges.credentials import Credentials
from exchanges.errors import AccountUnusable
from exchanges.key_rights import ANYWHERE, CANNOT_TRADE, WITHDRAWS, KeyPermissions
from exchanges.models import ExchangeAccount
from exchanges.paper.signing import paper_secret
from exchanges.venue_clients import client_with
from positions.services import connection
from tests.builders import a_position, an_account
from tests.exchanges.test_ccxt_on_paper import paper_exchange
from tests.exchanges.test_contract import KEY
from tests.people import with_second_factor
from tests.positions.test_admin import form_of

CAREFUL = KeyPermissions(can_trade=True, can_withdraw=False, is_bound_to_addresses=True)
CARELESS = KeyPermissions(can_trade=True, can_withdraw=True, is_bound_to_addresses=False)


@pytest.mark.parametrize(
    ("rights", "warnings"),
    [
        (CAREFUL, ()),
        (CARELESS, (WITHDRAWS, ANYWHERE)),
        (KeyPermissions(can_trade=False, can_withdraw=False, is_bound_to_addresses=True), (CANNOT_TRADE,)),
    ],
)
def test_what_is_warned_about(rights: KeyPermissions, warnings: tuple[str, ...]) -> None:
    assert rights.warnings == warnings


@pytest_asyncio.fixture
async def paper() -> AsyncIterator[str]:
    async with paper_exchange() as url:
        yield url


@pytest.mark.asyncio
@pytest.mark.parametrize("venue", ["binance", "bybit"])
async def test_each_venue_tells_what_a_key_may_do(venue: str, paper: str) -> None:
    client = client_with(Credentials(venue, KEY, paper_secret(KEY), paper))
    try:
        told = await client.key_permissions()
        assert (replace(told, owner=""), told.owner.isdecimal()) == (CAREFUL, True)
        await given(paper, can_withdraw=True, is_bound_to_addresses=False, owner="42")
        assert await client.key_permissions() == replace(CARELESS, owner="42")
        await given(paper, can_trade=False)
        assert CANNOT_TRADE in (await client.key_permissions()).warnings
    finally:
        await client.close()


async def given(url: str, **rights: bool | str) -> None:
    async with aiohttp.ClientSession() as http:
        answer = await http.post(f"{url}/paper/key", json={"api_key": KEY, **rights})
        assert answer.status == 200, await answer.text()


class Owner:
    """Saves an account in the admin of a bot that trades for real; the venue tells `rights`, or raises them."""

    def __init__(self, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        self.browser, self.rights = browser, CAREFUL
        self.asked: list[Credentials] = []
        monkeypatch.setattr(session, "ask_once", self._answer)
        self.account = an_account(name="main", api_key="the-key-123", api_secret="the-secret-456")

    def _answer(self, credentials: Credentials, action: object) -> KeyPermissions:
        self.asked.append(credentials)
        if isinstance(self.rights, Exception):
            raise self.rights
        return self.rights

    def saves(self, **fields: str) -> str:
        address = reverse("admin:exchanges_exchangeaccount_change", args=[self.account.pk])
        form = form_of(self.account, **fields)
        said: str = self.browser.post(address, form, follow=True).content.decode()
        self.account = ExchangeAccount.objects.get(pk=self.account.pk)
        return said


@pytest.fixture
def owner(
    admin_client: Client, admin_user: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Owner:
    settings.DRY_RUN = False
    with_second_factor(admin_user)
    return Owner(admin_client, monkeypatch)


def test_a_password_alone_lets_nothing_go_live(owner: Owner) -> None:
    Authenticator.objects.all().delete()
    assert "set up a second factor" in owner.saves(is_live_confirmed="on")
    assert not owner.account.is_live_confirmed


def test_a_careful_key_goes_live(owner: Owner) -> None:
    owner.saves(is_live_confirmed="on")
    assert owner.account.is_live_confirmed
    assert (owner.account.permissions_seen, owner.account.permissions_seen_at is None) == ([], False)
    assert [(one.api_key, one.base_url) for one in owner.asked] == [("the-key-123", "")]


def test_a_careless_key_goes_live_only_when_its_rights_are_acknowledged(owner: Owner) -> None:
    owner.rights = CARELESS
    said = owner.saves(is_live_confirmed="on")
    assert "The key may withdraw money" in said
    assert not owner.account.is_live_confirmed
    assert "the-key-123" not in said
    owner.saves(is_live_confirmed="on", acknowledge_permissions="on")
    assert owner.account.is_live_confirmed
    assert owner.account.permissions_seen == [WITHDRAWS, ANYWHERE]
    assert (owner.account.permissions_acknowledged_by, owner.account.permissions_acknowledged_at is None) == (
        "admin", False,
    )  # fmt: skip
    owner.saves(is_live_confirmed="on", max_open_positions="3")
    assert owner.account.max_open_positions == 3, "what is acknowledged is not asked for again"


def test_another_key_is_acknowledged_anew(owner: Owner) -> None:
    owner.rights = CARELESS
    owner.saves(is_live_confirmed="on", acknowledge_permissions="on")
    owner.saves(is_live_confirmed="on", api_key="another", api_secret="one")
    assert owner.account.api_key == "the-key-123", "refused, so nothing is saved"
    assert owner.asked[-1].api_key == "another"


def test_a_key_that_cannot_be_asked_about_does_not_go_live(owner: Owner) -> None:
    owner.rights = AccountUnusable("Invalid API-key, IP, or permissions for action.", code="-2015")  # type: ignore[assignment]
    said = owner.saves(is_live_confirmed="on")
    assert "could not be read: -2015 Invalid API-key" in said
    assert not owner.account.is_live_confirmed
    owner.saves()
    assert owner.account.permissions_seen_at is None


def test_on_paper_no_real_key_is_read(owner: Owner, settings: Settings) -> None:
    settings.DRY_RUN = True
    assert key_probe.probe("binance", "the-key-123", "the-secret-456") is None
    owner.saves(is_live_confirmed="on")
    assert (owner.account.is_live_confirmed, owner.asked) == (True, [])


@pytest.mark.django_db
def test_the_database_wants_warnings_acknowledged() -> None:
    with pytest.raises(IntegrityError, match="account_warnings_acknowledged"):
        an_account(is_live_confirmed=True, permissions_seen=[WITHDRAWS])


def test_an_open_account_keeps_its_exchange_and_its_key(owner: Owner) -> None:
    """A comparison with another account would find what is open gone, and end it in the books."""
    a_position(account=owner.account)
    said = owner.saves(api_key="another", api_secret="one")
    assert "The account has 1 live positions and 0 working orders." in said
    assert "The exchange stays while something is open." in owner.saves(venue="bybit")
    assert (owner.account.api_key, owner.account.venue) == ("the-key-123", "binance")
    kept = {"initial-position_mode": owner.account.position_mode}  # as its page carries it
    owner.saves(api_key="rotated", api_secret="one", same_account="on", **kept)
    assert owner.account.api_key == "rotated"
    owner.saves(venue="bybit", same_account="on", **kept)
    assert owner.account.venue == "binance"


def test_while_something_is_open_the_exchange_says_whose_key_it_is(owner: Owner) -> None:
    """No tick helps against its word, and with its word no tick is needed."""
    owner.rights = replace(CAREFUL, owner="1001")
    owner.saves()
    assert owner.account.exchange_user == "1001"
    a_position(account=owner.account)
    kept = {"initial-position_mode": owner.account.position_mode}
    owner.rights = replace(CAREFUL, owner="2002")
    said = owner.saves(api_key="another", api_secret="one", same_account="on", **kept)
    assert "belongs to another account" in said
    assert (owner.account.api_key, owner.account.exchange_user) == ("the-key-123", "1001")
    owner.rights = replace(CAREFUL, owner="1001")
    owner.saves(api_key="rotated", api_secret="one", **kept)
    assert (owner.account.api_key, owner.account.exchange_user) == ("rotated", "1001")


def test_whose_the_old_key_was_is_asked_where_nobody_told(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_position(account=owner.account)
    owners = {"the-key-123": "1001", "rotated": "1001", "another": "2002"}
    told = lambda credentials, action: replace(CAREFUL, owner=owners[credentials.api_key])  # noqa: E731
    monkeypatch.setattr(session, "ask_once", told)
    kept = {"initial-position_mode": owner.account.position_mode}
    owner.saves(api_key="another", api_secret="one", same_account="on", **kept)
    assert owner.account.api_key == "the-key-123"
    owner.saves(api_key="rotated", api_secret="one", **kept)
    assert (owner.account.api_key, owner.account.exchange_user) == ("rotated", "1001")


def test_a_connection_test_keeps_whose_key_it_is_and_tells_when_it_is_another_ones(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"owner": "1001"}
    monkeypatch.setattr(session, "call", lambda account, action: replace(CAREFUL, **told))
    assert connection._owner(owner.account).is_good
    told["owner"] = "2002"
    assert connection._owner(owner.account).is_good is False
    told["owner"] = ""
    assert connection._owner(owner.account).is_good is None
    assert ExchangeAccount.objects.get().exchange_user == "1001"


def test_an_account_with_nothing_open_may_get_any_key(owner: Owner) -> None:
    a_position(account=owner.account, status="closed")
    owner.saves(api_key="another", api_secret="one")
    assert owner.account.api_key == "another"
