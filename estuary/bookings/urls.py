from django.urls import path

from estuary.bookings import api
from estuary.bookings.moving.api import BookingSlots
from estuary.bookings.hours.api import HoursExceptionView, HoursView

urlpatterns = [
    path("bookings/", api.BookingList.as_view(), name="booking-list"),
    path("bookings/<int:pk>/", api.BookingDetail.as_view(), name="booking-detail"),
    path("bookings/<int:pk>/schedule/", api.BookingSchedule.as_view(), name="booking-schedule"),
    path("bookings/<int:pk>/slots/", BookingSlots.as_view(), name="booking-slots"),
    path("hours/", HoursView.as_view(), name="hours"),
    path("hours/exceptions/<day:day>/", HoursExceptionView.as_view(), name="hours-exception"),
    path("roster/", api.Roster.as_view(), name="roster"),
]
