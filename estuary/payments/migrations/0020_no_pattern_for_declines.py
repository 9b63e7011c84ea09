"""Two indexes less: nobody looks for a decline or a SetupIntent's key by a pattern."""

from django.db import migrations

from estuary.common.db.migration_operations import drop_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0019_setup_intents_and_declines")]

    operations = [
        drop_index("payments_decline_name_4434b571_like", on="payments_decline (name varchar_pattern_ops)"),
        drop_index("payments_setupintent_key_c4ad3db3_like", on="payments_setupintent (key varchar_pattern_ops)"),
    ]
