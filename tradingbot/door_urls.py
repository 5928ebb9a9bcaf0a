"""What the doors' own process answers over HTTP: the webhook, and whether it lives."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from ops.health.views import alive, ready
from signals_app.views import webhook

urlpatterns = [path("webhook/<slug:sender>/", webhook), path("healthz", alive), path("readyz", ready)]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse("Nothing here.\n", status=404, content_type="text/plain")


def handler500(request: HttpRequest) -> HttpResponse:
    return HttpResponse("This failed.\n", status=500, content_type="text/plain")
