from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "estuary.documents"
    verbose_name = "Receipts"
