from __future__ import annotations

from django.urls import path, register_converter

from positions import switch_views, views


class ActConverter:
    regex = "|".join(switch_views.ACTS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ActConverter, "act")

urlpatterns = [
    path("", views.live, name="live"),
    path("positions/<int:position_id>/", views.position, name="position"),
    path("positions/<int:position_id>/chart.json", views.chart, name="position-chart"),
    path("positions/<int:position_id>/close/", views.close, name="close-position"),
    path("switch/", switch_views.overview, name="switch"),
    path("switch/<act:act>/", switch_views.act, name="switch-all"),
    path("switch/<slug:account>/<act:act>/", switch_views.act, name="switch-account"),
    path("flat/<int:run_id>/", switch_views.flat, name="flat"),
]
