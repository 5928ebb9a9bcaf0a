from __future__ import annotations

from django.urls import path

from ops.health import views

urlpatterns = [
    path("health/", views.health, name="health"),
    path("health.json", views.as_json, name="health-json"),
    path("health/panels/", views.panels, name="health-panels"),
    path("health/reconnect/", views.reconnect, name="reconnect"),
    path("health/reconcile/", views.reconcile, name="reconcile-now"),
    path("metrics", views.metrics, name="metrics"),
    path("healthz", views.alive, name="healthz"),
    path("readyz", views.ready, name="readyz"),
]
