"""Django settings; every value that may differ between machines comes from tradingbot.environment."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path

import psycopg.conninfo

from positions.breaker import Patience
from tradingbot import environment
from tradingbot.redis_urls import broker_url, channel_hosts
from tradingbot.schedule import SCHEDULE
from tradingbot.signal_server_environment import SignalServerEnvironment

ENV = environment.load()
BASE_DIR = environment.BASE_DIR

SECRET_KEY = ENV.secret_key.get_secret_value()
FIELD_KEYS = [key.strip() for key in ENV.field_keys.get_secret_value().split(",")]
DEBUG = ENV.debug
# health checks and Prometheus ask this machine by its own names, however people call it
ALLOWED_HOSTS = [*ENV.allowed_hosts, *environment.THIS_MACHINE]
CSRF_TRUSTED_ORIGINS = ENV.csrf_trusted_origins

DRY_RUN = ENV.dry_run
PAPER_EXCHANGE_URL = ENV.paper_exchange_url
# venue -> whose an older bot's rows are, and where its live positions are held
LEGACY_ACCOUNTS = ENV.legacy_accounts
LEGACY_STOP_LOSS_PERCENT = ENV.legacy_stop_loss_percent  # where an older bot's database does not say it
LEGACY_TRAILING_ACTIVATION_PERCENT = ENV.legacy_trailing_activation_percent
LEGACY_TRAILING_CALLBACK_PERCENT = ENV.legacy_trailing_callback_percent
PAPER_EXCHANGE_URLS = ENV.paper_exchange_urls  # of venues whose prices are not those of PAPER_EXCHANGE_URL
PAPER_HOSTS = ENV.paper_hosts
DB_SCHEMA = ENV.db_schema
REDIS_URL = ENV.redis_url
REDIS_PREFIX = ENV.redis_prefix
ORDER_RECEIVE_WINDOW = timedelta(milliseconds=ENV.order_receive_window_ms)
MAX_CLOCK_OFFSET_MS = ENV.max_clock_offset_ms
MAX_SIGNAL_AGE = timedelta(seconds=ENV.max_signal_age_seconds)
FORECAST_WAIT = timedelta(seconds=ENV.forecast_wait_seconds)
FORECAST_MODEL_SECONDS = ENV.forecast_model_seconds
TRUSTED_PROXIES = [ip_network(word) for word in ENV.trusted_proxies]
MAX_SENDER_CONNECTIONS = ENV.max_sender_connections  # in each process of the web page
TRADING_HEDGE_MODE = ENV.trading_hedge_mode
MAX_PRICE_AGE = timedelta(seconds=ENV.max_price_age_seconds)
PRICE_SILENT_AFTER = timedelta(seconds=ENV.price_silent_seconds)
BREAKER_PATIENCE = Patience()
STOPS_PROVEN_APART = timedelta(seconds=10)  # one proof each that an exchange takes stops again
CANARY_EVERY = timedelta(minutes=15)
CANARY_AGAIN = timedelta(minutes=1)  # while the exchange takes no stops
BALANCE_SECONDS = 4.0  # for all accounts together, asked side by side
BALANCE_IS_OLD_AFTER = timedelta(minutes=1)
UNPROTECTED_CLOSE_AFTER = timedelta(seconds=ENV.unprotected_close_seconds)
SIGNALS_URL = ENV.signals_url  # where senders are told to go
SIGNALS_STREAM = ENV.signals_stream
SIGNALS_STREAM_KEPT = ENV.signals_stream_kept
SIGNALS_STREAM_WAIT = timedelta(seconds=ENV.signals_stream_wait_seconds)
SYSTEM_LOG_DAYS = ENV.system_log_days
METRICS_TOKEN = ENV.metrics_token  # SecretStr: what prints settings prints stars
HEARTBEAT_URL = ENV.heartbeat_url
PAPER_STARTING_BALANCE = ENV.paper_starting_balance
SIGNAL_SERVER: SignalServerEnvironment = ENV

INSTALLED_APPS = [
    "ops.desk.config.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "django_celery_beat",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "exchanges",
    "signals_app",
    "trailing",
    "positions",
    "ops",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tradingbot.request_log.request_log",
    "tradingbot.security.content_security",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ops.desk.preferences.in_own_zone",
    "ops.trail.person.naming_people",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "ops.people.sessions.note_last_seen",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "tradingbot.urls"
ASGI_APPLICATION = "tradingbot.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ops.desk.preferences.for_templates",
                "tradingbot.people.mode_of_trading",
            ]
        },
    }
]


# a database that went without a word (its machine lost power) is noticed in seconds; on a unix socket they mean nothing
NOTICE_A_LOST_DATABASE = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


# nothing waits for the network inside a transaction: whoever does nothing in one for so long was frozen, and its locks
# must not freeze the others
FROZEN_AFTER_MS = 30_000


def _database(url: str) -> dict[str, object]:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    given = {k: v for k, v in parts.items() if k not in ("dbname", "user", "password", "host", "port")}
    options: dict[str, object] = {**NOTICE_A_LOST_DATABASE, **given}
    # our own schema only: legacy databases hold tables of our names in public, monitoring and fas
    options["options"] = (
        f"-c search_path={DB_SCHEMA} -c idle_in_transaction_session_timeout={FROZEN_AFTER_MS}"
    )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", ""),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATABASES = {"default": _database(ENV.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": channel_hosts(REDIS_URL), "prefix": REDIS_PREFIX},
    }
}

CELERY_BROKER_URL = broker_url(REDIS_URL)
# a task is a hint and is delivered at most once: its second coming would be late, the sweep is the net. Without the
# ledger of unacknowledged messages a worker also lives on when Redis dies, and each hint costs two round trips less
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_PREFIX}:",
    "ack_emulation": False,
    # a Redis that hangs must not hold up whoever gives a hint; a worker's own wait for work takes one second of it
    "socket_timeout": 2.0,
    "socket_connect_timeout": 1.0,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # Redis may be away for as long as it likes
CELERY_TASK_DEFAULT_QUEUE = "sweeps"
CELERY_TASK_ROUTES = {
    "positions.tasks.submit_order": {"queue": "orders"},
    "positions.tasks.cancel_order": {"queue": "orders"},
    "positions.tasks.tend_trade": {"queue": "orders"},
    "trailing.tasks.advance": {"queue": "trailing"},
    "trailing.tasks.protect": {"queue": "trailing"},
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_SCHEDULER = "tradingbot.beat:Scheduler"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "tradingbot.formats"

STATIC_URL = "static/"
# the page of the API's docs needs the files alone: as an app the library would be imported by every worker
_NINJA = find_spec("ninja")
NINJA_STATIC = (
    [str(Path(at) / "static" / "ninja") for at in _NINJA.submodule_search_locations or ()] if _NINJA else []
)
STATICFILES_DIRS = [BASE_DIR / "static", *(("ninja", at) for at in NINJA_STATIC)]
WHITENOISE_USE_FINDERS = True  # no collectstatic step: there is nothing to collect for one machine
WHITENOISE_MANIFEST_STRICT = False

CACHES = {
    "default": {
        "BACKEND": "tradingbot.cache.RedisOrMemory",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX,
        "OPTIONS": {"socket_timeout": 2.0, "socket_connect_timeout": 1.0},
    }
}

LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "second-factor"
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.is_https_only
SECURE_REDIRECT_EXEMPT = [
    r"^healthz$",
    r"^readyz$",
    r"^metrics$",
]  # asked by whoever watches the process, on its own machine
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if ENV.is_https_only else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.is_https_only
# on the browsers' own lists a name stays for years, also when its owner stops using https: theirs to decide
SILENCED_SYSTEM_CHECKS = ["security.W021"]

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "ops.people.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
FRESH_FOR = timedelta(minutes=15)  # since somebody said who they are
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(FRESH_FOR.total_seconds())
# tries that failed: of one address in a minute, and of one name in a quarter of an hour, whoever tries
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/15m/key", "reauthenticate": "5/m/user"}
MFA_ADAPTER = "ops.people.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "ops.people.code_forms.AuthenticateForm",
    "reauthenticate": "ops.people.code_forms.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Control room"
MFA_TOTP_TOLERANCE = 1
MFA_ALLOW_UNVERIFIED_EMAIL = True  # we know no addresses
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = (
    not ENV.is_https_only
)  # http://localhost; browsers refuse others themselves
USERSESSIONS_TRACK_ACTIVITY = True

# the one that is not used is not made: structlog costs a process a third of a second
_LOG_LINES = {
    "console": {
        "()": "ops.log_lines.ForEyes",
        "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
    },
    "json": {"()": "ops.log_lines.as_json"},
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": _LOG_LINES[ENV.log_format]},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": ENV.log_level},
    "loggers": {
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "ccxt": {"level": "WARNING"},
        "uvicorn": {"handlers": [], "level": "INFO", "propagate": True},  # its own lines like all others
        # an address may hold what is nobody's business, so only who wants to see everything gets them
        "uvicorn.access": {"handlers": [], "propagate": ENV.log_level == "DEBUG"},
    },
}
