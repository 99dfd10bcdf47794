from django.db import migrations, models


class Migration(migrations.Migration):
    """An index, so that what was described in the last minutes is counted quickly."""

    dependencies = [
        ('catalog', '0012_bulk_edit_export'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='image',
            index=models.Index(fields=['indexed_at'], name='image_indexed_at'),
        ),
    ]
