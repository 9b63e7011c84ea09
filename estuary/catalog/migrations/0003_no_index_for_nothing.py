"""Fewer indexes to write: others begin with the same columns, and nobody searches by a pattern."""

from django.db import migrations, models

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0002_hold_at_most_a_day")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                drop_index("catalog_packageitem_package_id_446f9ecf", on="catalog_packageitem (package_id)"),
                drop_index("catalog_serviceprice_service_id_66597c4f", on="catalog_serviceprice (service_id)"),
                drop_index("catalog_servicesession_service_id_7698215e", on="catalog_servicesession (service_id)"),
            ],
            state_operations=[
                migrations.AlterField("packageitem", "package", models.ForeignKey("catalog.service", on_delete=models.CASCADE, related_name="items", db_index=False)),
                migrations.AlterField("serviceprice", "service", models.ForeignKey("catalog.service", on_delete=models.CASCADE, related_name="prices", db_index=False)),
                migrations.AlterField("servicesession", "service", models.ForeignKey("catalog.service", on_delete=models.PROTECT, related_name="sessions", db_index=False)),
            ],
        ),
        drop_index("catalog_service_slug_cc43e4c8_like", on="catalog_service (slug varchar_pattern_ops)"),
    ]
