from typing import Any, cast

import stripe
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from estuary.config.environment import SANDBOX_DEFAULTS

application = get_wsgi_application()

from benchmarks.peers.naive.models import CreditTransaction, Order  # noqa: E402 they need the settings

SECRET = SANDBOX_DEFAULTS["stripe_webhook_secret"]


@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    event = stripe.Webhook.construct_event(request.body, request.headers["Stripe-Signature"], SECRET)
    if event.type == "payment_intent.succeeded":
        intent = cast(Any, event.data.object)
        order = Order.objects.get(stripe_payment_intent_id=intent.id)
        order.status, order.paid_at = "completed", timezone.now()
        order.save()
        CreditTransaction.objects.create(user_id=order.user_id, order=order, amount=intent.amount_received)
    return JsonResponse({"received": True})


urlpatterns = [path("webhook/", webhook)]
