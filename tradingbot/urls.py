from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from signals_app.pages import ledger
from signals_app.views import webhook

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("ops.desk.urls")),
    path("signals/ledger/", ledger, name="signal-ledger"),
    path("webhook/<slug:sender>/", webhook),
    path("", include("ops.health.urls")),
    path("", include("positions.urls")),
    path("", include("positions.lists.urls")),
]
