from django.urls import path

from estuary.privacy import api

urlpatterns = [
    path("account/data/", api.OwnDataView.as_view(), name="account-data"),
    path("account/erasure/", api.ErasureView.as_view(), name="account-erasure"),
]
