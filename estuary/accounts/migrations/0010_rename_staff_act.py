"""StaffAct becomes AuditLogEntry. It is a proxy of Django's admin log, whose table and trigger stay: no SQL runs.

After a RenameModel Django renames the content type and the permissions, so whoever was granted one still has it.
"""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("accounts", "0009_drop_other_addresses")]

    operations = [
        migrations.RenameModel("StaffAct", "AuditLogEntry"),
        migrations.AlterModelOptions(
            "auditlogentry",
            options={
                "default_permissions": ("view",),
                "verbose_name": "audit log entry",
                "verbose_name_plural": "audit log entries",
            },
        ),
    ]
