"""One bar on all pages: whoever may look finds the same places in it, and each of them opens."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.test import Client

from tests.people import a_person

pytestmark = pytest.mark.django_db

DAILY = ["Live", "Signals", "Orders", "Trades", "Forecasts", "Strategies", "Health", "Kill switch"]
RARE = ["Settings", "Setup", "Admin", "Second factor", "Sessions", "Tokens"]
FOR_THE_THUMB = ["Live", "Signals", "Orders", "Health"]


class Bars(HTMLParser):
    """The links of each navigation, by its name: words and address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, list[tuple[str, str]]] = {}
        self.current: list[str] = []
        self._bar = self._address = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "nav":
            self._bar = values.get("aria-label") or ""
            self.found[self._bar] = []
        self._address = (values.get("href") or "") if tag == "a" and self._bar else ""
        if self._address and self._bar == "Main" and "aria-current" in values:
            self.current.append(self._address)

    def handle_endtag(self, tag: str) -> None:
        self._address = ""
        if tag == "nav":
            self._bar = ""

    def handle_data(self, data: str) -> None:
        if self._address:
            self.found[self._bar].append((data, self._address))


@pytest.mark.parametrize("group", ["viewer", "trader", "admin"])
def test_every_place_opens_and_carries_the_same_bar(client: Client, group: str) -> None:
    client.force_login(a_person(group))
    client.defaults["HTTP_ACCEPT"] = "text/html"
    bar = Bars(client.get("/health/").content.decode()).found
    assert [words for words, _ in bar["Main"]] == DAILY + RARE
    assert [words for words, _ in bar["Bottom"]] == FOR_THE_THUMB
    for words, address in bar["Main"]:
        answer = client.get(address, follow=True)
        assert answer.status_code == 200, words
        page = Bars(answer.content.decode())
        assert (page.found["Main"], page.found["Bottom"]) == (bar["Main"], bar["Bottom"]), words
        is_led_on = bool(answer.redirect_chain) or words == "Admin"
        assert page.current == [address] or is_led_on, words


def test_strangers_see_no_places(client: Client) -> None:
    assert "Main" not in Bars(client.get("/accounts/login/").content.decode()).found
