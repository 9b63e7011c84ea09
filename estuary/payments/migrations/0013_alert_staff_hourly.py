"""What may happen often is told to staff once an hour."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0012_refund_asked_at")]

    operations = [
        migrations.CreateModel(
            name="HourlyAlert",
            fields=[
                ("code", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("alerted_at", models.DateTimeField()),
            ],
        ),
    ]
