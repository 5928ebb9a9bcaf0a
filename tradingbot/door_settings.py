"""Settings of the doors' own process: the same in everything, but nobody signs in there and no page is made."""

from __future__ import annotations

from tradingbot.settings import *  # noqa: F403
from tradingbot.settings import INSTALLED_APPS as _ALL

# who signs in, the admin, and what both bring along
_OF_PAGES = ("ops.desk.", "allauth", "django_htmx", "whitenoise.", "django.contrib.staticfiles")
INSTALLED_APPS = [name for name in _ALL if not name.startswith(_OF_PAGES)]
ROOT_URLCONF = "tradingbot.door_urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tradingbot.request_log.request_log",
    "tradingbot.security.content_security",
    "django.middleware.common.CommonMiddleware",
]
