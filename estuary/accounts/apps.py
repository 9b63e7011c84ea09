from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "estuary.accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415

        from estuary.accounts.sign_in.devices import remember_device  # noqa: PLC0415
        from estuary.accounts.sign_in.sessions import set_absolute_expiry  # noqa: PLC0415

        user_logged_in.connect(remember_device, dispatch_uid="accounts.remember_device")
        user_logged_in.connect(set_absolute_expiry, dispatch_uid="accounts.end_after_a_day")
