from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("complaints", "0013_filters")]

    operations = [
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                condition=Q(("part", "assist"), ("until", None), ("done_at", None), ("waived_at", None)), fields=["unit", "since"], name="assist_open_of_unit"
            ),
        ),
    ]
