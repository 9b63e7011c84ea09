"""What payments add under /api/v1/orders/ and /api/v1/bookings/."""

from django.urls import path

from estuary.payments import order_api

urlpatterns = [
    path("orders/<ref:public_id>/cancel/", order_api.CancelOrderView.as_view(), name="order-cancel"),
    path("orders/<ref:public_id>/sync/", order_api.SyncOrderView.as_view(), name="order-sync"),
    path("orders/<ref:public_id>/refunds/", order_api.RefundsView.as_view(), name="order-refunds"),
    path("bookings/<int:pk>/cancel/", order_api.CancelBookingView.as_view(), name="booking-cancel"),
]
