from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from ops.people import token_pages
from signals_app.pages import ledger
from signals_app.views import webhook
from tradingbot.api import app
from tradingbot.api.problems import not_found

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("ops.desk.urls")),
    path("accounts/", include("ops.people.urls")),
    path("settings/tokens/", token_pages.tokens, name="tokens"),
    path("settings/tokens/<int:token_id>/revoke/", token_pages.revoke, name="revoke-token"),
    path("signals/ledger/", ledger, name="signal-ledger"),
    path("", include("signals_app.forecast_pages.urls")),
    path("api/v1/", app.urls),
    path("api/v1/<path:rest>", not_found),
    path("webhook/<slug:sender>/", webhook),
    path("", include("ops.health.urls")),
    path("", include("positions.urls")),
    path("", include("positions.lists.urls")),
]
