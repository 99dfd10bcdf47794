from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit_log', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditentry',
            name='token_name',
            field=models.CharField(blank=True, default='', max_length=100, verbose_name='API token'),
            preserve_default=False,
        ),
    ]
