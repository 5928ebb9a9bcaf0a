"""How the link to the signal server is, as its own process told last; and the newest waves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.forms.models import model_to_dict
from django.utils import timezone

from signals_app.models import SignalServerLink, Wave

# told every five seconds
SILENT_AFTER = timedelta(seconds=20)
WAVES_SHOWN = 8


def signal_server() -> dict[str, Any]:
    """state is unknown when nobody told it lately: a row does not know that its process is gone."""
    return {
        "is_configured": bool(settings.SIGNAL_SERVER.signal_ws_url),
        "links": [_link(one) for one in SignalServerLink.objects.order_by("server")],
        "waves": [_wave(one) for one in Wave.objects.all()[:WAVES_SHOWN]],
    }


def _link(one: SignalServerLink) -> dict[str, Any]:
    known = timezone.now() - one.reported_at <= SILENT_AFTER
    figures = model_to_dict(one, exclude=["id"])
    return figures | {"state": one.state if known else "unknown", "last_known_state": one.state}


def _wave(one: Wave) -> dict[str, Any]:
    outcomes = list(one.candidates.values_list("outcome", flat=True))
    figures = model_to_dict(one, fields=["exchange", "wave_time", "status", "target", "found", "reason"])
    return figures | {"opened": outcomes.count("opened"), "refused": outcomes.count("refused")}
