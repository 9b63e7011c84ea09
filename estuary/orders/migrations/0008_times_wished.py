"""Times that were chosen and are held by no one until their order is paid."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("orders", "0007_bought_just_now")]

    operations = [
        migrations.AddField("orderline", "wished_starts_at", models.DateTimeField(null=True)),
        migrations.AddField("orderline", "wished_ends_at", models.DateTimeField(null=True)),
        migrations.AddField("orderline", "wished_session_id", models.BigIntegerField(null=True)),
    ]
