from __future__ import annotations

from django.urls import path

from positions import health, views

urlpatterns = [
    path("", views.live, name="live"),
    path("positions/<int:position_id>/", views.position, name="position"),
    path("positions/<int:position_id>/chart.json", views.chart, name="position-chart"),
    path("positions/<int:position_id>/close/", views.close, name="close-position"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("health/", health.report, name="health"),
]
