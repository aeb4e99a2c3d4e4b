"""Floor 9, the roof: settings, urls, celery, home pages, commands and the plan file. Owns no table."""

from heating.celery import app as celery_app

__all__ = ["celery_app"]
