"""The demo's output: the steps, the table of the self-check, and the URLs to open."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.plan import Plan
from demo.selfcheck.scenario import Report
from demo.selfcheck.shop import PASSWORD

WIDTH_IN_A_FILE = 190
# Whole ids fit into the table from this width on.
WIDE = 160


def new_console() -> Console:
    """Return the console; in a file or a pipe, lines are wide enough for the table."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_IN_A_FILE)


class Screen:
    def __init__(self) -> None:
        self.console = new_console()

    @contextmanager
    def step(self, doing: str, done: str) -> Iterator[None]:
        """Show a step while it runs, then its name when done and the time it took."""
        began = time.monotonic()
        with self.console.status(f"{doing} …"):
            yield
        self.console.print(f"  [green]✓[/] {done} [dim]{time.monotonic() - began:.1f} s[/]")

    def problem(self, text: str) -> None:
        self.console.print(f"\n[bold red]✗[/] {escape(text)}", soft_wrap=True)

    def report(self, report: Report) -> None:
        table = Table(
            title="One of everything, through the public API", title_justify="left", box=box.SIMPLE_HEAD
        )
        for name in ("What", "Order", "Payment", "Amount", "Status", "Handed over"):
            table.add_column(
                name,
                overflow="fold",
                no_wrap=name in {"Order", "Payment", "Amount"},
                justify="right" if name == "Amount" else "left",
            )
        narrow = self.console.width < WIDE
        for row in report.rows:
            style = "red" if row.failed else None
            order, payment = (
                (_shortened(row.order), _shortened(row.payment)) if narrow else (row.order, row.payment)
            )
            cells = [row.what, order, payment, row.amount, row.status.replace("_", " "), row.handed_over]
            table.add_row(*map(escape, cells), style=style)
        self.console.print()
        self.console.print(table)
        if report.money:
            self.console.print(f"[green]✓[/] The money agrees: {report.money}.")

    def where_to_go(self, plan: Plan) -> None:
        """Print URLs, users, test cards and a first request."""
        self.console.print(WHERE_TO_GO.format(
            web=plan.web_url, sandbox=plan.sandbox_url, password=PASSWORD, logs=plan.logs
        ), soft_wrap=True)  # fmt: skip


def _shortened(identifier: str) -> str:
    return identifier[:8] + "…" if len(identifier) > 9 else identifier


WHERE_TO_GO = """
[bold]Estuary is up.[/]
  [bold]Storefront          {web}/[/]
  API documentation   {web}/api/docs/
  Admin               {web}/admin/
  Stripe sandbox      {sandbox}/_sandbox/  (payments, refunds, disputes: act as the bank and the dashboard)
  Hosted pages        {sandbox}/c/pay/…    (the checkout_url of a payment with payment_type "checkout")
  Logs                {logs}/

[bold]People[/]              maya@estuary.example and tom@estuary.example buy, staff@estuary.example refunds,
                    mateo@estuary.example is a practitioner: {web}/roster/;
                    everyone's password is {password}
[bold]Mails[/]               {logs}/worker.log has them as they are read, with the links of resets
[bold]Cards[/]               4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined,
                    4000 0025 0000 3155 asks for 3-D Secure; any date to come, any CVC

[bold]A request to begin with[/]
  TOKEN=$(curl -s {web}/_allauth/app/v1/auth/login -H 'Content-Type: application/json' \\
    -d '{{"email": "maya@estuary.example", "password": "{password}"}}' \\
    | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
  curl -s {web}/api/v1/payments/create/ \\
    -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"is_credit_purchase": true, "amount": 25, "payment_type": "checkout"}}'

Ctrl-C stops everything."""
