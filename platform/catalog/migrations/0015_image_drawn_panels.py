from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0014_indexes_of_filters")]

    operations = [
        migrations.AddField(
            model_name="image",
            name="drawn_panels",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
