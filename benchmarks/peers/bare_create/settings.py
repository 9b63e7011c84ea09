import os

from estuary.config.database import database_settings

SECRET_KEY = "of the bare view"
DATABASES = {"default": database_settings(os.environ["DATABASE_URL"], pool_size=8)}
INSTALLED_APPS = ["rest_framework", "benchmarks.peers.bare_create"]
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "benchmarks.peers.bare_create.wsgi"
ALLOWED_HOSTS = ["localhost"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
