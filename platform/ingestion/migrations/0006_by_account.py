from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


def tell_accounts_from_commands(apps, schema_editor):
    """What workers run was asked for by an account, which may be gone; what a command runs was not."""
    by_account = Q(started_by__isnull=False) | Q(by_workers=True) | Q(has_upload=True)
    apps.get_model('ingestion', 'Import').objects.filter(by_account).update(by_account=True)


class Migration(migrations.Migration):
    """Folders are watched for accounts alone."""

    dependencies = [
        ('ingestion', '0005_watched_folders'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='import',
            name='by_account',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='watchedfolder',
            name='by_account',
            field=models.BooleanField(default=True, editable=False),
        ),
        migrations.AlterField(
            model_name='watchedfolder',
            name='by_account',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.RunPython(tell_accounts_from_commands, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='import',
            constraint=models.CheckConstraint(
                condition=Q(('by_account', True), ('started_by__isnull', True), _connector='OR'),
                name='import_by_account',
            ),
        ),
        migrations.AddConstraint(
            model_name='watchedfolder',
            constraint=models.CheckConstraint(
                condition=Q(('by_account', True), ('added_by__isnull', True), _connector='OR'),
                name='watched_folder_by_account',
            ),
        ),
    ]
