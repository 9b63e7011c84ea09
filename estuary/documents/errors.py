"""Why an order has no receipt, or none yet."""

from typing import Any

from estuary.common.errors import Conflict


class NoReceipt(Conflict):
    """The order sold nothing: it is unpaid, or its money went back before anything was handed over."""

    code, title = "no_receipt", "This order has no receipt"


class ReceiptNotReady(Conflict):
    """The order is paid, and the worker has not numbered its receipt yet."""

    code, title = "receipt_not_ready", "The receipt has no number yet"

    def __init__(self, detail: str, *, retry_after_s: int = 10, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers["Retry-After"] = str(retry_after_s)
