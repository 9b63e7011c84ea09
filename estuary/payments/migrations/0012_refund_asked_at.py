"""When a refund was last sent with no outcome known, so that its key is not given up while Stripe may be at it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0011_refunds_found_by_index")]

    operations = [
        migrations.AddField(
            model_name="refund",
            name="asked_at",
            field=models.DateTimeField(
                blank=True, help_text="when it was last sent under this key with no outcome known", null=True
            ),
        ),
    ]
