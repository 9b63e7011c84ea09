"""What payments add under /api/v1/orders/ and /api/v1/bookings/."""

from django.urls import path

from estuary.payments import order_views

urlpatterns = [
    path("orders/<ref:public_id>/cancel/", order_views.CancelOrderView.as_view(), name="order-cancel"),
    path("orders/<ref:public_id>/sync/", order_views.SyncOrderView.as_view(), name="order-sync"),
    path("orders/<ref:public_id>/refunds/", order_views.RefundsView.as_view(), name="order-refunds"),
    path("bookings/<int:pk>/cancel/", order_views.CancelBookingView.as_view(), name="booking-cancel"),
]
