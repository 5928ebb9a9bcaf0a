"""HTTP and WebSocket entrance."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (needs the app registry)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402

from exchanges.registry import warm_up  # noqa: E402
from positions.consumers import LiveConsumer  # noqa: E402
from signals_app.consumers import SignalConsumer  # noqa: E402
from signals_app.doorway import Doorway  # noqa: E402
from tradingbot.own_origin import OwnOrigin  # noqa: E402

warm_up()
live = AuthMiddlewareStack(LiveConsumer.as_asgi())
# senders of signals are programs with a token; browsers come with a session and an origin
application = Doorway(
    ProtocolTypeRouter(
        {
            "http": django_application,
            "websocket": URLRouter(
                [
                    path("ws/signals/", SignalConsumer.as_asgi()),
                    path("ws/live/", AllowedHostsOriginValidator(OwnOrigin(live))),
                ]
            ),
        }
    )
)
