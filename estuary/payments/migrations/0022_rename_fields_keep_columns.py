"""Fields get new names in Python. ``db_column`` keeps their columns, so no SQL runs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("payments", "0021_holds")]

    operations = [
        migrations.AlterField(
            "dispute",
            "stray",
            models.BooleanField(
                db_column="stray", default=False, help_text="of a second or wrong payment; the order is untouched"
            ),
        ),
        migrations.RenameField("dispute", "stray", "is_unmatched"),
        migrations.AlterField(
            "refund",
            "stray",
            models.BooleanField(
                db_column="stray",
                default=False,
                help_text="returns a second or wrong payment; the order is untouched",
            ),
        ),
        migrations.RenameField("refund", "stray", "is_unmatched"),
        migrations.AlterField(
            "refund",
            "asked_at",
            models.DateTimeField(
                blank=True,
                db_column="asked_at",
                help_text="when it was last sent under this key with no outcome known",
                null=True,
            ),
        ),
        migrations.RenameField("refund", "asked_at", "requested_at"),
        migrations.AlterField(
            "stripecustomer",
            "posts",
            models.PositiveIntegerField(
                db_column="posts", default=0, help_text="counts the POSTs after the first, one key each"
            ),
        ),
        migrations.RenameField("stripecustomer", "posts", "idempotency_sequence"),
        # The index names the field, not the column: its definition in the database stays the same.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("orphan", "orphan_waiting"),
                migrations.AlterField(
                    "orphan",
                    "fate",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("recovered", "Recovered"),
                            ("returned", "Returned"),
                            ("foreign", "Foreign"),
                        ],
                        db_column="fate",
                        max_length=12,
                    ),
                ),
                migrations.RenameField("orphan", "fate", "status"),
                migrations.AddIndex(
                    "orphan",
                    models.Index(condition=models.Q(("status", "waiting")), fields=["id"], name="orphan_waiting"),
                ),
            ]
        ),
    ]
