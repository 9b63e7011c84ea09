"""Events are read by orjson; nothing changes in the database."""

from django.db import migrations, models

from estuary.common.db.json import FastDecoder


class Migration(migrations.Migration):
    dependencies = [("payments", "0008_refund_by_intent")]

    operations = [
        migrations.AlterField("webhookevent", "payload", models.JSONField(decoder=FastDecoder)),
    ]
