"""A field gets a new name in Python. ``db_column`` keeps its column, so no SQL runs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("orders", "0011_plain_help_texts")]

    operations = [
        migrations.AlterField(
            "order",
            "next_ask_at",
            models.DateTimeField(
                blank=True, db_column="next_ask_at", help_text="When its payment is fetched again.", null=True
            ),
        ),
        migrations.RenameField("order", "next_ask_at", "next_fetch_at"),
    ]
