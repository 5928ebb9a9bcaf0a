import gc

# a start makes a million objects that stay: to go through them again and again took a third of its time
gc.set_threshold(10_000, 10, 10)

from tradingbot.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
