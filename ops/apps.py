from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "ops"

    def ready(self) -> None:
        from allauth.account.signals import authentication_step_completed
        from django.contrib.auth.signals import user_logged_in

        from tradingbot.freshness import note_confirmed

        for signal in (user_logged_in, authentication_step_completed):
            signal.connect(note_confirmed)
        _name_fields()


def _name_fields() -> None:
    from django.apps import apps

    from ops.desk.field_names import name_fields

    ours = ("exchanges", "ops", "positions", "signals_app", "trailing")
    name_fields(model for label in ours for model in apps.get_app_config(label).get_models())
