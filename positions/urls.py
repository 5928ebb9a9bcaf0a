from __future__ import annotations

from django.urls import path, register_converter

from positions import act_views, pause_views, switch_views, views


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
    path("positions/<int:position_id>/close/", act_views.close, name="close-position"),
    path("positions/<int:position_id>/part/", act_views.close_part, name="close-part"),
    path("positions/<int:position_id>/stop/", act_views.move_stop, name="move-stop"),
    path("positions/<int:position_id>/hand-over/", act_views.hand_over, name="hand-over"),
    path("positions/<int:position_id>/take-back/", act_views.take_back, name="take-back"),
    path("positions/<int:position_id>/close-again/", act_views.close_again, name="close-again"),
    path("positions/<int:position_id>/note/", act_views.note, name="note"),
    path("orders/<uuid:order_id>/cancel/", act_views.cancel_order, name="cancel-order"),
    path("close-all/", act_views.close_all, name="close-all"),
    path("switch/", switch_views.overview, name="switch"),
    path("switch/pause/", pause_views.pause, name="pause-all"),
    path("switch/resume/", pause_views.resume, name="resume-all"),
    path("switch/<slug:account>/pause/", pause_views.pause, name="pause-account"),
    path("switch/<slug:account>/resume/", pause_views.resume, name="resume-account"),
    path("switch/<act:act>/", switch_views.act, name="switch-all"),
    path("switch/<slug:account>/<act:act>/", switch_views.act, name="switch-account"),
    path("flat/<int:run_id>/", switch_views.flat, name="flat"),
]
