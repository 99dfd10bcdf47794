from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0021_bulk_edit_by_account'),
    ]

    operations = [
        migrations.AddField(
            model_name='image',
            name='medium_suggested_at',
            # Without a default: SQLite would make the table anew, without its triggers.
            field=models.DateTimeField(editable=False, null=True, verbose_name='medium suggested'),
        ),
        migrations.AlterField(
            model_name='image',
            name='medium',
            field=models.CharField(choices=[('unknown', 'unknown'), ('photo', 'photo'), ('painting', 'painting'), ('drawing', 'drawing'), ('cartoon', 'cartoon'), ('sketch', 'sketch'), ('render', 'render')], default='unknown', max_length=10, verbose_name='medium'),
        ),
    ]
