from django.apps import AppConfig


class BookingsConfig(AppConfig):
    name = "estuary.bookings"

    def ready(self) -> None:
        # Imported once all apps are loaded.
        from estuary.accounts.recovery import account_recovered  # noqa: PLC0415
        from estuary.bookings.roster.feeds import stop_feed_on_recovery  # noqa: PLC0415

        account_recovered.connect(stop_feed_on_recovery, dispatch_uid="bookings.stop_feed_on_recovery")
