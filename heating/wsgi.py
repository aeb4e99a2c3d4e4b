"""The portal as a WSGI application, for gunicorn."""

import os

import django

from core.requests import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heating.settings")
django.setup(set_prefix=False)
application = Handler()
