from django.db import migrations, models

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    """Adds the index by which the mails of a message are counted and listed."""

    atomic = False

    dependencies = [("payments", "0039_guest_messages")]

    operations = add_index(
        "sentmail",
        models.Index(fields=["message"], condition=models.Q(message__isnull=False), name="mail_by_message"),
    )
