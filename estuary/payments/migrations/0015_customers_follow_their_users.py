"""Stripe's customers follow their users' e-mail addresses and names; their cards are compared in turn."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0014_no_pattern_for_alerts")]

    operations = [
        migrations.AddField(
            "stripecustomer",
            "update_key",
            models.CharField(blank=True, db_default="", help_text="of an update without an answer", max_length=80),
        ),
        migrations.AddField(
            "stripecustomer",
            "updated_at",
            models.DateTimeField(blank=True, help_text="when Stripe last took an update", null=True),
        ),
        migrations.AddField(
            "stripecustomer",
            "cards_checked_at",
            models.DateTimeField(blank=True, help_text="when compared with Stripe's", null=True),
        ),
        migrations.AlterField(
            "stripecustomer",
            "email",
            models.EmailField(
                help_text="as last sent to Stripe, so that a retry sends the same", max_length=254
            ),
        ),
        migrations.AlterField(
            "stripecustomer",
            "posts",
            models.PositiveIntegerField(default=0, help_text="counts the POSTs after the first, one key each"),
        ),
    ]
