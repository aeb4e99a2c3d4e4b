"""The duty matrix: what the plan asks of whom, for which period, by when, with what proof, and who verifies it."""

import io
from datetime import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core.civil import SHANGHAI
from deadlines import obligations, proof
from deadlines import season as seasons
from deadlines.models import Deadline, Obligation
from tests.story import HOUR

pytestmark = pytest.mark.django_db
BEGUN = datetime(2025, 11, 5, 9, 0, tzinfo=SHANGHAI)  # a Wednesday: the plan is out, ignition is three days away
IGNITION = datetime(2025, 11, 8, tzinfo=SHANGHAI)
STATEMENT = datetime(2025, 12, 6, tzinfo=SHANGHAI)  # what November's statements are due by: the 5th included
YEAR_END = datetime(2026, 1, 1, tzinfo=SHANGHAI)
WEEK_END = datetime(2025, 11, 10, tzinfo=SHANGHAI)


def owed(clause: str, code: str | None = None, at: datetime = BEGUN, **which) -> list[Obligation]:
    """What is owed under a clause by `at`, written: by everybody, or by one unit."""
    season = seasons.active(at)
    items = [one for one in obligations.owed(season, at=at) if one.clause == clause and code in (None, one.unit.code)]
    items = [one for one in items if all(getattr(one, name) == value for name, value in which.items())]
    return proof.open_many(items)


def paper(name: str = "文件.png") -> SimpleUploadedFile:
    """A photographed page."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue(), "image/png")


def test_opening_twice_opens_once_and_asks_as_much_for_one_as_for_all(django_assert_max_num_queries):
    obligations.generate(at=BEGUN)
    count = Obligation.objects.count()
    assert count > 200 and Deadline.objects.filter(stage="obligation").count() == count
    with django_assert_max_num_queries(12):
        obligations.generate(at=BEGUN + HOUR)
    assert Obligation.objects.count() == count
