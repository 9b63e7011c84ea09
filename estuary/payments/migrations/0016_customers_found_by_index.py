"""Whose cards are to be compared next is found by index, however many customers there are."""

from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0015_customers_follow_their_users")]

    operations = [
        *add_index(
            "stripecustomer", models.Index(fields=["cards_checked_at"], name="stripe_customer_to_check")
        ),
    ]
