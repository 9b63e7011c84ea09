"""The payments API: create a payment, manage saved cards, read the public settings."""

from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.common.api.fields import MoneyField, ReferenceField, TextField
from estuary.common.api.openapi import problems
from estuary.common.client_ip import client_address
from estuary.common.errors import EstuaryError
from estuary.common.money import min_charge_minor, to_decimal
from estuary.payments import client, idempotency
from estuary.payments.checkout.begin_purchase import begin_purchase, find_first_purchase, resume_request
from estuary.payments.checkout.repeats import guard_for
from estuary.payments.checkout.serializers import (
    PaymentRequestSerializer,
    check_request,
    fingerprint_of,
    purchase_from,
)
from estuary.payments.checkout.start_payment import StartedPayment
from estuary.payments.customers import payment_methods as methods
from estuary.payments.customers import setup_intents
from estuary.payments.customers.consents import SAVE_CARD, Wording, find_wording, latest_consent
from estuary.payments.customers.payment_method_types import ALLOWED_PAYMENT_METHOD_TYPES
from estuary.payments.models import Consent, PaymentMethod
from estuary.payments.throttling import PaymentThrottle

KEY_MISSING = (
    "Cards can't be taken here yet: NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY is not set on the server. "
    "Set it to the publishable key of your Stripe account, pk_live_… or pk_test_…, and start the server again."
)


class CreatePaymentView(APIView):
    """Creates a payment for a service or for credits."""

    throttle_classes = [PaymentThrottle]

    class CreatedPayment(serializers.Serializer[StartedPayment]):
        """``client_secret`` for an intent, ``checkout_url`` for a hosted page; neither when credits covered it all."""

        order_id = serializers.CharField(source="order.public_id")
        status = serializers.CharField(source="order.status", help_text="of the order")
        payment_status = serializers.CharField(help_text="of the payment at Stripe, such as requires_action")
        amount = MoneyField(
            source="order.total_minor", currency="order.currency", help_text="the order's total"
        )
        credits_applied = MoneyField(source="order.credits_applied_minor", currency="order.currency")
        amount_due = MoneyField(
            source="order.amount_due_minor", currency="order.currency", help_text="the card's share"
        )
        currency = serializers.CharField(source="order.currency")
        expires_at = serializers.DateTimeField(
            source="order.expires_at", help_text="until when seats and slots are held"
        )
        payment_intent_id = serializers.CharField(source="intent.id", required=False)
        client_secret = serializers.CharField(source="intent.client_secret", required=False)
        checkout_url = serializers.CharField(source="session.url", required=False)

    @extend_schema(
        summary="Create a payment",
        request=PaymentRequestSerializer,
        parameters=[idempotency.PARAMETER],
        responses={201: CreatedPayment} | problems(400, 401, 402, 404, 409, 413, 415, 422, 429, 503),
    )
    @idempotency.idempotent
    def post(self, request: Request, claim: idempotency.Claim) -> Response:
        data = check_request(request.data)
        user = cast(User, request.user)
        card_ref = data.get("payment_method_id", "")
        started = resume_request(user, claim.request_key, card_ref) if claim.is_retry else None
        if started is None:
            address = client_address(request._request, trusted_proxies=settings.TRUSTED_PROXIES or 0)
            started = self._begin_purchase(data, user, claim.request_key, address)
        return Response(self.CreatedPayment(started).data, status=status.HTTP_201_CREATED)

    @staticmethod
    def _begin_purchase(data: dict[str, Any], user: User, request_key: str, address: str) -> StartedPayment:
        fingerprint = fingerprint_of(data)
        guard = guard_for(data, user=user, fingerprint=fingerprint, keyed=bool(request_key))
        try:
            purchase = purchase_from(
                data,
                user=user,
                request_key=request_key,
                fingerprint=fingerprint,
                guard=guard,
                address=address,
            )
            return begin_purchase(purchase)
        except EstuaryError as refusal:
            return find_first_purchase(guard, refusal)

    def complete(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Add the client secret to a replayed answer; secrets are not stored."""
        if intent_id := answer.get("payment_intent_id"):
            answer["client_secret"] = client.retrieve_intent(intent_id).client_secret
        return answer


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    """What the owner of a card agreed to when it was saved, in the words that were shown."""

    class Meta:
        model = Consent
        fields = ["wording_id", "text", "given_at"]


class MethodSerializer(serializers.ModelSerializer[PaymentMethod]):
    """A saved card; ``id`` is ours, ``stripe_payment_method_id`` is what Stripe.js confirms with."""

    id = serializers.CharField()
    card_brand = serializers.CharField(help_text="for people, such as Visa or Mastercard")
    brand = serializers.CharField(help_text="Stripe's word, such as visa or mastercard")
    consent = serializers.SerializerMethodField()

    class Meta:
        model = PaymentMethod
        fields = [
            "id",
            "stripe_payment_method_id",
            "card_brand",
            "brand",
            "last4",
            "exp_month",
            "exp_year",
            "is_default",
            "consent",
        ]

    @extend_schema_field(ConsentSerializer(allow_null=True))
    def get_consent(self, card: PaymentMethod) -> Any:
        """What its owner agreed to when it was saved; null when it was saved without a wording of ours."""
        consent = latest_consent(card.consents.all())
        return ConsentSerializer(consent).data if consent else None


class MethodListView(APIView):
    """The buyer's saved cards, the default first."""

    class SavedCards(serializers.Serializer[Any]):
        payment_methods = MethodSerializer(many=True)

    @extend_schema(summary="List saved cards", responses={200: SavedCards} | problems(401))
    def get(self, request: Request) -> Response:
        cards = methods.saved_cards(cast(User, request.user).pk).prefetch_related("consents")
        return Response({"payment_methods": MethodSerializer(cards, many=True).data})


class DefaultMethodView(APIView):
    """Makes one saved card the default."""

    class DefaultCard(serializers.Serializer[Any]):
        payment_method_id = ReferenceField()

    @extend_schema(
        summary="Set the default card",
        request=DefaultCard,
        responses={200: MethodSerializer} | problems(400, 401, 404, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        body = self.DefaultCard(data=request.data)
        body.is_valid(raise_exception=True)
        card = methods.set_default(
            user=cast(User, request.user), ref=body.validated_data["payment_method_id"]
        )
        return Response(MethodSerializer(card).data)


class MethodView(APIView):
    """One saved card, by our id or by Stripe's ``pm_…``."""

    @extend_schema(
        summary="Delete a saved card",
        parameters=[OpenApiParameter("payment_method_id", str, "path")],
        responses={204: None} | problems(401, 404, 409),
    )
    def delete(self, request: Request, payment_method_id: str) -> Response:
        methods.remove_payment_method(user=cast(User, request.user), ref=payment_method_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SetupView(APIView):
    """Starts saving a card without a payment: the browser confirms the SetupIntent with Stripe.js."""

    throttle_classes = [PaymentThrottle]

    class StartedSetup(serializers.Serializer[Any]):
        setup_intent_id = serializers.CharField()
        client_secret = serializers.CharField()

    class SetupConsent(serializers.Serializer[Any]):
        consent_wording = TextField(
            required=False,
            max_length=64,
            help_text="the id of the `save_card_wording` that the buyer agreed to",
        )

    @extend_schema(
        summary="Begin saving a card",
        request=SetupConsent,
        parameters=[idempotency.PARAMETER],
        responses={201: StartedSetup} | problems(400, 401, 409, 413, 415, 422, 429, 503),
    )
    @idempotency.idempotent
    def post(self, request: Request, claim: idempotency.Claim) -> Response:
        user = cast(User, request.user)
        setup = self.SetupConsent(data=request.data)
        setup.is_valid(raise_exception=True)
        wording_id = setup.validated_data.get("consent_wording", "")
        consent = find_wording(wording_id) if wording_id else None
        setup_intent_id, client_secret = setup_intents.create_setup_intent(user, consent)
        body = {"setup_intent_id": setup_intent_id, "client_secret": client_secret}
        return Response(body, status=status.HTTP_201_CREATED)

    def complete(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Add the client secret to a replayed answer; secrets are not stored."""
        return answer | {"client_secret": client.setup_secret(answer["setup_intent_id"])}


class WordingSerializer(serializers.Serializer[Wording]):
    """A sentence that buyers agree to: show ``text``, send ``id`` back as ``consent_wording``."""

    id = serializers.CharField()
    text = serializers.CharField()


class ConfigView(APIView):
    """The settings that the storefront needs before sign-in."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    class PublicSettings(serializers.Serializer[Any]):
        publishable_key = serializers.CharField(help_text="empty: set NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY")
        problem = serializers.CharField(help_text="why cards can't be taken, for people; empty when they can")
        stripe_js_url = serializers.CharField(help_text="the sandbox's own Stripe.js; empty: js.stripe.com")
        currency = serializers.CharField()
        minimum_charge = serializers.CharField(help_text="the smallest share a card can pay, in `currency`")
        payment_method_types = serializers.ListField(
            child=serializers.CharField(),
            help_text="the ways to pay, by Stripe's names; Elements must offer no others",
        )
        sandbox = serializers.BooleanField()
        save_card_wording = WordingSerializer(help_text="shown beside the box that saves a card")
        contact_email = serializers.CharField(help_text="where people ask for help")

    @extend_schema(summary="Read the public settings", responses={200: PublicSettings})
    def get(self, request: Request) -> Response:
        return Response(
            {
                "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
                "problem": "" if settings.STRIPE_PUBLISHABLE_KEY else KEY_MISSING,
                "stripe_js_url": settings.STRIPE_JS_URL,
                "currency": settings.CURRENCY,
                "minimum_charge": to_decimal(min_charge_minor(settings.CURRENCY), settings.CURRENCY),
                "payment_method_types": ALLOWED_PAYMENT_METHOD_TYPES,
                "sandbox": settings.SANDBOX,
                "save_card_wording": WordingSerializer(SAVE_CARD).data,
                "contact_email": settings.CONTACT_EMAIL,
            }
        )
