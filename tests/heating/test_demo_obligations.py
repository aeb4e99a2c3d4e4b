"""The demonstration of the duty matrix plays with the portal's own acts: some in time, some not, all of it marked."""

from datetime import datetime, timedelta

import pytest

from core.civil import SHANGHAI
from deadlines import obligations
from deadlines.models import Obligation, Standing
from heating import demo_obligations

pytestmark = pytest.mark.django_db
MORNING = datetime(2025, 11, 7, 9, 0, tzinfo=SHANGHAI)


def test_a_company_reports_what_it_has_ready_and_the_bureau_verifies_the_day_after():
    obligations.generate(at=MORNING)
    moments = {moment: act for moment, act in demo_obligations.events(MORNING, MORNING + timedelta(hours=33)) if getattr(act, "args", ("x",))[0] in ("demo-heating-1", "x")}
    assert len(moments) == 4 and min(moments) >= MORNING  # the company's two days, and two late afternoons
    for moment, act in sorted(moments.items()):
        act(moment)
    standings = set(Obligation.objects.filter(unit__code="demo-heating-1").values_list("standing", flat=True))
    assert standings >= {Standing.OPEN, Standing.VERIFIED}
    assert not Obligation.objects.exclude(standing=Standing.OPEN).filter(is_demo=False).exists()
