from django.db import migrations


class Migration(migrations.Migration):
    """Making the grams of a ticket costs what some thousands of plain comparisons cost; PostgreSQL is told, so that it takes the index."""

    dependencies = [('complaints', '0013_filters')]

    operations = [
        migrations.RunSQL('ALTER FUNCTION complaints_grams(text, text) COST 3000', 'ALTER FUNCTION complaints_grams(text, text) COST 100'),
    ]
