from django.urls import path

from estuary.catalog import api

urlpatterns = [
    path("services/", api.ServiceList.as_view(), name="service-list"),
    path("services/<int:pk>/", api.ServiceDetail.as_view(), name="service-detail"),
    path("services/<int:pk>/sessions/", api.SessionList.as_view(), name="service-sessions"),
    path("services/<int:pk>/slots/", api.SlotList.as_view(), name="service-slots"),
]
