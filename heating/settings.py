"""Settings of the portal: every value comes from the environment, with a default that suits `make up`.

Without DATABASE_URL and REDIS_URL the embedded servers under `var/` are meant (heating/embedded.py starts them);
with them, whatever they name.
"""

import os
from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF

from core import logs
from heating import embedded, production

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR_DIR = Path(env.str("PORTAL_VAR", default=str(BASE_DIR / "var")))
DEBUG = env.bool("DEBUG", default=False)
if env.bool("PRODUCTION", default=False) or env.bool("HTTPS", default=False):
    production.require(os.environ)
# A deployment must bring its own key; the embedded single-machine start writes one under var/ the first time.
SECRET_KEY = env.str("SECRET_KEY", default="") or embedded.secret(VAR_DIR, "secret_key")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Keys for phones and names at rest, newest first (core/crypto.py); more than one while they are being rotated.
FIELD_KEYS = env.list("FIELD_KEYS", default=[]) or [embedded.secret(VAR_DIR, "field_key")]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000")

INSTALLED_APPS = [
    "heating",
    "oversight",
    "complaints",
    "supply",
    "plants",
    "deadlines",
    "notices",
    "units",
    "core",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "template_partials",
    "guardian",
    "axes",
    "csp",
    "captcha",
    "pgtrigger",
    "pghistory",
]

MIDDLEWARE = [
    # What every answer carries comes first, so that refusals of what follows carry it too.
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.middleware.headers",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.middleware.faults",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.middleware.steady",
    "units.middleware.session_limits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "heating.urls"
WSGI_APPLICATION = "heating.wsgi.application"

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
                "heating.shell.context",
            ],
            "builtins": ["heating.templatetags.portal"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": env.db_url_config(env.str("DATABASE_URL", default="") or embedded.database_url(VAR_DIR))}
DATABASES["default"].update(
    ENGINE="django.db.backends.postgresql",
    CONN_MAX_AGE=env.int("CONN_MAX_AGE", default=60),
    CONN_HEALTH_CHECKS=True,
    DISABLE_SERVER_SIDE_CURSORS=env.bool("PGBOUNCER", default=False),
)
DATABASES["default"].setdefault("OPTIONS", {}).update(connect_timeout=5)
# A server whose machine went dark answers nothing at all: the system notices within half a minute instead of a quarter of an hour.
DATABASES["default"]["OPTIONS"].update(keepalives_idle=10, keepalives_interval=5, keepalives_count=3, tcp_user_timeout=20_000)
if not env.bool("PGBOUNCER", default=False):  # behind one, the role carries these (docs/operations.md): a pool takes no options at the start
    # No machine code for a statement: those of several questions look dear enough for it, and are done sooner than it is compiled.
    DATABASES["default"]["OPTIONS"].update(options="-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000 -c jit=off")

# The password of the account as which the portal runs, for `manage.py harden_database`, which makes that account.
APP_DB_PASSWORD = env.str("APP_DB_PASSWORD", default="")
REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(VAR_DIR)

# ---------------------------------------------------------------- time and language
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

# ---------------------------------------------------------------- people
AUTH_USER_MODEL = "units.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "units.backends.PersonBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_RAISE_403 = True
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "units.passwords.CharacterClassesValidator"},
    {"NAME": "units.passwords.KeepersLengthValidator"},
    {"NAME": "units.passwords.HistoryValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_IDLE = timedelta(minutes=env.int("SESSION_IDLE_MINUTES", default=30))
SESSION_ABSOLUTE = timedelta(hours=env.int("SESSION_ABSOLUTE_HOURS", default=12))
SESSION_COOKIE_AGE = int(SESSION_ABSOLUTE.total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
PASSWORD_GOOD_FOR = timedelta(days=90)
# required: whoever may look at numbers, export, oversee or keep the keys must enrol; offered: whoever has enrolled is asked.
# Days after which an account that nobody used rests until it is woken (S8).
DORMANT_DAYS = env.int("DORMANT_DAYS", default=90)
# Months after its closing in which a ticket still knows who complained (S12).
RETENTION_MONTHS = env.int("RETENTION_MONTHS", default=24)
SECOND_FACTOR = env.str("SECOND_FACTOR", default="required" if env.bool("PRODUCTION", default=False) else "offered")
SIGN_INS_PER_HOUR = 20  # wrong ones for one name, from wherever they come: axes counts by name and address only
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "units.views.locked_out"
# How many proxies of ours stand before the portal: whose word on a caller's address is taken.
PROXY_COUNT = env.int("PROXY_COUNT", default=0)
AXES_CLIENT_IP_CALLABLE = "core.addresses.client_address"
AXES_VERBOSE = False

# ---------------------------------------------------------------- residents: a sum in a picture, past a threshold only
CAPTCHA_CHALLENGE_FUNCT = "captcha.helpers.math_challenge"
CAPTCHA_FONT_SIZE = 51
CAPTCHA_IMAGE_SIZE = (225, 78)
CAPTCHA_NOISE_FUNCTIONS = ("captcha.helpers.noise_arcs",)
CAPTCHA_MATH_CHALLENGE_OPERATOR = "×"
CAPTCHA_2X_IMAGE = False
CAPTCHA_TIMEOUT = 10

# ---------------------------------------------------------------- transport
HTTPS = env.bool("HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if HTTPS and PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "heating.views.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# ---------------------------------------------------------------- files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
# Backups (heating/backups.py): where, with which key (losing it loses them), how many are kept, when, and where each goes besides.
BACKUP_DIR = Path(env.str("BACKUP_DIR", default=str(VAR_DIR / "backups")))
BACKUP_KEY = env.str("BACKUP_KEY", default="") or embedded.secret(VAR_DIR, "backup_key")
BACKUP_KEEP = env.int("BACKUP_KEEP", default=14)
BACKUP_AT = env.str("BACKUP_AT", default="02:30")
BACKUP_COPY_TO = env.str("BACKUP_COPY_TO", default="")
REHEARSE_ON = env.int("REHEARSE_ON", default=7)
# The journal's head of each day, published (heating/anchoring.py): in a file, best on another machine, and to units by their codes.
ANCHOR_FILE = Path(env.str("ANCHOR_FILE", default=str(VAR_DIR / "anchors.txt")))
ANCHOR_UNITS = env.list("ANCHOR_UNITS", default=[])
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": env.str("STATIC_STORAGE", default="whitenoise.storage.CompressedManifestStaticFilesStorage")},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
IMPORT_MAX_BYTES = 10 * 1024 * 1024
ATTACHMENT_MAX_BYTES = 8 * 1024 * 1024

# ---------------------------------------------------------------- API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "units.authentication.TokenAuthentication",
        "units.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.answer_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "NUM_PROXIES": PROXY_COUNT,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "未央区采暖期集中供热保障指挥平台 API",
    "DESCRIPTION": "工单、导入、时限与督办的接口。时间为 ISO 8601；不带时区的时间按北京时间理解。",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "core.schema.with_refusals"],
}

# ---------------------------------------------------------------- Celery: only triggers, never carries a time limit (docs/decisions)
# redis-py and kombu name a unix socket differently.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1) if REDIS_URL.startswith("unix://") else REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_DEFAULT_QUEUE = "clock"
CELERY_TASK_ROUTES = {
    name: {"queue": "files"} for name in ("complaints.tasks.run_import", "complaints.tasks.resume_imports", "notices.tasks.make_export", "notices.tasks.resume_exports")
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 10,
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_ENABLE_UTC = True
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
# In memory: a file that remembers a moment which a clock set back has yet to reach would keep beat silent until then.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
# No message expires: a worker whose clock is ahead would drop each of them. Of a queue that has grown, one in a window works (core/limits.py).
CELERY_BEAT_SCHEDULE = {
    "sweep-deadlines": {"task": "deadlines.tasks.sweep", "schedule": 1.0},
    "send-notices": {"task": "notices.tasks.send", "schedule": 1.0},
    "detect-clusters": {"task": "complaints.tasks.detect_clusters", "schedule": 20.0},
    "keep-calendar": {"task": "heating.tasks.keep_calendar", "schedule": 30.0},
    "resume-imports": {"task": "complaints.tasks.resume_imports", "schedule": 5.0},
    "resume-exports": {"task": "notices.tasks.resume_exports", "schedule": 5.0},
}

# ---------------------------------------------------------------- mail
EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="portal@localhost")

# ---------------------------------------------------------------- robots, callbacks, text messages (notices/wire.py)
# Nothing is sent inwards unless the operator says so: for all private addresses, or host by host ("host" or "host:port").
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=False)
WEBHOOK_ALLOWED_HOSTS = env.list("WEBHOOK_ALLOWED_HOSTS", default=[])
SMS_URL = env.str("SMS_URL", default="")
SMS_SECRET = env.str("SMS_SECRET", default="")
SMS_FORMAT = env.str("SMS_FORMAT", default="json")  # json | form
SMS_PHONE_FIELD = env.str("SMS_PHONE_FIELD", default="phone")
SMS_TEXT_FIELD = env.str("SMS_TEXT_FIELD", default="content")
SMS_EXTRA = env.json("SMS_EXTRA", default={})  # further fields that the gateway wants: account, signature, template…
# What in the gateway's JSON answer means accepted, e.g. "code=0"; empty: any 2xx.
SMS_ACCEPTED = env.str("SMS_ACCEPTED", default="")

# ---------------------------------------------------------------- rooms that ask upwards by name
# Whom the lists that duties ask for have to cover: the register knows (deadlines/obligation_selectors.py).
CONCERNED = "plants.concerned.names_for"
# The lists that can be taken along, by their codes (units/exports.py).
EXPORTS = {
    "tickets": "complaints.exports.TICKETS", "escalations": "deadlines.escalation_exports.ESCALATIONS", "journal": "units.audit_exports.JOURNAL",
    "temperatures": "plants.long_lists.TEMPERATURES", "visits": "plants.long_lists.VISITS", "inspections": "plants.long_lists.INSPECTIONS",
}  # fmt: skip

# ---------------------------------------------------------------- log
LOG_FORMAT = env.str("LOG_FORMAT", default="json" if env.bool("PRODUCTION", default=False) else "line")
logs.through_logging(as_json=LOG_FORMAT == "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": logs.Line, "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}, "json": logs.JSON},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    # A task that began and ended as it should, every second, is no news.
    "loggers": {name: {"level": "WARNING"} for name in ("axes", "celery.app.trace", "celery.beat", "django_structlog.celery")},
}
# Who may read /metrics: whoever brings this token; without one, this machine alone.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
