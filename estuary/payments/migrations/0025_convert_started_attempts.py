"""Move the mark of a started attempt from the beginning of the error to its column, for events in the queue.

Only pending events have it, at most one for each worker thread that runs or has died. The partial index of due events
finds them, and a lock on one of them is held by one attempt. A worker of the version before ends its attempt as usual.
An attempt that is not retried later started a minute before its lease ends.
"""

from django.db import migrations

MARK = "A try was begun and has not ended. "
FORWARD = f"""UPDATE payments_webhookevent
SET attempt_started_at = due_at - interval '1 minute', error = substr(error, {len(MARK) + 1})
WHERE status = 'pending' AND starts_with(error, '{MARK}')"""
BACKWARD = f"""UPDATE payments_webhookevent SET error = left('{MARK}' || error, 500)
WHERE status = 'pending' AND attempt_started_at IS NOT NULL"""


class Migration(migrations.Migration):

    dependencies = [("payments", "0024_attempt_started_at")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
