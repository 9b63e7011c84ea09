"""The least that a Django view can do with an event: verify its signature, parse it, and forget it."""

import json

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from stripe import WebhookSignature

from estuary.config.environment import SANDBOX_DEFAULTS

SECRET = SANDBOX_DEFAULTS["stripe_webhook_secret"]


@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    body = request.body.decode()
    WebhookSignature.verify_header(body, request.headers["Stripe-Signature"], SECRET, tolerance=300)
    json.loads(body)
    return JsonResponse({"received": True})


urlpatterns = [path("webhook/", webhook)]
settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost"], SECRET_KEY="of the bare view", USE_TZ=True
)
application = get_wsgi_application()
