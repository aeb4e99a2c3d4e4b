"""What is put away by itself: accounts that nobody uses (S8), sessions that ended."""

from datetime import datetime

from django.contrib.sessions.models import Session

from units import people


def generate(*, at: datetime) -> None:
    """Let dormant accounts rest, and drop sessions whose time is over."""
    people.rest_dormant(at=at)
    Session.objects.filter(expire_date__lt=at).delete()
