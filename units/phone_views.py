"""The public phone book: no log-in, no script, nothing but what was published (I13)."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import civil, clock
from units import phones


@require_safe
def book(request):
    """Residents' way to a voice: the district, the companies, the streets, and whom to call in an emergency."""
    today = civil.day_of(clock.now())
    response = render(request, "units/phones.html", {"groups": phones.book(today), "today": today})
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
