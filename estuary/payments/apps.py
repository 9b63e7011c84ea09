from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "estuary.payments"

    def ready(self) -> None:
        from estuary.payments import checks  # noqa: F401, PLC0415 - registers itself, once the apps are there
