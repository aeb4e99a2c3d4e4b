"""Pages of what somebody takes along: how far it is, and the file."""

from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import clock, workbook
from core.htmx import render_part
from core.paging import page
from units import exports


@login_required
@require_safe
def export_list(request):
    """What one has asked for."""
    found = page(exports.of(request.user), order=("-id",), cursor=request.GET.get("cursor"), size=20)
    return render(request, "units/exports/list.html", {"page": found, "hours": exports.KEPT.total_seconds() // 3600, "direct": exports.DIRECT})


@login_required
@require_safe
def export_page(request, pk):
    """One of them: how many rows are written, and the way to the file."""
    export = exports.to_see(request.user, pk)
    context = {"export": export, "until": export.finished_at and export.finished_at + exports.KEPT}
    return render_part(request, "units/exports/page.html", "units/exports/_export.html", context)


@login_required
@require_safe
def download(request, pk):
    """The file, for whoever asked for it."""
    export, path = exports.fetch(request.user, pk, at=clock.now())
    return workbook.as_download(FileResponse(path.open("rb"), content_type=workbook.XLSX), exports.file_name(export))
