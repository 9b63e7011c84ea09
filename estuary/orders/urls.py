from django.urls import path

from estuary.orders import api

urlpatterns = [
    path("orders/", api.OrderList.as_view(), name="order-list"),
]
