from django.urls import path

from estuary.bookings import api
from estuary.bookings.hours.api import HoursExceptionView, HoursView
from estuary.bookings.moving.api import BookingSessions, BookingSlots
from estuary.bookings.roster.api import Roster
from estuary.bookings.roster.feed_api import CalendarView, FeedView
from estuary.common.api import url_converters  # noqa: F401 - registers <day:…>

urlpatterns = [
    path("bookings/", api.BookingList.as_view(), name="booking-list"),
    path("bookings/<int:pk>/", api.BookingDetail.as_view(), name="booking-detail"),
    path("bookings/<int:pk>/schedule/", api.BookingSchedule.as_view(), name="booking-schedule"),
    path("bookings/<int:pk>/slots/", BookingSlots.as_view(), name="booking-slots"),
    path("bookings/<int:pk>/sessions/", BookingSessions.as_view(), name="booking-sessions"),
    path("hours/", HoursView.as_view(), name="hours"),
    path("hours/exceptions/<day:day>/", HoursExceptionView.as_view(), name="hours-exception"),
    path("roster/", Roster.as_view(), name="roster"),
    path("roster/feed/", FeedView.as_view(), name="roster-feed"),
    # Calendar programs expect the ending.
    path("calendar/<str:token>.ics", CalendarView.as_view(), name="roster-calendar"),
]
