"""The serial behind ticket numbers: a sequence of its own, so that ids stay unseen."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("complaints", "0002_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE complaints_ticket_serial", reverse_sql="DROP SEQUENCE complaints_ticket_serial"
        )
    ]
