import django.db.models.deletion
from django.db import migrations, models

from catalog import text_search


def remove(apps, schema_editor):
    text_search.remove(schema_editor.connection)


class Migration(migrations.Migration):
    """Words of images, for the admin's search; the triggers that write them come after migrating."""

    dependencies = [
        ('catalog', '0010_private_albums'),
    ]

    operations = [
        migrations.CreateModel(
            name='ImageText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('words', models.TextField()),
                ('tags', models.TextField()),
                ('image', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='text', to='catalog.image')),
            ],
        ),
        migrations.RunPython(migrations.RunPython.noop, remove),
    ]
