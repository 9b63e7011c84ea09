"""What was there before is within the limits too.

When a row is not, since the version before has written it after it had been looked for: ``manage.py migrate catalog 0003``,
and then ``manage.py migrate`` brings it within them.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

CONSTRAINTS = (
    ("availability", "availability_ends_by_midnight"),
    ("service", "service_numbers_within_limits"),
    ("service", "service_sale_within_limits"),
    ("serviceprice", "service_price_can_be_charged"),
    ("servicesession", "session_within_limits"),
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_limits")]

    operations = [ValidateConstraint(model, name) for model, name in CONSTRAINTS]
