from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "ops"

    def ready(self) -> None:
        from allauth.account.signals import authentication_step_completed
        from django.contrib.auth.signals import user_logged_in

        from tradingbot.freshness import note_confirmed

        for signal in (user_logged_in, authentication_step_completed):
            signal.connect(note_confirmed)
