"""Staff find a service by a word of its name, and the dates of a day."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations
from django.db.models import Index

from estuary.common.db.migration_operations import add_index


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0008_venues_and_join_links")]

    operations = [
        *add_index("service", GinIndex(SearchVector("name", config="simple"), name="service_by_word")),
        *add_index("servicesession", Index(fields=["starts_at"], name="session_by_start")),
    ]
