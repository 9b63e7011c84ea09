"""The worker's jobs that issue receipts and credit notes (procrastinate imports this module)."""

from estuary.documents.issuing import issue_due_documents
from estuary.payments.tasks import periodic


@periodic("* * * * * */10")
def issue_documents(timestamp: int) -> None:
    issue_due_documents()


@periodic("7 3 * * *")
def issue_missed_documents(timestamp: int) -> None:
    """Issue what a run every ten seconds has passed by: such as what failed in the hour after the payment."""
    issue_due_documents(everything=True)
