"""What may happen often is told to staff once an hour."""

from django.db import migrations, models

from estuary.common.indexes import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0012_refund_asked_at")]

    operations = [
        migrations.CreateModel(
            name="HourlyAlert",
            fields=[
                ("code", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("alerted_at", models.DateTimeField()),
            ],
        ),
        drop_index("payments_hourlyalert_code_a3cf98f5_like", on="payments_hourlyalert (code varchar_pattern_ops)"),
    ]
