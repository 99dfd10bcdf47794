from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('watches', '0002_told_since'),
    ]

    operations = [
        migrations.AddField(
            model_name='watch',
            name='looked_through_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='watch',
            name='looked_through_link',
            field=models.BigIntegerField(default=0, editable=False),
        ),
    ]
