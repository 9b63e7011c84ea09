"""A practitioner's own hours: shown with the bookings outside them, and changed."""
