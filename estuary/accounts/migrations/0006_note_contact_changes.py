"""A change of a user's e-mail address or name is noted by a trigger, for whoever keeps a copy of them."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_people_found_by_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='ContactChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seen_at', models.DateTimeField(help_text='when the worker first saw it', null=True)),
                ('next_try_at', models.DateTimeField(help_text='when the worker tries again', null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contact_changes', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='note_contact_change', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."email" IS DISTINCT FROM (NEW."email") OR OLD."first_name" IS DISTINCT FROM (NEW."first_name") OR OLD."last_name" IS DISTINCT FROM (NEW."last_name"))', func='INSERT INTO accounts_contactchange (user_id) VALUES (NEW.id); RETURN NULL;', hash='0558d8b32ee8fde5b50db7af1b575f38c21f8c64', operation='UPDATE OF "email", "first_name", "last_name"', pgid='pgtrigger_note_contact_change_3ec4e', table='accounts_user', when='AFTER')),
        ),
    ]
