from django.urls import path

from estuary.common.api import url_converters  # noqa: F401 - registers <ref:…>
from estuary.documents import api

urlpatterns = [
    path("orders/<ref:order_id>/receipt/", api.ReceiptView.as_view(), name="order-receipt"),
    path("orders/<ref:order_id>/receipt/pdf/", api.ReceiptPdfView.as_view(), name="order-receipt-pdf"),
    path(
        "orders/<ref:order_id>/credit-notes/<slug:number>/pdf/",
        api.CreditNotePdfView.as_view(),
        name="credit-note-pdf",
    ),
]
