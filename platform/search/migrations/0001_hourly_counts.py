from django.db import migrations, models


class Migration(migrations.Migration):
    """How many searches each hour saw, for the dashboard."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='SearchCount',
            fields=[
                ('hour', models.DateTimeField(primary_key=True, serialize=False)),
                ('searches', models.PositiveIntegerField(default=0)),
            ],
            options={
                'default_permissions': (),
            },
        ),
    ]
