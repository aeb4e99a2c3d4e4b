"""What is put away by itself: accounts that nobody uses (S8), sessions that ended, exported files after their term (S12)."""

from datetime import datetime

from django.contrib.sessions.models import Session

from units import exports, people


def generate(*, at: datetime) -> None:
    """Let dormant accounts rest, and drop sessions and files whose time is over."""
    people.rest_dormant(at=at)
    Session.objects.filter(expire_date__lt=at).delete()
    exports.expire(at=at)
