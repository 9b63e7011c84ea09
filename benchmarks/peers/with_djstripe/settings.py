import os

from estuary.config.database import database_settings

SECRET_KEY = "of the shop with dj-stripe"
DATABASES = {"default": database_settings(os.environ["DATABASE_URL"], pool_size=8)}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "djstripe"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "benchmarks.peers.with_djstripe.urls"
ALLOWED_HOSTS = ["localhost"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STRIPE_TEST_SECRET_KEY = "sk_test_" + "nobodys" * 4  # of the length that dj-stripe asks for
STRIPE_LIVE_MODE = False
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
