"""The audit administrator's door: the journal, to be read and taken along, never changed."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import clock
from units import access, audit, audit_exports, exports


@login_required
@require_safe
def entries(request):
    """Entries as they are asked for; `?export` gives them as a spreadsheet, which is itself an entry."""
    access.require(request.user, access.AUDIT)
    at, asked = clock.now(), audit.Asked.of(request.GET)
    if "export" in request.GET:
        return exports.answer(request.user, audit_exports.JOURNAL, request.GET, at=at)
    context = {
        "page": audit.listed(asked, request.GET.get("cursor")), "asked": asked, "kinds": audit.KINDS, "curious": audit.curious(at),
        "anchors": audit.newest_anchors(), "most": audit.MOST_REVEALS_A_DAY,
    }  # fmt: skip
    return render(request, "units/journal.html", context)
