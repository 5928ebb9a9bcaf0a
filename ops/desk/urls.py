from __future__ import annotations

from django.urls import path

from ops.desk import views

urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("setup/", views.setup, name="setup"),
]
