from django.apps import AppConfig


class TrailingConfig(AppConfig):
    name = "trailing"
