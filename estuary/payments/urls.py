"""URLs under /api/v1/: payments, and what payments add to orders and bookings."""

from django.urls import include, path

from estuary.common.api import url_converters  # noqa: F401 - registers <ref:…>
from estuary.payments import api
from estuary.payments.order_api import date_changes, own_dates
from estuary.payments.order_api import views as order_views
from estuary.payments.order_api.guest_messages import WriteToDateView, WriteToGuestView
from estuary.payments.order_api.moving import MoveBookingView
from estuary.payments.webhooks import stripe_webhook

payment_urls = [
    path("create/", api.CreatePaymentView.as_view(), name="payment-create"),
    path("methods/", api.MethodListView.as_view(), name="payment-methods"),
    path("methods/default/", api.DefaultMethodView.as_view(), name="payment-method-default"),
    path("methods/setup/", api.SetupView.as_view(), name="payment-method-setup"),
    path("methods/<ref:payment_method_id>/", api.MethodView.as_view(), name="payment-method"),
    path("webhook/", stripe_webhook, name="stripe-webhook"),
    # Stripe follows no redirect to the URL with a slash.
    path("webhook", stripe_webhook),
    path("config/", api.ConfigView.as_view(), name="payment-config"),
]

urlpatterns = [
    path("payments/", include(payment_urls)),
    path("orders/<ref:order_id>/", order_views.OrderDetailView.as_view(), name="order-detail"),
    path("orders/<ref:public_id>/cancel/", order_views.CancelOrderView.as_view(), name="order-cancel"),
    path("orders/<ref:public_id>/sync/", order_views.SyncOrderView.as_view(), name="order-sync"),
    path("orders/<ref:public_id>/refunds/", order_views.RefundsView.as_view(), name="order-refunds"),
    path("bookings/<int:pk>/cancel/", order_views.CancelBookingView.as_view(), name="booking-cancel"),
    path("bookings/<int:pk>/move/", MoveBookingView.as_view(), name="booking-move"),
    path("bookings/<int:pk>/decline/", date_changes.DeclineView.as_view(), name="booking-decline"),
    path("roster/services/", own_dates.OwnServiceList.as_view(), name="own-services"),
    path("roster/sessions/", own_dates.OwnDateList.as_view(), name="own-dates"),
    path("roster/sessions/<int:pk>/", own_dates.OwnDateDetail.as_view(), name="own-date"),
    path("roster/sessions/<int:pk>/call-off/", date_changes.CallOffView.as_view(), name="session-call-off"),
    path("roster/sessions/<int:pk>/move/", date_changes.MoveView.as_view(), name="session-move"),
    path(
        "roster/bookings/<int:pk>/call-off/",
        date_changes.CallOffBookingView.as_view(),
        name="booking-call-off",
    ),
    path("roster/sessions/<int:pk>/message/", WriteToDateView.as_view(), name="session-message"),
    path("roster/bookings/<int:pk>/message/", WriteToGuestView.as_view(), name="booking-message"),
    path("roster/days/call-off/", date_changes.CallOffDaysView.as_view(), name="days-call-off"),
    path("roster/days/open/", date_changes.OpenDaysView.as_view(), name="days-open"),
    path("roster/changes/", date_changes.DateChangeList.as_view(), name="date-changes"),
    path("roster/changes/<ref:change_id>/", date_changes.DateChangeView.as_view(), name="date-change"),
]
