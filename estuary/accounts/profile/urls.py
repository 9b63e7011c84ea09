from django.urls import path

from estuary.accounts.profile import api

urlpatterns = [path("account/", api.AccountView.as_view(), name="account")]
