"""Who gets in where: every address, socket and action of the product, for everybody. Addresses come from the URLconf:
one that is in no table here fails, so that whoever adds a page also says who may see it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, get_resolver

from exchanges.models import FlatRun
from positions.switch_views import ACTS
from signals_app.models import Strategy
from tests.asgi_socket import AsgiSocket
from tests.builders import a_position, a_strategy, an_account
from tests.people import a_person
from tests.positions.test_live_socket import let_go_of_the_database
from tradingbot.asgi import application

pytestmark = pytest.mark.django_db

WEBHOOK = "webhook/<slug:sender>/"
EVERYBODY = ("anonymous", "inactive", "viewer", "trader", "admin")
ALL, SIGNED_IN, TRADERS, ADMINS, NOBODY = (
    set(EVERYBODY), {"viewer", "trader", "admin"}, {"trader", "admin"}, {"admin"}, set(),
)  # fmt: skip

# addresses outside the admin, and who gets past the door (what they then find is another matter)
PAGES = {
    "": SIGNED_IN,
    "positions/<int:position_id>/": SIGNED_IN,
    "positions/<int:position_id>/chart.json": SIGNED_IN,
    "positions/<int:position_id>/close/": TRADERS,
    "positions/<int:position_id>/part/": TRADERS,
    "positions/<int:position_id>/stop/": TRADERS,
    "positions/<int:position_id>/hand-over/": TRADERS,
    "positions/<int:position_id>/take-back/": TRADERS,
    "positions/<int:position_id>/close-again/": TRADERS,
    "positions/<int:position_id>/note/": TRADERS,
    "orders/<uuid:order_id>/cancel/": TRADERS,
    "close-all/": TRADERS,
    "switch/": SIGNED_IN,
    "switch/pause/": TRADERS,
    "switch/resume/": TRADERS,
    "switch/<slug:account>/pause/": TRADERS,
    "switch/<slug:account>/resume/": TRADERS,
    "switch/<act:act>/": TRADERS,
    "switch/<slug:account>/<act:act>/": TRADERS,
    "flat/<int:run_id>/": SIGNED_IN,
    "health/": SIGNED_IN,
    "health.json": SIGNED_IN,
    "health/panels/": SIGNED_IN,
    "health/reconcile/": TRADERS,
    "health/reconnect/": TRADERS,
    "metrics": ALL,  # to this machine, and elsewhere to who has its token: ops/health
    "signals/": SIGNED_IN,
    "signals/newer.json": SIGNED_IN,
    "orders/": SIGNED_IN,
    "trades/": SIGNED_IN,
    "trades/trades.csv": SIGNED_IN,
    "trades/fills.csv": SIGNED_IN,
    "trades/<year:year>/": SIGNED_IN,
    "trades/<year:year>/positions.csv": SIGNED_IN,
    "trades/<year:year>/contracts.csv": SIGNED_IN,
    "strategies/": SIGNED_IN,
    "strategies/<int:strategy_id>/": SIGNED_IN,
    "signals/<int:log_id>/replay/": TRADERS,
    "strategies/<int:strategy_id>/pause/": ADMINS,
    "strategies/<int:strategy_id>/resume/": ADMINS,
    "strategies/<int:strategy_id>/clone/": ADMINS,
    "signals/ledger/": SIGNED_IN,
    "forecasts/": SIGNED_IN,
    "forecasts/<int:forecast_id>/": SIGNED_IN,
    "forecasts/contracts/<int:instrument_id>/": SIGNED_IN,
    "forecasts/how-good/": SIGNED_IN,
    "forecasts/how-good/records.csv": SIGNED_IN,
    "forecasts/how-good/calibration.csv": SIGNED_IN,
    "forecasts/how-good/earned.csv": SIGNED_IN,
    "forecasts/models/": SIGNED_IN,
    "forecasts/models/<int:model_id>/": SIGNED_IN,
    "forecasts/models/<int:model_id>/use/": ADMINS,
    "forecasts/models/<int:model_id>/retire/": ADMINS,
    "settings/": SIGNED_IN,
    "settings/tokens/": SIGNED_IN,
    "settings/tokens/<int:token_id>/revoke/": SIGNED_IN,
    "setup/": SIGNED_IN,
    # told to whoever asks: alive, ready, and no more
    "healthz": ALL,
    "readyz": ALL,
    # programs with a token of their own, whoever is signed in: signals_app/test_webhook.py
    WEBHOOK: NOBODY,
}
# programs with a token, whoever is signed in: tests/api/test_contract.py asks as each; what only takes POST says so
API = dict.fromkeys(("docs", "openapi.json"), SIGNED_IN) | dict.fromkeys((
    "positions", "positions/<position_id>", "orders", "orders/<order_id>", "fills", "signals",
    "signals/<signal_number>", "strategies", "strategies/<name>", "tickers", "accounts", "equity", "figures",
    "limits", "health", "health/page", "close-all/<run_id>", "events", "notifications", "reports/days",
    "reports/strategies", "forecasts", "forecasts/<forecast_number>", "forecasts/how-good", "forecast-models",
    "forecast-models/<model_number>",
), NOBODY) | dict.fromkeys((
    "", "<path:rest>", "positions/<position_id>/close", "positions/<position_id>/close-part",
    "positions/<position_id>/move-stop", "positions/<position_id>/note", "orders/<order_id>/cancel",
    "entries/pause", "entries/resume", "close-all",
), ALL)  # fmt: skip
# the doors themselves: these are open, all others beneath accounts/ are for whoever is signed in
OPEN_DOORS = {"login/", "link/", "logout/", "inactive/", "signup/"}
# what comes after a model's name in the admin
ADMIN_KINDS = {
    "": "look", "<path:object_id>/": "look", "<path:object_id>/change/": "look", "<path:object_id>/history/": "look",
    "<path:object_id>/explain/": "look", "add/": "write", "<path:object_id>/delete/": "write",
    "<int:account_id>/connection/": "write", "<id>/password/": "write", "sync/": "write", "import/": "write",
    "<int:strategy_id>/preview/": "look", "export/<slug:written_as>/": "look",
}  # fmt: skip
OURS = {"exchanges", "signals_app", "trailing", "positions", "ops"}
AROUND = {"auth", "django_celery_beat", "mfa"}
# of the admin itself
ADMIN_PAGES = {
    "": SIGNED_IN, "logout/": SIGNED_IN, "password_change/": SIGNED_IN, "password_change/done/": SIGNED_IN,
    "jsi18n/": SIGNED_IN, "login/": SIGNED_IN, "autocomplete/": NOBODY,
    "r/<path:content_type_id>/<path:object_id>/": SIGNED_IN,
}  # fmt: skip


# written by services alone: nobody adds or deletes one by hand
WRITTEN_BY_SERVICES = {
    "exchanges/statechange", "exchanges/flatrun", "exchanges/instrument", "signals_app/signallog",
    "signals_app/signalattempt", "signals_app/wave", "trailing/trailingstop", "trailing/partialtakeprofit",
    "positions/arbitragetrade", "positions/accountequity", "positions/position", "positions/order",
    "positions/fill", "positions/riskevent", "positions/fundingpayment", "positions/invariantcheck",
    "exchanges/accountwatch", "positions/canaryrun", "positions/canaryorder", "ops/notifymessage", "ops/systemlog",
    "signals_app/candlespan", "signals_app/forecastmodel",
}  # fmt: skip
FOR_NOBODY = {f"{model}/{kind}" for model in WRITTEN_BY_SERVICES for kind in ("add/", "<path:object_id>/delete/")} | {
    "exchanges/exchangeaccount/<path:object_id>/delete/",  # rows hang on it for good
    "mfa/authenticator/add/", "ops/apitoken/add/",  # made on pages of one's own
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    route: str
    view: object

    def path(self, names: dict[str, object]) -> str:
        filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(names[found[1]]), self.route)
        return "/" + filled


def addresses(patterns: list, before: str = "") -> Iterator[Address]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield Address(route, one.callback)
        else:
            yield from addresses(one.url_patterns, route)


EVERY_ADDRESS = [one for one in addresses(get_resolver().url_patterns) if "^" not in one.route]
LISTS_OF_ADMIN = [one for one in addresses(get_resolver().url_patterns) if "^" in one.route]


def who_gets_in(route: str) -> set[str]:
    """KeyError: an address that nobody thought about."""
    if route.startswith("accounts/"):
        return ALL if route.removeprefix("accounts/") in OPEN_DOORS else SIGNED_IN
    if route.startswith("api/v1/"):
        return API[route.removeprefix("api/v1/")]
    if not route.startswith("admin/"):
        return PAGES[route]
    rest = route.removeprefix("admin/")
    if rest in ADMIN_PAGES:
        return ADMIN_PAGES[rest]
    if rest in FOR_NOBODY:
        return NOBODY
    app, _, kind = rest.split("/", 2)
    if ADMIN_KINDS[kind] == "write":
        return ADMINS
    return {**dict.fromkeys(OURS, SIGNED_IN), **dict.fromkeys(AROUND, ADMINS)}[app]


@pytest.fixture
def names() -> dict[str, object]:
    account = an_account(name="main")
    position = a_position(account=account)
    from django.utils import timezone

    run = FlatRun.objects.create(account=account, reason="x", by="y", begun_at=timezone.now())
    return {
        "position_id": position.pk, "account": "main", "account_id": account.pk, "act": "halt", "run_id": run.pk,
        "forecast_id": 1, "instrument_id": 1, "model_id": 1, "forecast_number": 1, "model_number": 1,
        "signal_number": 1, "name": "first", "rest": "nowhere",
        "token_id": 1, "sender": "tradingview", "object_id": position.pk, "content_type_id": 1, "id": 1, "pk": 1,
        "strategy_id": position.strategy_id or 1, "written_as": "csv",
        "order_id": uuid.uuid4(), "log_id": 1, "year": 2026,
    }  # fmt: skip


def visitors(*names: str) -> dict[str, Client]:
    clients = {who: Client(raise_request_exception=False) for who in names or EVERYBODY}
    for who, client in clients.items():
        if who != "anonymous":
            client.force_login(a_person("admin" if who == "inactive" else who, who, password="x"))
    from django.contrib.auth.models import User

    User.objects.filter(username="inactive").update(is_active=False)
    return clients


def got_in(answer) -> bool:
    if answer.status_code in (301, 302):
        return urlsplit(answer.url).path not in ("/accounts/login/", "/admin/login/")
    return answer.status_code not in (401, 403)


def saw_or_did(answer, path: str) -> bool:
    """Of whoever may not. Sent on to the form of the same row, or back to the index because there is no such row, they
    saw and did nothing: who may see the form is judged at its own address."""
    if answer.status_code == 302 and urlsplit(answer.url).path in ("/admin/", f"{path}change/"):
        return False
    return got_in(answer) and answer.status_code != 405


def test_every_address_is_in_a_table() -> None:
    unknown = []
    for one in EVERY_ADDRESS:
        try:
            who_gets_in(one.route)
        except (KeyError, ValueError):
            unknown.append(one.route)
    assert unknown == [], "say in this file who may see them"
    routes = {one.route for one in EVERY_ADDRESS}
    assert sorted(PAGES.keys() - routes) == [], "these are gone"
    assert len(LISTS_OF_ADMIN) == 1


def in_short(who: str, route: str) -> bool:
    """Of the admin, whose pages are of one make, a sample: lists for everybody, the rest for who may only look."""
    if not route.startswith("admin/"):
        return True
    kind = route.split("/", 3)[-1]
    return kind in ("", "import/", "sync/") or (
        who == "viewer" and kind in ("add/", "<path:object_id>/delete/")
    )


def wrong_at(client: Client, who: str, one: Address, path: str) -> Iterator[tuple[object, ...]]:
    """GET for all; POST, empty, for those who may not, which does nothing for whoever should not have come this far."""
    expected = who in who_gets_in(one.route)
    answer = client.get(path)
    is_well = answer.status_code == 405 or (got_in(answer) if expected else not saw_or_did(answer, path))
    if answer.status_code == 500 or not is_well:
        yield who, "GET", path, answer.status_code, getattr(answer, "url", ""), expected
    if not expected and saw_or_did(answer := client.post(path), path):
        yield who, "POST", path, answer.status_code, getattr(answer, "url", ""), expected


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize(
    "is_short", [True, pytest.param(False, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
def test_everybody_at_every_address(names, is_short, who, caplog) -> None:
    caplog.set_level("CRITICAL", "django.request")  # each no is a warning with its trace
    client = visitors(who)[who]
    wrong = []
    for one in EVERY_ADDRESS:
        if one.route in ("admin/logout/", "accounts/logout/", WEBHOOK):
            continue  # after a sign-out the next address would meet a stranger
        if not is_short or in_short(who, one.route):
            wrong += wrong_at(client, who, one, one.path(names))
    assert wrong == [], "\n".join(map(str, wrong))


@pytest.mark.parametrize("who", ["viewer", "trader"])
def test_who_may_only_look_deletes_nothing_that_never_traded(client, who) -> None:
    """The admin asked whether it had traded, and not who was asking."""
    strategy = a_strategy()
    client.force_login(a_person(who))
    page = f"/admin/signals_app/strategy/{strategy.pk}/delete/"
    assert client.post(page, {"post": "yes"}).status_code == 403
    assert Strategy.objects.filter(pk=strategy.pk).exists()


@pytest.mark.parametrize("act", sorted(ACTS))
def test_every_act_of_the_switch_is_for_traders(names, act) -> None:
    for who, client in visitors().items():
        for path in (f"/switch/{act}/", f"/switch/main/{act}/"):
            assert got_in(client.get(path)) is (who in TRADERS), (who, path)
            if who not in TRADERS:
                assert not got_in(client.post(path, {"word": "ALL", "reason": "x"})), (who, path)


def test_every_action_of_the_admin_names_its_permission() -> None:
    bare = [
        f"{model.__name__}.{name}"
        for model, page in admin.site._registry.items()
        for action in page.actions or ()
        for name in [action if isinstance(action, str) else action.__name__]
        if not getattr(getattr(page, name, action), "allowed_permissions", None)
    ]
    assert bare == []


# an action of an admin page -> who may; those of "change" and the like are the admin group's
ACTIONS_OF_TRADERS = {"halt", "reduce", "resume", "close_everything"}


@pytest.mark.parametrize("who", ["viewer", "trader", "admin"])
def test_everybody_is_offered_the_actions_that_are_for_them(rf, who) -> None:
    """Django runs an action only for whoever it is offered to."""
    request = rf.get("/admin/")
    request.user = a_person(who)
    offered, all_of_them = set(), set()
    for model, page in admin.site._registry.items():
        offered |= {(model.__name__, name) for name in page.get_actions(request)}
        named = [one if isinstance(one, str) else one.__name__ for one in page.actions or ()]
        all_of_them |= {(model.__name__, name) for name in named}
    switch = {("ExchangeAccount", name) for name in ACTIONS_OF_TRADERS}
    assert switch < all_of_them
    deletes = {one for one in offered if one[1] == "delete_selected"}  # Django's own
    assert offered == {"viewer": set(), "trader": switch, "admin": all_of_them | deletes}[who]


@pytest.mark.parametrize("who", ["viewer", "trader"])
def test_an_action_that_is_not_offered_does_nothing(client, who) -> None:
    account, strategy = an_account(), a_strategy()
    client.force_login(a_person(who))
    before = account.trading_state, strategy.allow_open
    for page, row, action in (
        ("signals_app/strategy", strategy.pk, "pause"), ("signals_app/strategy", strategy.pk, "archive_them"),
        ("exchanges/exchangeaccount", account.pk, "set_position_mode"),
    ):  # fmt: skip
        client.post(f"/admin/{page}/", {"action": action, "_selected_action": str(row)})
    account.refresh_from_db(), strategy.refresh_from_db()
    assert (account.trading_state, strategy.allow_open, strategy.archived) == (*before, False)


def test_every_socket_is_known() -> None:
    sockets: URLRouter = application._application.application_mapping["websocket"]  # type: ignore[attr-defined]
    assert {str(route.pattern) for route in sockets.routes} == {"ws/signals/", "ws/live/"}


SIGNED_OUT = 4401
AT_LIVE = {"anonymous": SIGNED_OUT, "inactive": SIGNED_OUT, "viewer": None, "trader": None, "admin": None}


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_everybody_at_every_socket() -> None:
    """Pages' sessions open the page's socket, to whoever may look, and never the one for senders."""
    clients = await sync_to_async(visitors)()
    try:
        for who, client in clients.items():
            cookie = client.cookies.get("sessionid")
            headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
            headers += [(b"cookie", f"sessionid={cookie.value}".encode())] if cookie else []
            assert await what_live_says(headers) == AT_LIVE[who], who
            assert await what_senders_door_says(headers) == SIGNED_OUT, who
    finally:
        await get_channel_layer().flush()
        await let_go_of_the_database()


async def what_live_says(headers: list[tuple[bytes, bytes]]) -> int | None:
    """The code it closes with; None: it shows the whole picture."""
    socket = AsgiSocket(application, "/ws/live/", headers)
    assert await socket.connect()
    said = await socket.receive_output(10)
    code = said.get("code")
    assert code or json.loads(said["text"])["type"] == "hello"
    await socket.disconnect()
    return code


async def what_senders_door_says(headers: list[tuple[bytes, bytes]]) -> int:
    socket = AsgiSocket(application, "/ws/signals/", headers)
    assert await socket.connect()
    assert (await socket.receive_json())["type"] == "auth_required"
    await socket.send_json({"type": "signal", "symbol": "BTCUSDT"})
    while (said := await socket.receive_output(10))["type"] != "websocket.close":
        assert json.loads(said["text"])["type"] == "auth_failed"
    await socket.disconnect()
    return int(said["code"])
