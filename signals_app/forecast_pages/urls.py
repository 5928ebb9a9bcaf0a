from __future__ import annotations

from django.urls import path

from signals_app.forecast_pages import model_views, views

urlpatterns = [
    path("forecasts/", views.overview, name="forecasts"),
    path("forecasts/<int:forecast_id>/", views.forecast, name="forecast"),
    path("forecasts/contracts/<int:instrument_id>/", views.of_contract, name="forecasts-of-contract"),
    path("forecasts/how-good/", views.how_good, name="forecasts-how-good"),
    path("forecasts/how-good/records.csv", views.records_csv, name="forecasts-records-csv"),
    path("forecasts/how-good/calibration.csv", views.curve_csv, name="forecasts-calibration-csv"),
    path("forecasts/how-good/earned.csv", views.earned_csv, name="forecasts-earned-csv"),
    path("forecasts/models/", model_views.models, name="forecast-models"),
    path("forecasts/models/<int:model_id>/", model_views.model, name="forecast-model"),
    path("forecasts/models/<int:model_id>/use/", model_views.use, name="use-forecast-model"),
    path("forecasts/models/<int:model_id>/retire/", model_views.retire, name="retire-forecast-model"),
]
