from django.db import migrations, models


class Migration(migrations.Migration):
    """A kind and a permission more: no SQL."""

    dependencies = [
        ('catalog', '0011_image_text'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='image',
            options={'ordering': ('-created_at', 'id'), 'permissions': (('purge_image', 'Can delete images in the bin for good'), ('export_image', 'Can export image'),), 'verbose_name': 'image', 'verbose_name_plural': 'images'},
        ),
        migrations.AlterField(
            model_name='bulkedit',
            name='kind',
            field=models.CharField(choices=[('bin', 'Move to the bin'), ('restore', 'Restore'), ('purge', 'Delete for good'), ('reindex', 'Describe and index again'), ('add_tags', 'Add tags'), ('remove_tags', 'Remove tags'), ('add_albums', 'Add to albums'), ('remove_albums', 'Take out of albums'), ('set_medium', 'Set the medium'), ('set_owner', 'Set the owner'), ('set_licence', 'Set the licence'), ('export', 'Export')], max_length=20, verbose_name='change'),
        ),
    ]
