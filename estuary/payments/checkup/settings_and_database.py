"""The settings that work and are not whole, and the database: is it there, and is it migrated?"""

from collections.abc import Iterator

from django.conf import settings
from django.core.checks.registry import registry
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from estuary.common.livemode import is_live
from estuary.payments.checkup.finding import Finding, broken, good, look

OUR_CHECKS = "estuary.payments.checks"
# In a sandbox these are as they should be.
NOT_IN_THE_SANDBOX = {"estuary.W003"}
WHY = {
    "estuary.W001": "Somebody who tries stolen cards from one address is not slowed down.",
    "estuary.W002": "Prepared statements fail behind a pooler that is not declared.",
    "estuary.W003": "Nobody gets links to confirm an address, receipts or alerts.",
    "estuary.W004": "The storefront shows no card field, so nobody can pay.",
    "estuary.W005": "A key that was cut when it was copied is refused by Stripe.",
    "estuary.W006": "Whoever answers there gets the key, and is believed about money.",
    "estuary.W008": "A leak of this role's password could rewrite the ledger.",
    "estuary.W009": "One locked row can keep all buyers waiting.",
}


def check_settings() -> Iterator[Finding]:
    """Report what ``manage.py check --deploy --database default`` warns of. A value that can't work stops the start."""
    mode = "sandbox, with no real money" if settings.SANDBOX else "live" if is_live() else "test"
    yield good("mode", f"Mode: {mode}. Address of the shop: {settings.FRONTEND_URL}")
    own_checks = [
        check
        for check in registry.get_checks(include_deployment_checks=True)
        if check.__module__ == OUR_CHECKS
    ]
    try:
        messages = [
            message
            for check in own_checks
            for message in check(app_configs=None, databases=[DEFAULT_DB_ALIAS])
        ]
    except DatabaseError:
        # check_database reports it.
        messages = [message for check in own_checks for message in check(app_configs=None, databases=[])]
    for message in messages:
        code = str(message.id)
        if not (settings.SANDBOX and code in NOT_IN_THE_SANDBOX):
            why = WHY.get(code, "It works, and is not safe or not whole.")
            yield look(code, message.msg, why=why, cure=message.hint or "")
    yield _check_seller()


def _check_seller() -> Finding:
    """Report whether receipts can name who sells; with a live key real buyers wait for them."""
    if settings.SELLER.is_known:
        return good("seller", f"Receipts name the seller: {settings.SELLER.name}.")
    report = broken if is_live() else look
    return report(
        "seller_unnamed",
        "ESTUARY_SELLER_NAME is not set.",
        why="No receipt is issued: buyers read that theirs is not ready, and manage.py doctor names receipt_missing.",
        cure='export ESTUARY_SELLER_NAME="Your Company Ltd"    # as registered; then start web server and worker again',
    )


def check_database() -> Iterator[Finding]:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield broken(
            "database_unreachable",
            f"The database does not answer: {str(error).strip()}",
            why="Nothing works without it, and the rest of the set-up can't be checked.",
            cure="psql \"$DATABASE_URL\" -c 'SELECT 1'    # until it answers: is DATABASE_URL right?",
        )
        return
    if missing:
        yield broken(
            "migrations_missing",
            f"{len(missing)} migrations are not applied.",
            why="This version needs tables or columns that are not there yet.",
            cure="manage.py migrate",
        )
        return
    yield good("database", "The database answers and is migrated.")
