from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """Export and erasure of a person: above all other apps, because it reaches every table."""

    name = "estuary.privacy"
    label = "privacy"
