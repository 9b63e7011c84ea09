from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the database id that a customer carries at Stripe; rows without one are sent theirs by the worker."""

    dependencies = [("payments", "0041_times_of_date_changes")]

    operations = [
        migrations.AddField(
            model_name="stripecustomer",
            name="database_id",
            field=models.CharField(
                blank=True,
                db_column="house",
                db_default="",
                help_text="As last sent to Stripe: the database that the customer belongs to. "
                "Empty: it was never sent.",
                max_length=32,
            ),
        ),
    ]
