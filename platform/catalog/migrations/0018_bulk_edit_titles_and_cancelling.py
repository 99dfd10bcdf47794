from django.db import migrations, models


class Migration(migrations.Migration):
    """Kinds and a state more: no SQL."""

    dependencies = [
        ("catalog", "0017_copy_checks"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bulkedit",
            name="kind",
            field=models.CharField(
                choices=[
                    ("bin", "Move to the bin"),
                    ("restore", "Restore"),
                    ("purge", "Delete for good"),
                    ("take_in", "Take in"),
                    ("refuse", "Refuse"),
                    ("reindex", "Describe and index again"),
                    ("add_tags", "Add tags"),
                    ("remove_tags", "Remove tags"),
                    ("add_albums", "Add to albums"),
                    ("remove_albums", "Take out of albums"),
                    ("set_medium", "Set the medium"),
                    ("set_title", "Set the title"),
                    ("replace_in_title", "Replace in the title"),
                    ("set_owner", "Set the owner"),
                    ("set_licence", "Set the licence"),
                    ("export", "Export"),
                ],
                max_length=20,
                verbose_name="change",
            ),
        ),
        migrations.AlterField(
            model_name="bulkedit",
            name="state",
            field=models.CharField(
                choices=[
                    ("asked", "to be confirmed"),
                    ("running", "running"),
                    ("done", "done"),
                    ("cancelled", "cancelled"),
                ],
                default="asked",
                max_length=10,
                verbose_name="state",
            ),
        ),
    ]
