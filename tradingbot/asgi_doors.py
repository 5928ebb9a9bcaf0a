"""The doors for signals as a process of their own, so that no signal waits for a page. Beside them stands nothing else,
so it is also what may be reached from outside while the pages may not."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "tradingbot.door_settings"
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (needs the app registry)
from django.urls import path  # noqa: E402

from exchanges.registry import warm_up  # noqa: E402
from signals_app.consumers import SignalConsumer  # noqa: E402
from signals_app.doorway import Doorway  # noqa: E402
from tradingbot.life import TellingLife  # noqa: E402

warm_up()
application = Doorway(
    ProtocolTypeRouter(
        {
            "http": django_application,
            "websocket": URLRouter([path("ws/signals/", SignalConsumer.as_asgi())]),
            "lifespan": TellingLife("doors"),
        }
    )
)
