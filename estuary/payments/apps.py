from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "estuary.payments"

    def ready(self) -> None:
        # Imported once all apps are loaded; the checks register themselves.
        from django.db.models.signals import post_migrate, post_save  # noqa: PLC0415

        from estuary.accounts.models import User  # noqa: PLC0415
        from estuary.accounts.recovery import account_recovered  # noqa: PLC0415
        from estuary.common.observability.metrics import SCRAPE_REGISTRY  # noqa: PLC0415
        from estuary.common.postgresql.rights import grant_rights  # noqa: PLC0415
        from estuary.payments import checks, outbox  # noqa: F401, PLC0415
        from estuary.payments.customers.customer_updates import enqueue_update  # noqa: PLC0415
        from estuary.payments.observability import DATABASE_GAUGES  # noqa: PLC0415

        SCRAPE_REGISTRY.register(DATABASE_GAUGES)
        account_recovered.connect(
            outbox.end_payments_on_recovery, dispatch_uid="payments.end_payments_on_recovery"
        )
        # After the migrations of all apps.
        post_migrate.connect(grant_rights, sender=self, dispatch_uid="payments.grant_rights")
        post_save.connect(enqueue_update, sender=User, dispatch_uid="payments.enqueue_update")
