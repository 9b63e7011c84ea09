"""Tables that change with every payment are vacuumed by how many rows changed, not by how many there are."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations

# A fifth of a table (the usual scale) is two million rows of ten million: too late for indexes that are asked all day.
# The rest of a page is left free where no index has the column that changes, so that a new version of a row stays in it.
BUSY = {
    "payments_webhookevent": "autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.01",
    "orders_order": "autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02",
    "bookings_reservation": "autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02",
    "credits_creditaccount": "fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05",
    "catalog_servicesession": "fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05",
}


def _names(settings):
    return ", ".join(setting.partition(" =")[0] for setting in settings.split(", "))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("payments", "0006_disputes"),
        ("orders", "0003_lost_to_disputes"),
        ("bookings", "0003_index_all_active"),
        ("catalog", "0002_hold_at_most_a_day"),
        ("credits", "0002_frozen"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="webhookevent",
            index=BrinIndex(fields=["received_at"], autosummarize=True, name="webhook_event_by_age"),
        ),
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} SET ({settings})", f"ALTER TABLE {table} RESET ({_names(settings)})"
            )
            for table, settings in BUSY.items()
        ),
    ]
