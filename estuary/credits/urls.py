from django.urls import path

from estuary.credits import api

urlpatterns = [path("credits/", api.Credits.as_view(), name="credits")]
