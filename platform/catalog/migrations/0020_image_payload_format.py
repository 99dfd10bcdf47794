from django.db import migrations, models
from django.db.models import F
from django.utils import timezone


def have_points_filled(apps, schema_editor):
    """Points lack what filters ask for since this release; the workers write it, without a model."""
    images = apps.get_model('catalog', 'Image').objects.all()
    images.update(payload_changes=F('payload_changes') + 1, payload_due_at=timezone.now())


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0019_encoder_words'),
    ]

    operations = [
        migrations.AddField(
            model_name='image',
            name='payload_format',
            # Without a default: SQLite would make the table anew, without its triggers.
            field=models.PositiveSmallIntegerField(editable=False, null=True),
        ),
        migrations.RunPython(have_points_filled, migrations.RunPython.noop),
    ]
