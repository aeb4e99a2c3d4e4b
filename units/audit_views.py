"""The audit administrator's door: the journal, to be read and taken along, never changed."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import clock, journal
from core.workbook import MOST, Sheet, response
from units import access, audit


@login_required
@require_safe
def entries(request):
    """Entries as they are asked for; `?export` gives the newest 20,000 of them as a spreadsheet, which is itself an entry."""
    access.require(request.user, access.AUDIT)
    at, asked = clock.now(), audit.Asked.of(request.GET)
    if "export" in request.GET:
        rows = list(audit.entries(asked).order_by("-position")[:MOST])
        journal.record(request.user, "export", actor=request.user, at=at, what="journal", rows=len(rows))
        return response("台账流水", _sheet(rows))
    context = {
        "page": audit.listed(asked, request.GET.get("cursor")), "asked": asked, "kinds": audit.KINDS, "curious": audit.curious(at),
        "anchors": audit.newest_anchors(), "most": audit.MOST_REVEALS_A_DAY,
    }  # fmt: skip
    return render(request, "units/journal.html", context)


def _sheet(rows) -> Sheet:
    columns = [("序号", 10), ("时间", 20), ("事项", 18), ("对象类别", 14), ("对象", 24), ("操作人", 14), ("单位", 20), ("理由", 40), ("散列", 66)]
    return Sheet("台账流水", columns, (
        (row.position, row.at, audit.NAMES.get(row.act, row.act), row.subject_kind, row.subject_key, row.actor_name or "系统", row.unit_code, row.reason, row.hash)
        for row in rows
    ))  # fmt: skip
