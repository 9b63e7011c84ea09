"""Fields get new names in Python. ``db_column`` keeps their columns, so no SQL runs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("payments", "0030_no_pattern_index_of_fraud_notices")]

    operations = [
        migrations.AlterField(
            "stripeaccount",
            "home",
            models.CharField(
                blank=True, db_column="home", db_default="", help_text="URL of this installation.", max_length=200
            ),
        ),
        migrations.RenameField("stripeaccount", "home", "site_url"),
        migrations.AlterField(
            "stripeaccount",
            "house",
            models.CharField(
                blank=True, db_column="house", db_default="", help_text="Random for each database.", max_length=32
            ),
        ),
        migrations.RenameField("stripeaccount", "house", "database_id"),
        migrations.AlterField(
            "stripeaccount",
            "mark",
            models.CharField(
                blank=True, db_column="mark", db_default="", help_text="Random for each count.", max_length=32
            ),
        ),
        migrations.RenameField("stripeaccount", "mark", "count_token"),
        migrations.AlterField(
            "stripeaccount",
            "standing",
            models.CharField(
                blank=True,
                choices=[("owner", "Owner"), ("other", "Other"), ("behind", "Behind"), ("untold", "Unknown")],
                db_column="standing",
                db_default="",
                help_text="Empty until it was compared with Stripe.",
                max_length=8,
            ),
        ),
        migrations.RenameField("stripeaccount", "standing", "owner_status"),
        migrations.AlterField(
            "stripeaccount",
            "judged_home",
            models.CharField(
                blank=True,
                db_column="judged_home",
                db_default="",
                help_text="The site's URL when the owner status was found.",
                max_length=200,
            ),
        ),
        migrations.RenameField("stripeaccount", "judged_home", "owner_status_url"),
        migrations.AlterField(
            "stripeaccount",
            "judged_at",
            models.DateTimeField(blank=True, db_column="judged_at", null=True),
        ),
        migrations.RenameField("stripeaccount", "judged_at", "owner_status_checked_at"),
        migrations.AlterField(
            "stripeaccount",
            "house_since",
            models.DateTimeField(
                blank=True,
                db_column="house_since",
                help_text="In a copy at another URL: older objects belong to the original.",
                null=True,
            ),
        ),
        migrations.RenameField("stripeaccount", "house_since", "copied_at"),
        migrations.AlterField(
            "dispute",
            "next_ask_at",
            models.DateTimeField(
                blank=True, db_column="next_ask_at", help_text="When the worker fetches it again.", null=True
            ),
        ),
        migrations.RenameField("dispute", "next_ask_at", "next_fetch_at"),
    ]
