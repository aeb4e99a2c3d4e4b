"""Floor 9, the roof: settings, urls, celery, home pages, commands and the plan file. Owns no table."""
