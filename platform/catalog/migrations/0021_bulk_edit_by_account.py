from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """All that is there counts as an account's: of what is the system's only exports run, and end."""

    dependencies = [
        ('catalog', '0020_image_payload_format'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='bulkedit',
            name='by_account',
            field=models.BooleanField(default=True, editable=False),
        ),
        migrations.AlterField(
            model_name='bulkedit',
            name='by_account',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddConstraint(
            model_name='bulkedit',
            constraint=models.CheckConstraint(
                condition=Q(('by_account', True), ('started_by__isnull', True), _connector='OR'),
                name='bulk_edit_by_account',
            ),
        ),
    ]
