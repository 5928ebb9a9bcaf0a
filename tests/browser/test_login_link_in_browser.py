"""The link of the start as somebody clicks it: its word is sent in a form, and stays in no address."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser

from ops.people.services import login_links
from tests.browser.server import WebServer


def test_a_click_signs_in_and_leaves_no_word_behind(browser: Browser, server: WebServer) -> None:
    word = login_links.issue(User.objects.create_superuser("boss"), timezone.now())
    context = browser.new_context()
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.origin}/accounts/link/#{word}")
    page.wait_for_url(f"{server.origin}/accounts/second-factor/**")
    assert page.goto(f"{server.origin}/settings/").ok
    assert not [url for url in asked if word in url.partition("#")[0]]
    context.close()
