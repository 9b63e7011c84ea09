from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "estuary.payments"

    def ready(self) -> None:
        # Once the apps are there: the checks register themselves.
        from estuary.common.metrics import ask_at_scrape  # noqa: PLC0415
        from estuary.payments import checks  # noqa: F401, PLC0415
        from estuary.payments.gauges import DATABASE_GAUGES  # noqa: PLC0415

        ask_at_scrape(DATABASE_GAUGES)
