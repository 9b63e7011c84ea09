"""The addresses under /api/v1/payments/: the five that the storefront is built on, and the two we add."""

from django.urls import path

from estuary.payments import api
from estuary.payments.webhooks import stripe_webhook

urlpatterns = [
    path("create/", api.CreatePaymentView.as_view(), name="payment-create"),
    path("methods/", api.MethodListView.as_view(), name="payment-methods"),
    path("methods/default/", api.DefaultMethodView.as_view(), name="payment-method-default"),
    path("methods/setup/", api.SetupView.as_view(), name="payment-method-setup"),
    path("methods/<ref:payment_method_id>/", api.MethodView.as_view(), name="payment-method"),
    path("webhook/", stripe_webhook, name="stripe-webhook"),
    path("webhook", stripe_webhook),  # Stripe follows no redirect to the address with its slash
    path("config/", api.ConfigView.as_view(), name="payment-config"),
]
