"""Order types and payment types get room for longer words."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("orders", "0008_times_wished")]

    # A longer varchar rewrites no table: https://www.postgresql.org/docs/current/sql-altertable.html (Notes).
    allows = ("changing-column-type",)

    operations = [
        migrations.AlterField(
            "order",
            "payment_type",
            models.CharField(
                choices=[("intent", "Intent"), ("checkout", "Checkout")], default="intent", max_length=20
            ),
        ),
        migrations.AlterField(
            "order",
            "type",
            models.CharField(choices=[("credit", "Credit"), ("direct", "Direct")], max_length=20),
        ),
    ]
