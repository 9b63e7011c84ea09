"""One index less: nobody looks for an alert by a pattern."""

from django.db import migrations

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0013_alert_staff_hourly")]

    operations = [
        drop_index("payments_hourlyalert_code_a3cf98f5_like", on="payments_hourlyalert (code varchar_pattern_ops)"),
    ]
