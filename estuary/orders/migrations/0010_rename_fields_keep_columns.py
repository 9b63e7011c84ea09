"""Fields get new names in Python. ``db_column`` keeps their columns, so no SQL runs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("orders", "0009_longer_order_and_payment_types")]

    operations = [
        migrations.AlterField(
            "order",
            "asked_at",
            models.DateTimeField(
                blank=True,
                db_column="asked_at",
                help_text="when Stripe was last asked for what pays for it",
                null=True,
            ),
        ),
        migrations.RenameField("order", "asked_at", "requested_at"),
        migrations.AlterField(
            "order",
            "posts",
            models.PositiveIntegerField(
                db_column="posts", default=0, help_text="counts the other POSTs sent to Stripe for it"
            ),
        ),
        migrations.RenameField("order", "posts", "idempotency_sequence"),
        migrations.AlterField(
            "orderline", "wished_starts_at", models.DateTimeField(db_column="wished_starts_at", null=True)
        ),
        migrations.RenameField("orderline", "wished_starts_at", "requested_starts_at"),
        migrations.AlterField(
            "orderline", "wished_ends_at", models.DateTimeField(db_column="wished_ends_at", null=True)
        ),
        migrations.RenameField("orderline", "wished_ends_at", "requested_ends_at"),
        migrations.AlterField(
            "orderline", "wished_session_id", models.BigIntegerField(db_column="wished_session_id", null=True)
        ),
        migrations.RenameField("orderline", "wished_session_id", "requested_session_id"),
    ]
