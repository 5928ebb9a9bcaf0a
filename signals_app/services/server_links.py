"""What is known of the link to a signal server: a row for health, in whatever process it is asked for."""

from __future__ import annotations

from dataclasses import asdict

from django.utils import timezone

from signals_app.models import SignalServerLink
from signals_app.sources.server_client import LinkStatus


def report_link(server: str, status: LinkStatus) -> None:
    figures = asdict(status) | {"reported_at": timezone.now()}
    if not SignalServerLink.objects.filter(server=server).update(**figures):
        SignalServerLink.objects.update_or_create(server=server, defaults=figures)
