"""A request to create a payment is checked, priced by the server alone, and turned into a Purchase."""

import hashlib
import json
import string
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Prefetch, prefetch_related_objects
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from estuary.accounts.models import User
from estuary.bookings.order_lines import SHOWN_STARTS_HELP, ScheduleRequest, find_only_session
from estuary.catalog.bounds import DATES_MAX
from estuary.catalog.models import PackageItem, Service, ServiceType
from estuary.catalog.pricing import PricedItem, priced_items
from estuary.common import clock
from estuary.common.api.fields import FlagField, IdField, MomentField, ReferenceField, TextField
from estuary.common.errors import InvalidAmount, InvalidRequest, NotFound
from estuary.common.money import display, max_credits_minor, min_charge_minor, to_decimal, to_minor
from estuary.common.observability.card_numbers import find_card_numbers
from estuary.common.observability.redaction import redact, texts_of
from estuary.common.origins import origin_of
from estuary.credits.ledger import spendable_of
from estuary.orders.models import PaymentType
from estuary.orders.place_order import CheckoutOptions
from estuary.payments.checkout.create_order import Purchase
from estuary.payments.checkout.repeats import RepeatGuard
from estuary.payments.customers.consents import Wording, find_wording
from estuary.payments.customers.payment_methods import find_card
from estuary.payments.errors import BelowMinimum, NotOnSale, PriceChanged, UnsafeReturnUrl

MAX_SERVICE_DATA = 4000
MAX_RETURN_URL = 500
CARD_NUMBER_MESSAGE = (
    "It has a number in it that reads as a card number. Leave card numbers out. Write a telephone number with + and "
    "its country code, like +44 20 7946 0958, and a number of your own with letters before it, like ORD4242."
)


@extend_schema_field({"oneOf": [{"type": "number"}, {"type": "string"}], "example": 100.00})
class AmountField(serializers.Field[Decimal, Any, str, Any]):
    """A decimal number or string; never a float, so no digit that was sent is changed."""

    def to_internal_value(self, data: Any) -> Decimal:
        with suppress(ArithmeticError):
            if isinstance(data, int | str | Decimal) and not isinstance(data, bool) and len(str(data)) <= 40:
                return Decimal(data)
        raise InvalidAmount("The amount is not a number. Send it like 100.00.")


class ScheduledItemSerializer(serializers.Serializer[Any]):
    """The requested time of one item."""

    service_id = IdField(required=False)
    start_datetime = MomentField(required=False)
    service_session_id = IdField(required=False)
    shown_start_datetimes = serializers.ListField(
        child=MomentField(),
        required=False,
        allow_empty=False,
        max_length=DATES_MAX,
        help_text=SHOWN_STARTS_HELP,
    )


class SchedulingSerializer(ScheduledItemSerializer):
    """``items`` is for packages and bundles: items that are not listed are scheduled later."""

    items = serializers.ListField(child=ScheduledItemSerializer(), required=False, max_length=60)


class PaymentRequestSerializer(serializers.Serializer[Any]):
    """A purchase of a service, or of credits with ``is_credit_purchase``.

    ``amount``, ``credit_amount`` and ``amount_due`` are what the buyer expects to pay, to get, and to pay by card:
    assertions, never prices.
    """

    service_id = IdField(required=False)
    is_credit_purchase = FlagField(default=False)
    payment_type = serializers.ChoiceField(choices=PaymentType.values, default=PaymentType.INTENT)
    amount = AmountField(required=False)
    credit_amount = AmountField(required=False)
    amount_due = AmountField(
        required=False,
        help_text="the card's share as the buyer was shown it. If credits pay more or less of the price by now, the "
        "answer is 409 `amount_due_changed`, and nothing is spent",
    )
    currency = serializers.CharField(required=False, max_length=3, min_length=3)
    service_data = serializers.DictField(required=False)
    scheduling_data = SchedulingSerializer(required=False, allow_null=True)
    use_credits = FlagField(default=False)
    save_payment_method = FlagField(default=True)
    consent_wording = TextField(
        required=False,
        max_length=64,
        help_text="with `save_payment_method`: the id of the `save_card_wording` that the buyer agreed to",
    )
    payment_method_id = ReferenceField(required=False)
    again = TextField(
        required=False,
        max_length=32,
        help_text="the `order_id` of a 409 `bought_just_now`: the buyer means to buy it once more",
    )
    time_zone = TextField(
        required=False,
        allow_blank=True,
        allow_null=True,
        help_text="the buyer's, such as Europe/Lisbon: mails tell the times of what is online in it. One that we do "
        "not know is ignored, for no payment shall fail by it",
    )
    success_url = serializers.CharField(required=False, max_length=MAX_RETURN_URL)
    cancel_url = serializers.CharField(required=False, max_length=MAX_RETURN_URL)

    def validate_service_data(self, value: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(value, default=str)
        if len(text) > MAX_SERVICE_DATA:
            raise serializers.ValidationError(f"At most {MAX_SERVICE_DATA} characters.")
        data = dict(json.loads(text))
        # Each by itself: the answers 4, 2, 4, 2 … of a form make no card number together.
        texts = list(texts_of(data))
        if any(map(find_card_numbers, texts)):
            raise serializers.ValidationError(CARD_NUMBER_MESSAGE)
        if any(redact(part) != part for part in texts):
            raise serializers.ValidationError("It has a key or a token in it. Leave that out.")
        return data

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["is_credit_purchase"] and not attrs.get("service_id"):
            raise serializers.ValidationError(
                {"service_id": "Say which service, or send is_credit_purchase: true."}
            )
        if attrs["is_credit_purchase"] and "amount" not in attrs:
            raise serializers.ValidationError({"amount": "Say for how much money you want credits."})
        if attrs["is_credit_purchase"] and attrs["use_credits"]:
            raise serializers.ValidationError({"use_credits": "Credits can't be bought with credits."})
        return attrs


def check_request(body: Any) -> dict[str, Any]:
    serializer = PaymentRequestSerializer(data=body)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def fingerprint_of(data: dict[str, Any]) -> str:
    """Return a hash of what is bought: not of the card, nor of the price of a service.

    The price is the server's and may change between a request and its retry, as the card's share of it may. Credits are
    identified by their amount.
    """
    parts = [
        data.get("service_id") if not data["is_credit_purchase"] else None,
        data.get("currency", settings.CURRENCY).lower(),
        _plain_amount(data["amount"]) if data["is_credit_purchase"] else "",
        data["use_credits"],
        data["payment_type"],
        data["save_payment_method"],
        data.get("success_url", ""),
        data.get("cancel_url", ""),
        data.get("service_data", {}),
        _as_json(data.get("scheduling_data") or {}),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _plain_amount(amount: Decimal) -> str:
    """Return the same text for 20, 20.0 and 20.00; an invalid amount is refused later, when it is priced."""
    try:
        return str(amount.normalize())
    except ArithmeticError:
        return str(amount)


def purchase_from(
    data: dict[str, Any],
    *,
    user: User,
    fingerprint: str,
    request_key: str,
    guard: RepeatGuard | None,
    address: str = "",
) -> Purchase:
    """Turn a checked request into a Purchase: reads the service with its prices, and the saved card if one is named.

    Raises NotFound, NotOnSale, SchedulingRequired, PriceChanged, InvalidAmount, BelowMinimum, UnsafeReturnUrl,
    CardRemoved, UnknownWording; writes nothing.
    """
    currency = data.get("currency", settings.CURRENCY).lower()
    service = None if data["is_credit_purchase"] else _find_service(data["service_id"])
    scheduling = _with_only_session(data.get("scheduling_data") or {}, service)
    return Purchase(
        user=user,
        service=service,
        currency=currency,
        priced=_price_service(service, data, user, currency) if service else (),
        credits_minor=0 if service else _price_credits(data, currency),
        options=_checkout_options(data, user, scheduling, fingerprint),
        schedule_request=_schedule_request(scheduling),
        items=tuple(_schedule_request(item) for item in scheduling.get("items", [])),
        use_credits=data["use_credits"],
        shown_due_minor=_shown_due_minor(data, currency),
        consent=_find_consent(data),
        request_key=request_key,
        guard=guard,
        address=address,
    )


def _find_consent(data: dict[str, Any]) -> Wording | None:
    """Return the wording that the buyer agreed to; None when no card is saved. Raises UnknownWording."""
    wording = find_wording(data["consent_wording"]) if data.get("consent_wording") else None
    return wording if data["save_payment_method"] else None


def _find_service(service_id: str) -> Service:
    items = PackageItem.objects.select_related("service__practitioner")
    services = Service.objects.select_related("practitioner", "bundle_of__practitioner")
    service = services.prefetch_related(Prefetch("items", items)).filter(pk=int(service_id)).first()
    if service is None:
        raise NotFound(f"There is no service {service_id}.")
    if not service.is_on_sale(clock.now()):
        raise NotOnSale(f"{service.name} is not on sale at the moment.")
    # One query reads the prices of a package and of its items.
    prefetch_related_objects([service, *(item.service for item in service.items.all())], "prices")
    return service


def _with_only_session(scheduling: dict[str, Any], service: Service | None) -> dict[str, Any]:
    """Return the scheduling data, with the session of a workshop that has a single date when none is named."""
    if service is None or service.type != ServiceType.WORKSHOP:
        return scheduling
    if scheduling.get("service_session_id"):
        return scheduling
    session = find_only_session(service, at=clock.now())
    if scheduling.get("start_datetime") not in (None, session.starts_at):
        return scheduling
    return scheduling | {"service_session_id": str(session.pk)}


def _price_service(service: Service, data: dict[str, Any], user: User, currency: str) -> list[PricedItem]:
    """Return the deliverables with their prices. The buyer's ``amount`` must be their sum."""
    priced = priced_items(service, currency)
    total_minor = sum(item.amount_minor for item in priced)
    if "amount" in data and to_minor(data["amount"], currency) != total_minor:
        raise PriceChanged(
            f"{service.name} costs {display(total_minor, currency)}. Please look at the price again.",
            amount=to_decimal(total_minor, currency),
            currency=currency,
        )
    if total_minor < min_charge_minor(currency):
        _refuse_unless_covered(service, user, total_minor, currency, use_credits=data["use_credits"])
    return priced


def _refuse_unless_covered(
    service: Service, user: User, total_minor: int, currency: str, *, use_credits: bool
) -> None:
    """Raise BelowMinimum for a price below Stripe's minimum, unless the buyer's credits cover all of it."""
    if use_credits and spendable_of(user, currency) >= total_minor:
        return
    minimum = min_charge_minor(currency)
    raise BelowMinimum(
        f"{service.name} costs {display(total_minor, currency)}, and a card can't be charged less than "
        f"{display(minimum, currency)}. It can be paid with credits alone.",
        minimum=to_decimal(minimum, currency),
        currency=currency,
    )


def _price_credits(data: dict[str, Any], currency: str) -> int:
    if currency != settings.CURRENCY:
        raise InvalidRequest(f"Credits are sold in {settings.CURRENCY.upper()}.")
    total_minor = to_minor(data["amount"], currency)
    minimum, maximum = min_charge_minor(currency), max_credits_minor(currency)
    if not minimum <= total_minor <= maximum:
        low, high = display(minimum, currency), display(maximum, currency)
        raise InvalidAmount(f"Credits are sold for {low} up to {high} at once.")
    if "credit_amount" in data and to_minor(data["credit_amount"], currency) != total_minor:
        raise PriceChanged(
            "A credit costs one unit of the currency, so the amount and the credits must be the same.",
            amount=to_decimal(total_minor, currency),
            credit_amount=to_decimal(total_minor, currency),
            currency=currency,
        )
    return total_minor


def _shown_due_minor(data: dict[str, Any], currency: str) -> int | None:
    """Return the card's share as the buyer was shown it: zero when credits pay all. None when none is sent."""
    if "amount_due" not in data:
        return None
    return 0 if data["amount_due"].is_zero() else to_minor(data["amount_due"], currency)


def _checkout_options(
    data: dict[str, Any], user: User, scheduling: dict[str, Any], fingerprint: str
) -> CheckoutOptions:
    card_ref = data.get("payment_method_id", "")
    return CheckoutOptions(
        payment_type=data["payment_type"],
        save_payment_method=data["save_payment_method"],
        stripe_payment_method_id=find_card(user, card_ref).stripe_payment_method_id if card_ref else "",
        success_url=_safe_url(data.get("success_url", "")),
        cancel_url=_safe_url(data.get("cancel_url", "")),
        service_data=data.get("service_data", {}),
        scheduling_data=_as_json(scheduling),
        request_fingerprint=fingerprint,
        time_zone=_valid_zone(data.get("time_zone") or ""),
    )


def _valid_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key if name else ""
    except (LookupError, ValueError, OSError):
        return ""


def _safe_url(url: str) -> str:
    """Refuse every URL that is not on one of our origins, as a browser would parse it.

    Other letters than ASCII are encoded as a browser does. Only a path or a query can have them: the origins have none.
    """
    if not url:
        return ""
    is_malformed = any(character in url for character in "\\\t\r\n ") or not url.isprintable()
    try:
        # In a query, such as ?email=maya@estuary.example, an @ does no harm.
        is_own_origin = origin_of(url) in settings.RETURN_ORIGINS and "@" not in urlsplit(url).netloc
    except ValueError:
        is_own_origin = False
    if is_malformed or not is_own_origin:
        raise UnsafeReturnUrl(
            f"success_url and cancel_url must be addresses under {settings.FRONTEND_URL}. The server takes those of "
            "another frontend once ESTUARY_RETURN_ORIGINS names its origin."
        )
    encoded = quote(url, safe=string.punctuation)
    if len(encoded) > MAX_RETURN_URL:
        raise UnsafeReturnUrl(
            f"success_url and cancel_url have at most {MAX_RETURN_URL} characters, after letters such as ü are "
            f"encoded. This one has {len(encoded)}."
        )
    return encoded


def _schedule_request(data: dict[str, Any]) -> ScheduleRequest:
    return ScheduleRequest(
        service_id=int(data["service_id"]) if data.get("service_id") else None,
        starts_at=data.get("start_datetime"),
        session_id=int(data["service_session_id"]) if data.get("service_session_id") else None,
        shown_starts=tuple(data["shown_start_datetimes"]) if data.get("shown_start_datetimes") else None,
    )


def _as_json(scheduling: dict[str, Any]) -> dict[str, Any]:
    """Return the scheduling data as it is stored and sent as metadata: times as ISO 8601 text.

    The times that were shown are left out: like the price, they are what the buyer expects, and not what is bought.
    """
    return {
        key: [_as_json(item) for item in value]
        if isinstance(value, list)
        else value.isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime)
        else value
        for key, value in scheduling.items()
        if key != "shown_start_datetimes"
    }
