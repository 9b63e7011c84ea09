import os
from decimal import Decimal
from typing import Any

import stripe
from django.core.wsgi import get_wsgi_application
from django.urls import path

application = get_wsgi_application()

from rest_framework.request import Request  # noqa: E402 all of these need the settings
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from benchmarks.peers.bare_create.models import Payment  # noqa: E402

client = stripe.StripeClient(
    os.environ["STRIPE_SECRET_KEY"],
    http_client=stripe.RequestsClient(),
    base_addresses={"api": os.environ["STRIPE_API_BASE"]},
)


class Create(APIView):
    def post(self, request: Request) -> Response:
        data: dict[str, Any] = request.data
        payment = Payment.objects.create(amount=int(Decimal(data["amount"]) * 100))
        customer = client.v1.customers.create({"metadata": {"user_id": str(payment.pk)}})
        intent = client.v1.payment_intents.create(
            {
                "amount": payment.amount,
                "currency": "usd",
                "customer": customer.id,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "metadata": {"order_id": str(payment.pk)},
            }
        )
        return Response({"order_id": payment.pk, "client_secret": intent.client_secret}, status=201)


urlpatterns = [path("create/", Create.as_view())]
