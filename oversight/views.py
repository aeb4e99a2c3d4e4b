"""Pages of oversight: who kept their time."""

from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from complaints.models import Source
from core import civil, clock
from core.errors import Invalid
from core.together import together
from deadlines import promises
from oversight import headline, statistics

VOICES = {"company": "企业回访", "resident": "住户自评", "sample": "抽样回访"}
SPANS = {"1": "今日", "7": "近 7 天", "30": "近 30 天", "150": "本采暖季"}


@login_required
@require_safe
def overview(request):
    """On-time rates by unit, hops, satisfaction, for a span of days."""
    at = clock.now()
    days = request.GET.get("days", "7")
    if days not in SPANS:
        raise Invalid("时间范围只能是 1、7、30、150 天", field="days")
    _, until = civil.day_bounds(civil.day_of(at))
    span = {"since": until - timedelta(days=int(days)), "until": until}
    found = together(
        told=statistics.told.later(request.user, **span, at=at), others=headline.others.later(request.user, **span, at=at),
        voices=statistics.voices.later(request.user, **span),
    )  # fmt: skip
    context = {
        "at": at, "days": days, "spans": SPANS, **span, **found["told"],
        "headline": headline.with_rates(found["others"], found["told"]["rates"]),
        "voices": [(VOICES[name], voice) for name, voice in found["voices"].items()],
        "promises": promises.made(),
        "sources": dict(Source.choices),
    }  # fmt: skip
    return render(request, "oversight/overview.html", context)
