import os

from estuary.config.database import database_settings

SECRET_KEY = "of the naive view"
DATABASES = {"default": database_settings(os.environ["DATABASE_URL"], pool_size=8)}
INSTALLED_APPS = ["benchmarks.peers.naive"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "benchmarks.peers.naive.wsgi"
ALLOWED_HOSTS = ["localhost"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
